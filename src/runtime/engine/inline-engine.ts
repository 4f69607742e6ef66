/** The engine in this thread: for tests, for simulations, and inside each worker. */

import { createSystemClock } from '#adapters/clock/system/system-clock';
import { type BetterSqlite3Source, createBetterSqlite3Source } from '#adapters/source/better-sqlite3/source';
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

/** The engine of one simulated process. */
export interface InlineEngine extends SourceFactory {
  /**
   * Ends all sources as if the process had died: nothing is finished, locks are free, the WAL stays. Call the result when the
   * simulated world ends, and not before its other connections are closed. No call on the sources may follow.
   */
  crash(): () => void;
}

/** Sources whose work blocks this thread. Kernel memory (64 MiB, touched as needed) is made with the first source. */
export const createInlineEngine = ({
  clock = createSystemClock(),
  files,
  monotonicMs,
}: InlineEngineOptions = {}): InlineEngine => {
  let workspace: Workspace | undefined;
  const sources = new Set<BetterSqlite3Source>();
  return {
    create: (settings) => {
      workspace ??= createWorkspace();
      const source = createBetterSqlite3Source({
        settings,
        clock,
        workspace,
        ...(files === undefined ? {} : { files }),
        ...(monotonicMs === undefined ? {} : { monotonicMs }),
      });
      sources.add(source);
      return source;
    },
    crash: () => {
      const ends = [...sources].map((source) => source.abandon());
      sources.clear();
      return () => {
        for (const end of ends) end();
      };
    },
    shutdown: async () => {
      workspace = undefined;
    },
  };
};
