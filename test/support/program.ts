/**
 * Child processes of tests: output collected, always a deadline, ended by their own process id. A program that outlives
 * its block is killed; nothing is ever ended by name.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { patienceMs, until } from './until.ts';

export interface ProgramOptions {
  readonly cwd?: string;
  /** Added to the environment of the test; `undefined` removes a variable. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly timeoutMs?: number;
}

/** How a program ended: an exit code, or the signal that killed it. */
export interface ProgramResult {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunningProgram extends AsyncDisposable {
  readonly pid: number;
  readonly stdout: () => string;
  readonly stderr: () => string;
  /** How it ended; `undefined` while it runs. */
  readonly outcome: () => ProgramResult | undefined;
  /** Sends one line to its stdin. */
  readonly send: (line: string) => void;
  readonly signal: (signal: NodeJS.Signals) => void;
  /** Resolves when the text has appeared on stdout or stderr; throws when the program ends before. */
  readonly saw: (text: string | RegExp, options?: { readonly timeoutMs?: number }) => Promise<void>;
  /** Resolves when the program has ended by itself. */
  readonly ended: (options?: { readonly timeoutMs?: number }) => Promise<ProgramResult>;
  /** SIGTERM (or another signal), then waits for the end; SIGKILL after the deadline is an error. */
  readonly stop: (options?: {
    readonly signal?: NodeJS.Signals;
    readonly timeoutMs?: number;
  }) => Promise<ProgramResult>;
  /** `kill -9`, then waits for the end. */
  readonly kill: () => Promise<ProgramResult>;
}

/** Starts a program and returns at once. Throws when it cannot be started. */
export async function startProgram(
  command: string,
  args: readonly string[],
  options: ProgramOptions = {},
): Promise<RunningProgram> {
  const child = spawn(command, args, {
    cwd: options.cwd,
    env: environment(options.env),
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  // The other end may be gone already; the exit code tells what matters.
  child.stdin.on('error', () => undefined);
  let result: ProgramResult | undefined;
  child.once('close', (code, signal) => {
    result = { code, signal, stdout, stderr };
  });
  await once(child, 'spawn');
  const pid = child.pid;
  if (pid === undefined) throw new Error(`${command} has no process id`);

  const shown = () => `${command} ${args.join(' ')}\n--- stdout\n${tail(stdout)}\n--- stderr\n${tail(stderr)}`;
  const ended = (timeoutMs = patienceMs) =>
    until(`the end of ${command} (pid ${pid})`, () => result, { timeoutMs, describe: shown });
  const kill = () => {
    child.kill('SIGKILL');
    return ended();
  };
  return {
    pid,
    stdout: () => stdout,
    stderr: () => stderr,
    outcome: () => result,
    send: (line) => void child.stdin.write(`${line}\n`),
    signal: (signal) => void child.kill(signal),
    saw: async (text, { timeoutMs = patienceMs } = {}) => {
      const isThere = () =>
        typeof text === 'string'
          ? stdout.includes(text) || stderr.includes(text)
          : text.test(stdout) || text.test(stderr);
      const seen = await until(`${String(text)} in the output`, () => (isThere() ? 'seen' : result && 'ended'), {
        timeoutMs,
        describe: shown,
      });
      if (seen === 'ended' && !isThere()) throw new Error(`ended without ${String(text)} in its output: ${shown()}`);
    },
    ended: ({ timeoutMs } = {}) => ended(timeoutMs),
    stop: async ({ signal = 'SIGTERM', timeoutMs = patienceMs } = {}) => {
      child.kill(signal);
      return await endOrKill(child, () => ended(timeoutMs));
    },
    kill,
    [Symbol.asyncDispose]: async () => {
      if (result === undefined) await kill();
    },
  };
}

/** Runs a program to its end; throws only when it outlives `timeoutMs`, whatever its exit code. */
export async function runProgram(
  command: string,
  args: readonly string[],
  options: ProgramOptions = {},
): Promise<ProgramResult> {
  await using program = await startProgram(command, args, options);
  return await program.ended({ timeoutMs: options.timeoutMs ?? patienceMs });
}

/** Runs a program that has to succeed: any other end than exit code 0 throws with its output. */
export async function runSuccessfully(
  command: string,
  args: readonly string[],
  options: ProgramOptions = {},
): Promise<ProgramResult> {
  const result = await runProgram(command, args, options);
  if (result.code !== 0) {
    throw new Error(
      `${command} ${args.join(' ')} ended with ${result.code ?? result.signal}\n--- stdout\n${tail(result.stdout)}\n--- stderr\n${tail(result.stderr)}`,
    );
  }
  return result;
}

async function endOrKill(child: ChildProcess, ended: () => Promise<ProgramResult>): Promise<ProgramResult> {
  try {
    return await ended();
  } catch (error) {
    child.kill('SIGKILL');
    throw error;
  }
}

function environment(changes: Readonly<Record<string, string | undefined>> = {}): NodeJS.ProcessEnv {
  const merged: NodeJS.ProcessEnv = { ...process.env, NO_COLOR: '1', ...changes };
  for (const [name, value] of Object.entries(changes)) if (value === undefined) delete merged[name];
  return merged;
}

function tail(text: string): string {
  return text.length > 4000 ? `…${text.slice(-4000)}` : text;
}
