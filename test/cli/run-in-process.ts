/** One command line in the process of the test: own streams, environment and working directory. */
import { Writable } from 'node:stream';
import { runCommandLine } from '#cli/run';

export interface CommandResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CommandSetting {
  /** Home directory. */
  readonly home: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
}

const collector = (): { readonly stream: Writable; readonly text: () => string } => {
  let text = '';
  const stream = new Writable({
    write: (chunk, _encoding, done) => {
      text += String(chunk);
      done();
    },
  });
  return { stream, text: () => text };
};

/** Runs `litestream WORDS…`; the configuration's default place is one where nothing is. */
export const runInProcess = async (words: readonly string[], { home, env }: CommandSetting): Promise<CommandResult> => {
  const stdout = collector();
  const stderr = collector();
  const code = await runCommandLine(words, {
    stdout: stdout.stream,
    stderr: stderr.stream,
    env: { HOME: home, ...env },
    // Not the directory itself: a litestream.yml in the working directory would count.
    cwd: '/',
    defaultConfigPath: '/nowhere/litestream.yml',
  });
  return { code, stdout: stdout.text(), stderr: stderr.text() };
};
