/** The command that runs beside replication and ends with it (`exec`). */
import { type ChildProcess, spawn } from 'node:child_process';
import { constants } from 'node:os';
import { ReplicationError } from '#errors/replication-error';

/** How the child ended: its exit code, or 128 + signal. */
export interface ChildEnd {
  readonly exitCode: number;
  readonly signal: NodeJS.Signals | undefined;
}

/** A command under way. */
export interface Child {
  readonly ended: Promise<ChildEnd>;
  /** Passes a signal on; a child that has ended is left alone. */
  kill(signal: NodeJS.Signals): void;
}

/** Starts the command, words already split, without a shell. `USAGE` when it cannot be started. */
export const startChild = async (words: readonly string[]): Promise<Child> => {
  const [program, ...args] = words;
  if (program === undefined) {
    throw new ReplicationError('USAGE', 'exec command is empty', { retryable: false, hint: 'Name a program.' });
  }
  const child = spawn(program, args, { stdio: ['ignore', 'inherit', 'inherit'] });
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', (cause) => {
      reject(
        new ReplicationError('USAGE', `cannot start exec command: ${cause.message}`, {
          retryable: false,
          hint: 'Check the path and mode of the program.',
          details: { program },
          cause,
        }),
      );
    });
  });
  return { ended: endOf(child), kill: (signal) => void child.kill(signal) };
};

const endOf = (child: ChildProcess): Promise<ChildEnd> =>
  new Promise((resolve) => {
    child.once('exit', (code, signal) => {
      resolve({
        exitCode: signal === null ? (code ?? 1) : 128 + constants.signals[signal],
        signal: signal ?? undefined,
      });
    });
  });
