/** The application of tests: the C program in `writer/`, run to its end or led step by step. */
import { readFile } from 'node:fs/promises';
import { type ProgramOptions, type RunningProgram, runSuccessfully, startProgram } from './program.ts';
import { inProject } from './project.ts';
import { until } from './until.ts';

/** Flags of the writer; see the head of `writer/writer.c`. */
export interface WriterFlags {
  readonly db: string;
  readonly seed?: number;
  readonly pageSize?: number;
  readonly autoVacuum?: 'none' | 'full' | 'incremental';
  /** Frames; 0 turns automatic checkpoints off. */
  readonly autocheckpoint?: number;
  readonly synchronous?: 'off' | 'normal' | 'full';
  readonly busyTimeout?: number;
  /** Pause before a commit that met SQLITE_BUSY is repeated. */
  readonly retryUs?: number;
  /** Rows in each insert, update or delete transaction. */
  readonly rows?: number;
  readonly rowBytes?: number;
  readonly growthPages?: number;
  readonly readerMs?: number;
  /** Commits a second; full speed by default. */
  readonly rate?: number;
  readonly durationMs?: number;
  readonly count?: number;
  /** Kinds with weights: `insert=5,update,vacuum=1`. */
  readonly mix?: string;
  readonly payload?: 'mixed' | 'random' | 'text';
  /** File that receives the number of each acknowledged commit, one a line. */
  readonly acks?: string;
  /** SIGKILL itself right after this many commits. */
  readonly killAfter?: number;
  readonly killInSpill?: boolean;
  readonly noLedger?: boolean;
  /** Close without the checkpoint of the last connection, so that the WAL stays. */
  readonly keepWal?: boolean;
}

/** What the writer measured. `busyCommits` saw SQLITE_BUSY at least once, `waitedCommits` waited inside SQLite. */
export interface WriterReport {
  readonly commits: number;
  readonly operations: number;
  readonly lastSequence: number;
  readonly elapsedMs: number;
  readonly commitsPerSecond: number;
  readonly busyCommits: number;
  readonly busyCount: number;
  readonly waitedCommits: number;
  readonly longestCommitMs: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
  readonly longestOperationMs: number;
  readonly walPeakBytes: number;
  readonly sqlite: string;
  readonly seed: number;
}

/** Answer to one step. `log` and `checkpointed` are frames, and only meaningful after a checkpoint. */
export interface WriterAnswer {
  readonly sequence: number;
  readonly busy: boolean;
  readonly log: number;
  readonly checkpointed: number;
}

/** An application that stays connected between its steps. */
export interface Application extends AsyncDisposable {
  readonly pid: number;
  /** `count` operations of the mix; see `WriterFlags.mix`. */
  readonly run: (count: number, mix?: string) => Promise<WriterAnswer>;
  readonly checkpoint: (mode: 'passive' | 'full' | 'restart' | 'truncate') => Promise<WriterAnswer>;
  /** A second connection of the same process that holds a read transaction. */
  readonly openReader: () => Promise<WriterAnswer>;
  readonly closeReader: () => Promise<WriterAnswer>;
  readonly sql: (text: string) => Promise<WriterAnswer>;
  /** Closes the connections as a well-behaved application does, and ends. */
  readonly quit: () => Promise<void>;
  /** Ends as an application that crashed. */
  readonly kill: () => Promise<void>;
}

export const writerPath = inProject('.peers/bin/writer');

/** Builds the writer unless it is built; throws when there is no gcc. */
export async function buildWriter(): Promise<void> {
  await runSuccessfully('bash', [inProject('test/support/writer/build.sh')], { timeoutMs: 600_000 });
}

/** Runs the writer to its end and returns what it measured. `count` or `durationMs` is required. */
export async function runWriter(flags: WriterFlags, options: ProgramOptions = {}): Promise<WriterReport> {
  const { stdout } = await runSuccessfully(writerPath, writerArguments(flags), { timeoutMs: 300_000, ...options });
  return JSON.parse(stdout) as WriterReport; // printed by writer.c
}

/** Starts the writer in the background; its report is the last line of its output. */
export const startWriter = (flags: WriterFlags, options: ProgramOptions = {}): Promise<RunningProgram> =>
  startProgram(writerPath, writerArguments(flags), options);

/** Starts an application that obeys step by step, and waits until its connection is open. */
export async function startApplication(flags: WriterFlags): Promise<Application> {
  const program = await startProgram(writerPath, [...writerArguments(flags), '--interactive']);
  let answered = 0;
  const answer = async (what: string): Promise<WriterAnswer> => {
    const wanted = answered;
    const line = await until(
      `the writer's answer to "${what}"`,
      () => {
        const lines = program.stdout().split('\n');
        if (lines.length - 1 > wanted) return lines[wanted];
        if (program.outcome() !== undefined) throw new Error(`writer ended during "${what}": ${program.stderr()}`);
        return undefined;
      },
      { timeoutMs: 300_000, describe: () => `${program.stdout()}\n${program.stderr()}` },
    );
    answered++;
    const parsed = JSON.parse(line) as WriterAnswer & { readonly error?: string }; // printed by writer.c
    if (parsed.error !== undefined) throw new Error(`writer: ${what}: ${parsed.error}`);
    return parsed;
  };
  const command = (line: string): Promise<WriterAnswer> => {
    program.send(line);
    return answer(line);
  };
  await answer('open');
  return {
    pid: program.pid,
    run: (count, mix = 'insert') => command(`run ${count} ${mix}`),
    checkpoint: (mode) => command(`checkpoint ${mode}`),
    openReader: () => command('reader open'),
    closeReader: () => command('reader close'),
    sql: (text) => command(`sql ${text}`),
    quit: async () => {
      program.send('quit');
      const { code } = await program.ended();
      if (code !== 0) throw new Error(`writer ended with ${code}: ${program.stderr()}`);
    },
    kill: async () => {
      await program.kill();
    },
    [Symbol.asyncDispose]: () => program[Symbol.asyncDispose](),
  };
}

/** Numbers of the commits the application was told are durable, in order; empty when there is no file yet. */
export async function readAcknowledged(path: string): Promise<readonly number[]> {
  const text = await readFile(path, 'utf8').catch(() => '');
  return text.split('\n').filter(Boolean).map(Number);
}

function writerArguments(flags: WriterFlags): readonly string[] {
  return Object.entries(flags).flatMap(([name, value]) => {
    const flag = `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
    if (value === undefined || value === false) return [];
    return value === true ? [flag] : [flag, String(value)];
  });
}
