/** The engine in this thread: for tests, for simulations, and inside each worker. */

import { createSystemClock } from '#adapters/clock/system/system-clock';
import { createBetterSqlite3Source } from '#adapters/source/better-sqlite3/source';
import type { SourceFiles } from '#adapters/source/better-sqlite3/source-files';
import { createWorkspace, type Workspace } from '#adapters/source/better-sqlite3/workspace';
import type { Clock } from '#ports/clock';
import type { SourceFactory } from '#ports/source';

/** What a test or a simulation replaces. */
export interface InlineEngineOptions {
  /** Default: the system's. */
  readonly clock?: Pick<Clock, 'nowMs'>;
  /** Default: Node's file system. */
  readonly files?: SourceFiles;
  /** Default: the system's monotonic clock; only short waits for locks are measured with it. */
  readonly monotonicMs?: () => number;
}

/** Sources whose work blocks this thread. Kernel memory (64 MiB, touched as needed) is made with the first source. */
export const createInlineEngine = ({
  clock = createSystemClock(),
  files,
  monotonicMs,
}: InlineEngineOptions = {}): SourceFactory => {
  let workspace: Workspace | undefined;
  return {
    create: (settings) => {
      workspace ??= createWorkspace();
      return createBetterSqlite3Source({
        settings,
        clock,
        workspace,
        ...(files === undefined ? {} : { files }),
        ...(monotonicMs === undefined ? {} : { monotonicMs }),
      });
    },
    shutdown: async () => {
      workspace = undefined;
    },
  };
};
