/**
 * A replica in a directory:
 *
 *   <path>/ltx/<level>/<min>-<max>.ltx                       mtime = time of the LTX header
 *   <path>/ltx/<level>/<min>-<max>.ltx.<pid>.<8 hex>.tmp     a write in progress; removed at init when older than 24 h
 *   <path>/generations/…                                     v0.3 backups, read only
 */
import { rmdir, stat, unlink } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { ALL_LEVELS, type Level } from '#domain/level';
import { formatLtxName, parseLtxName, type TxidRange } from '#domain/txid';
import { errorCodeOf, ReplicationError, throwIfAborted } from '#errors/replication-error';
import type { Clock } from '#ports/clock';
import type { Log } from '#ports/log';
import type { Random } from '#ports/random';
import type { ReplicaStorage } from '#ports/storage';
import { createSingleFlight, withGrace } from '../abort.ts';
import { mapBounded } from '../bounded.ts';
import { openLtxBody } from '../ltx-body.ts';
import { assertDirectory, type Ownership } from './directories.ts';
import { errnoOf, onDisk } from './errors.ts';
import { type HeaderTimeCache, listFiles, readNames } from './list.ts';
import { openFileStream } from './read.ts';
import { createFileV03Storage } from './v03.ts';
import { writeFileDurably } from './write.ts';

const TEMP_NAME = /^[0-9a-f]{16}-[0-9a-f]{16}\.ltx(?:\.\d+\.[0-9a-f]{8})?\.tmp$/;
const LEFTOVER_AGE_MS = 24 * 60 * 60 * 1000;
const PARALLEL_DELETES = 16;
const DEFAULT_FILE_MODE = 0o600;
const DEFAULT_DIRECTORY_MODE = 0o700;

/** What a file replica is made with. */
export interface FileStorageOptions {
  /** The replica's root; relative paths are taken from the working directory. */
  readonly path: string;
  /** Mode of new files, that of the database file; 0600 when unknown. `umask` applies. */
  readonly fileMode?: number | undefined;
  /** Mode of new directories, that of the database's directory; 0700 when unknown. `umask` applies. */
  readonly directoryMode?: number | undefined;
  /** Owner of new files and directories; a refused change is ignored. */
  readonly uid?: number | undefined;
  readonly gid?: number | undefined;
  /** For the age of leftovers (without it none is removed), and to leave a file system that hangs after an abort. */
  readonly clock?: Clock | undefined;
  /** For the names of temp files; without it they are counted. */
  readonly random?: Random | undefined;
  /** For warnings of exact listings. */
  readonly log?: Log | undefined;
  /** For the names of temp files. */
  readonly processId?: number | undefined;
}

/** A replica in the directory `path`. Nothing is touched before the first call; the directories come with the first write. */
export const createFileStorage = (options: FileStorageOptions): ReplicaStorage => {
  const root = resolve(options.path);
  const ownership: Ownership = {
    fileMode: options.fileMode ?? DEFAULT_FILE_MODE,
    directoryMode: options.directoryMode ?? DEFAULT_DIRECTORY_MODE,
    uid: options.uid,
    gid: options.gid,
  };
  const headerTimes: HeaderTimeCache = new Map();
  const nextSuffix = createTempSuffix(options);
  const { clock } = options;
  const bounded = <T>(work: Promise<T>, signal: AbortSignal, what: string): Promise<T> =>
    withGrace(work, { signal, clock, what });
  const directoryOf = (level: Level): string => join(root, 'ltx', String(level));
  const pathOf = (level: Level, range: TxidRange): string => join(directoryOf(level), formatLtxName(range));
  const init = createSingleFlight(async () => {
    await assertDirectory(root);
    if (options.clock !== undefined) await removeLeftovers(root, options.clock.nowMs() - LEFTOVER_AGE_MS);
  });

  return {
    kind: 'file',
    location: root,
    hasCheapReads: true,
    v03: createFileV03Storage(root),
    init,
    listLtxFiles: (level, from, mode, signal) =>
      listFiles({ directory: directoryOf(level), level, from, mode, signal, headerTimes, log: options.log, clock }),
    openLtxFile: (level, range, read, signal) => {
      const path = pathOf(level, range);
      return bounded(openFileStream(path, read, signal, clock), signal, `reading ${path}`);
    },
    writeLtxFile: async (level, range, source, signal) => {
      const path = pathOf(level, range);
      const body = await openLtxBody(source, path, signal);
      try {
        const tempPath = (): string => `${path}.${nextSuffix()}.tmp`;
        const write = writeFileDurably({ path, body, ownership, tempPath, signal });
        const sizeBytes = await bounded(write, signal, `writing ${path}`);
        return { level, minTxid: range.minTxid, maxTxid: range.maxTxid, sizeBytes, createdAtMs: body.createdAtMs };
      } finally {
        body.release();
      }
    },
    deleteLtxFiles: async (level, ranges, signal) => {
      const paths = ranges.map((range) => pathOf(level, range));
      await bounded(deletePaths(paths, signal), signal, `deleting from ${directoryOf(level)}`);
      for (const path of paths) headerTimes.delete(path);
    },
    deleteAll: async (signal) => {
      throwIfAborted(signal, `deleting ${root}`);
      await bounded(deleteLevels(root, signal), signal, `deleting ${root}`);
      headerTimes.clear();
    },
    close: async () => headerTimes.clear(),
  };
};

