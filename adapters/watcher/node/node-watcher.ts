/**
 * Change notices from the operating system by `fs.watch`, on directories: a watch on a file goes blind when the file is
 * deleted and made again. Events of one turn of the event loop are given on once per name. An overflow of the kernel's
 * queue never reaches Node, so a caller needs a slow poll beside any watch.
 */
import { type BigIntStats, type FSWatcher, statSync, watch } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { messageOf, ReplicationError } from '#errors/replication-error';
import type { Watch, Watcher } from '#ports/watcher';

/** Names kept for one turn; beyond it the notice is "look at everything". */
const NAMES_PER_TURN_MAX = 1000;

const HINTS: Readonly<Record<string, string>> = {
  ENOSPC: 'Raise fs.inotify.max_user_watches; until then the directory is polled.',
  EMFILE: 'Raise fs.inotify.max_user_instances or the limit of open files; until then the directory is polled.',
};

const toWatchError = (path: string, error: unknown): ReplicationError => {
  const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
  return new ReplicationError('WATCH_FAILED', `cannot watch ${path}: ${messageOf(error)}`, {
    retryable: true,
    hint: HINTS[code] ?? 'The directory is polled until it can be watched.',
    details: { path },
    cause: error,
  });
};

/** How a watch is made; a parameter so that its failures can be tested. */
export type StartWatch = (path: string, onEvent: (event: string, name: string | null) => void) => FSWatcher;

const startNodeWatch: StartWatch = (path, onEvent) => watch(path, { persistent: false }, onEvent);

const identityOf = ({ dev, ino }: BigIntStats): string => `${dev}:${ino}`;

/**
 * Watches directories. `WATCH_FAILED` is thrown when a watch cannot be set up and given to `onFailure` when it breaks
 * later, which includes the directory being removed, moved or replaced. Watches do not hold the process open.
 */
export const createNodeWatcher = (startWatch: StartWatch = startNodeWatch): Watcher => ({
  watchDirectory: (path, onChange, onFailure) => {
    let identity: string;
    let watcher: FSWatcher;
    const changes = collectChanges(onChange, () => checkIdentity());
    try {
      watcher = startWatch(path, (event, name) => changes.add(name, event === 'rename' && name === basename(path)));
      identity = identityOf(statSync(path, { bigint: true }));
    } catch (error) {
      throw toWatchError(path, error);
    }
    let isClosed = false;
    const close = (): void => {
      if (isClosed) return;
      isClosed = true;
      changes.stop();
      watcher.close();
    };
    const fail = (error: unknown): void => {
      if (isClosed) return;
      close();
      onFailure(toWatchError(path, error));
    };
    const checkIdentity = (): void => {
      stat(path, { bigint: true }).then((stats) => {
        if (identityOf(stats) !== identity) fail(new Error('the directory was replaced by another one'));
      }, fail);
    };
    watcher.on('error', fail);
    return { close } satisfies Watch;
  },
});

interface Changes {
  add(name: string | null, isAboutItself: boolean): void;
  stop(): void;
}

/** Gathers the names of one turn. `undefined` among the changes means that a name is missing. */
const collectChanges = (onChange: (name: string | undefined) => void, onItself: () => void): Changes => {
  let names = new Set<string | undefined>();
  let isAnyAboutItself = false;
  let pending: NodeJS.Immediate | undefined;
  const deliver = (): void => {
    pending = undefined;
    const turn = names;
    const isItself = isAnyAboutItself;
    names = new Set();
    isAnyAboutItself = false;
    if (isItself) onItself();
    if (turn.has(undefined) || turn.size > NAMES_PER_TURN_MAX) onChange(undefined);
    else for (const name of turn) onChange(name);
  };
  return {
    add: (name, isAboutItself) => {
      if (names.size <= NAMES_PER_TURN_MAX) names.add(name ?? undefined);
      isAnyAboutItself ||= isAboutItself;
      pending ??= setImmediate(deliver);
    },
    stop: () => {
      if (pending !== undefined) clearImmediate(pending);
      names.clear();
    },
  };
};
