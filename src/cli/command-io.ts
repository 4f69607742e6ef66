/** What a command sees of its process; tests hand in their own. */
import type { Writable } from 'node:stream';

/** Streams, environment and working directory of one run. */
export interface CommandIo {
  readonly stdout: Writable;
  readonly stderr: Writable;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Absolute. */
  readonly cwd: string;
  /** Replaces the system's place of the configuration; for tests. */
  readonly defaultConfigPath?: string | undefined;
}