/** `<pid>.<8 hex>`: unique among processes that share the directory, whoever they are. */
const createTempSuffix = ({ random, processId = process.pid }: FileStorageOptions): (() => string) => {
  let count = 0;
  const draw = (): number => {
    count += 1;
    return random === undefined ? count : Math.floor(random.next() * 0x1_0000_0000);
  };
  return () => `${processId}.${draw().toString(16).padStart(8, '0')}`;
};

/** Every path is tried; then one error names those that remain, with the first cause. */
const deletePaths = async (paths: readonly string[], signal: AbortSignal): Promise<void> => {
  const failures: { readonly path: string; readonly error: unknown }[] = [];
  await mapBounded(paths, PARALLEL_DELETES, async (path) => {
    throwIfAborted(signal, `deleting ${path}`);
    try {
      await unlink(path);
    } catch (error) {
      const errno = errnoOf(error);
      if (errno === undefined) throw error;
      if (errno !== 'ENOENT') failures.push({ path, error });
    }
  });
  const [first] = failures;
  if (first === undefined) return;
  throw new ReplicationError(
    'STORAGE_PARTIAL_DELETE',
    `${failures.length} of ${paths.length} files could not be deleted: ${failures.map(({ path }) => path).join(', ')} (${errnoOf(first.error)})`,
    {
      retryable: true,
      hint: 'Retention tries again; give the user of this process write access to the directory if it stays.',
      details: { failed: failures.length, path: first.path },
      cause: first.error,
    },
  );
};

const KEEPS_DIRECTORY = new Set(['ENOENT', 'ENOTEMPTY', 'EEXIST', 'ENOTDIR', 'EBUSY', 'EPERM', 'EACCES']);

/** A directory that holds something else, or that we may not remove, stays. */
const removeIfEmpty = async (directory: string): Promise<void> => {
  await rmdir(directory).catch((error: unknown) => {
    if (!KEEPS_DIRECTORY.has(errnoOf(error) ?? '')) throw error;
  });
};

/** Removes our files from every level, and the directories that are empty then. */
const deleteLevels = async (root: string, signal: AbortSignal): Promise<void> => {
  for (const level of ALL_LEVELS) {
    const directory = join(root, 'ltx', String(level));
    const names = await readNames(directory);
    const ours = names.filter((name) => parseLtxName(name) !== undefined || TEMP_NAME.test(name));
    await deletePaths(
      ours.map((name) => join(directory, name)),
      signal,
    );
    await removeIfEmpty(directory);
  }
  await removeIfEmpty(join(root, 'ltx'));
};

/**
 * Temp files last written before `beforeMs`: their writer is gone. One that vanishes meanwhile is somebody else's success,
 * and one we may not remove is no reason to refuse a restore from a directory we can only read.
 */
const removeLeftovers = async (root: string, beforeMs: number): Promise<void> => {
  for (const level of ALL_LEVELS) {
    const directory = join(root, 'ltx', String(level));
    const names = (await readNames(directory)).filter((name) => TEMP_NAME.test(name));
    await mapBounded(names, PARALLEL_DELETES, async (name) => {
      const path = join(directory, name);
      await onDisk({ verb: 'remove the leftover', path }, async () => {
        const { ctimeMs } = await stat(path);
        // The change time, not the modification time: that one is set to the header's shortly before the rename.
        if (ctimeMs < beforeMs) await unlink(path);
      }).catch((error: unknown) => {
        const code = errorCodeOf(error);
        if (code !== 'STORAGE_NOT_FOUND' && code !== 'STORAGE_ACCESS_DENIED') throw error;
      });
    });
  }
};
