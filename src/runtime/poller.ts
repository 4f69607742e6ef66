/**
 * Turns notices of change into `wal.grew`, without any timer or transition in the machines of resting databases.
 *
 * A notice is only a reason to look; what counts is what the engine's look says. One look per database at a time, and while
 * a database works its notices are remembered, not queued. A slow look without a notice is the safety net.
 */
import { basename, dirname } from 'node:path';
import type { Clock, TimerHandle } from '#ports/clock';
import type { Log } from '#ports/log';
import type { LookOutcome } from '#ports/source';
import type { Watch, Watcher } from '#ports/watcher';

/** What the poller needs of a database. */
export interface PolledDatabase {
  readonly path: string;
  /** Pause between two looks without a notice when notices cannot be had, ms. */
  readonly intervalMs: number;
  /** `no`: it works, looks wait. `yes`: it rests. `waiting`: its file does not exist yet. */
  readiness(): 'no' | 'yes' | 'waiting';
  look(): Promise<LookOutcome>;
  onGrew(walBytes: number): void;
  onAppeared(): void;
}

export interface Poller {
  /** Starts to look at a database; the returned function ends it. */
  add(database: PolledDatabase): () => void;
  /** The database can be looked at again: a notice that was remembered is acted upon. */
  resume(path: string): void;
  close(): void;
}

/** Pause between two looks at a database that keeps changing, ms: fast enough for 200 MiB of WAL a second. */
const BUSY_LOOK_MS = 5;
/**
 * Pauses before further looks when a notice was followed by a look without news, ms. The notice comes with the write to the
 * WAL; the commit is published to other connections only after the writer's fsync, and of that nobody gives notice.
 */
const SECOND_LOOKS_MS = [2, 5, 15, 50, 150, 500, 1_500] as const;
/** Looks without a notice while notices work, ms. */
const SAFETY_LOOK_MS = 10_000;

interface Entry {
  readonly database: PolledDatabase;
  readonly directory: string;
  isNoticed: boolean;
  isLooking: boolean;
  /** Looks without news since the last notice. */
  emptyLooks: number;
  timer: TimerHandle | undefined;
  /** A database that keeps changing is not looked at before this moment. */
  notBeforeMs: number;
  isEnded: boolean;
}

interface Directory {
  watch: Watch | undefined;
  readonly entries: Map<string, Entry>;
}

/** A poller over one watcher; one watch per directory, however many databases lie in it. */
export const createPoller = ({ watcher, clock, log }: { watcher: Watcher; clock: Clock; log: Log }): Poller => {
  const directories = new Map<string, Directory>();
  const byPath = new Map<string, Entry>();

  const schedule = (entry: Entry, delayMs: number): void => {
    if (entry.isEnded) return;
    clock.clearTimeout(entry.timer);
    entry.timer = clock.setTimeout(() => lookAgain(entry), delayMs);
  };

  const safetyMs = (entry: Entry): number =>
    directories.get(entry.directory)?.watch === undefined
      ? entry.database.intervalMs
      : Math.max(SAFETY_LOOK_MS, entry.database.intervalMs);

  const notice = (entry: Entry): void => {
    entry.emptyLooks = 0;
    lookAgain(entry);
  };

  const lookAgain = (entry: Entry): void => {
    entry.isNoticed = true;
    act(entry);
  };

  const act = (entry: Entry): void => {
    if (entry.isEnded || entry.isLooking || !entry.isNoticed) return;
    const readiness = entry.database.readiness();
    if (readiness === 'no') return;
    const waitMs = entry.notBeforeMs - clock.nowMs();
    if (waitMs > 0) {
      schedule(entry, waitMs);
      return;
    }
    entry.isNoticed = false;
    if (readiness === 'waiting') {
      entry.database.onAppeared();
      schedule(entry, safetyMs(entry));
      return;
    }
    void lookAt(entry);
  };

  const lookAt = async (entry: Entry): Promise<void> => {
    entry.isLooking = true;
    let isBusy = false;
    try {
      const { hasChanged, walBytes } = await entry.database.look();
      isBusy = hasChanged;
      if (hasChanged && !entry.isEnded && entry.database.readiness() === 'yes') entry.database.onGrew(walBytes);
    } catch (error) {
      // Doubt counts as a change: the pass will say what is wrong.
      isBusy = true;
      log.write('debug', 'look failed', { path: entry.database.path, error: String(error) });
      if (!entry.isEnded && entry.database.readiness() === 'yes') entry.database.onGrew(0);
    } finally {
      entry.isLooking = false;
    }
    if (entry.isEnded) return;
    entry.notBeforeMs = isBusy ? clock.nowMs() + BUSY_LOOK_MS : 0;
    const againMs = isBusy ? undefined : SECOND_LOOKS_MS[entry.emptyLooks];
    entry.emptyLooks = isBusy ? 0 : entry.emptyLooks + 1;
    schedule(entry, againMs ?? safetyMs(entry));
    act(entry);
  };

  const watchDirectory = (path: string, directory: Directory): void => {
    const lookAround = (): void => {
      for (const entry of directory.entries.values()) notice(entry);
    };
    try {
      directory.watch = watcher.watchDirectory(
        path,
        (name) => {
          if (name === undefined) lookAround();
          else {
            // A database file under its own name: it has appeared, was replaced, or a checkpoint wrote to it.
            const entry = directory.entries.get(name.endsWith('-wal') ? name.slice(0, -4) : name);
            if (entry !== undefined) notice(entry);
          }
        },
        (error) => {
          directory.watch = undefined;
          log.write('warn', 'cannot watch directory, polling instead', { path, error: String(error) });
          lookAround();
        },
      );
    } catch (error) {
      log.write('warn', 'cannot watch directory, polling instead', { path, error: String(error) });
    }
  };

  return {
    add: (database) => {
      const path = dirname(database.path);
      let directory = directories.get(path);
      if (directory === undefined) {
        directory = { watch: undefined, entries: new Map() };
        directories.set(path, directory);
        watchDirectory(path, directory);
      }
      const entry: Entry = {
        database,
        directory: path,
        isNoticed: false,
        isLooking: false,
        emptyLooks: SECOND_LOOKS_MS.length,
        timer: undefined,
        notBeforeMs: 0,
        isEnded: false,
      };
      directory.entries.set(basename(database.path), entry);
      byPath.set(database.path, entry);
      schedule(entry, safetyMs(entry));
      return () => {
        entry.isEnded = true;
        clock.clearTimeout(entry.timer);
        byPath.delete(database.path);
        directory.entries.delete(basename(database.path));
        if (directory.entries.size > 0) return;
        directory.watch?.close();
        directories.delete(path);
      };
    },
    resume: (path) => {
      const entry = byPath.get(path);
      if (entry !== undefined) act(entry);
    },
    close: () => {
      for (const entry of byPath.values()) {
        entry.isEnded = true;
        clock.clearTimeout(entry.timer);
      }
      byPath.clear();
      for (const directory of directories.values()) directory.watch?.close();
      directories.clear();
    },
  };
};
