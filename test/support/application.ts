/** An application in another process: what shares a database with the daemon and must never notice it. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** What SQLite answered the application; `code` is its result code. */
export class ApplicationError extends Error {
  readonly code: string;

  constructor(message: string, code: string) {
    super(message);
    this.code = code;
  }
}

/** One connection of the application unless another name is given. */
export interface Application extends AsyncDisposable {
  open(path: string, options?: { readonly name?: string; readonly timeoutMs?: number }): Promise<void>;
  close(name?: string): Promise<void>;
  exec(sql: string, name?: string): Promise<void>;
  /** Many transactions, one after the other. */
  repeat(sql: string, times: number): Promise<void>;
  all(sql: string, name?: string): Promise<readonly Record<string, unknown>[]>;
  pragma(sql: string, name?: string): Promise<readonly Record<string, unknown>[]>;
  /** Writes the database as SQLite sees it to a file. */
  image(to: string): Promise<void>;
  /** Ends it as power loss of the process: nothing is closed. */
  kill(): Promise<void>;
}

const MAIN = 'main';

/** Starts it; `await using app = await startApplication()` ends it. */
export const startApplication = async (): Promise<Application> => {
  const script = fileURLToPath(new URL('./application.mjs', import.meta.url));
  const child: ChildProcessWithoutNullStreams = spawn(process.execPath, [script], { stdio: 'pipe' });
  child.stderr.pipe(process.stderr);
  const waiting: { resolve: (line: string) => void; reject: (error: Error) => void }[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => waiting.shift()?.resolve(line));
  const exited = once(child, 'exit').then(() => {
    for (const { reject } of waiting.splice(0)) reject(new Error('the application ended'));
  });

  const ask = async (command: string, input: object): Promise<unknown> => {
    const line = await new Promise<string>((resolve, reject) => {
      waiting.push({ resolve, reject });
      child.stdin.write(`${JSON.stringify({ command, ...input })}\n`);
    });
    const answer = JSON.parse(line) as { value?: unknown; error?: string; code?: string };
    if (answer.error !== undefined) throw new ApplicationError(answer.error, answer.code ?? '');
    return answer.value;
  };

  const kill = async (): Promise<void> => {
    child.kill('SIGKILL');
    await exited;
  };

  return {
    open: async (path, { name = MAIN, timeoutMs = 5_000 } = {}) => {
      await ask('open', { name, path, timeoutMs });
    },
    close: async (name = MAIN) => {
      await ask('close', { name });
    },
    exec: async (sql, name = MAIN) => {
      await ask('exec', { name, sql });
    },
    repeat: async (sql, times) => {
      await ask('repeat', { name: MAIN, sql, times });
    },
    all: async (sql, name = MAIN) => (await ask('all', { name, sql })) as readonly Record<string, unknown>[],
    pragma: async (sql, name = MAIN) => (await ask('pragma', { name, sql })) as readonly Record<string, unknown>[],
    image: async (to) => {
      await ask('image', { name: MAIN, to });
    },
    kill,
    [Symbol.asyncDispose]: kill,
  };
};
