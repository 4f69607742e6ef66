/**
 * The output of a restore in the local file system.
 *
 *   <output>.<pid>.<8 hex>.tmp              being written; renamed over the output when complete and verified
 *   <output>.<pid>.<8 hex>.tmp-wal, -shm    SQLite's companions while that file is checked or replayed
 */
import { constants } from 'node:fs';
import { type FileHandle, link, mkdir, open, readdir, rename, rm, stat, unlink } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { ReplicationError } from '#errors/replication-error';
import type { OutputFiles, OutputOwnership } from '#ports/output-files';
import type { Random } from '#ports/random';
import { errnoOf, onOutput } from './errors.ts';
import { createOutputFile } from './output-file.ts';

const NAME_TRIES = 16;
const PARENT_MODE = 0o700;
const LEFTOVER_SUFFIX = /^\.(\d{1,10})\.[0-9a-f]{8}\.tmp(?:-wal|-shm|-journal)?$/;
const CANNOT_SYNC_DIRECTORY = new Set(['EPERM', 'EINVAL', 'EISDIR', 'EACCES', 'ENOTSUP', 'ENOSYS', 'EBADF']);
const CANNOT_LINK = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK', 'EXDEV', 'EINVAL']);

/** What the output is made with. */
export interface NodeOutputOptions {
  /** For the names of temporary files. */
  readonly random: Random;
  readonly processId?: number;
  /** True when a process with this id runs on this machine. */
  readonly isProcessAlive?: (processId: number) => boolean;
}

/** Outputs in the local file system. */
export const createNodeOutputFiles = (options: NodeOutputOptions): OutputFiles => {
  const { random, processId = process.pid, isProcessAlive = isAlive } = options;
  /** Temporary files this object made: in a container every run may have the same process id, so the id alone says little. */
  const own = new Set<string>();
  return {
    inspect: (path) =>
      onOutput('look at', path, async () => {
        try {
          const stats = await stat(path);
          const kind = stats.isFile() ? 'file' : stats.isDirectory() ? 'directory' : 'other';
          return { kind, sizeBytes: stats.size, mode: stats.mode & 0o7777, uid: stats.uid, gid: stats.gid };
        } catch (error) {
          if (errnoOf(error) === 'ENOENT') return undefined;
          throw error;
        }
      }),
    findLeftovers: (output) =>
      onOutput('look beside', output, async () => {
        const directory = dirname(output);
        const found: string[] = [];
        for (const name of await readNames(directory)) {
          if (!name.startsWith(basename(output))) continue;
          const match = LEFTOVER_SUFFIX.exec(name.slice(basename(output).length));
          if (match === null) continue;
          const path = join(directory, name);
          const owner = Number(match[1]);
          const isInUse = owner === processId ? own.has(path.replace(/\.tmp-\w+$/, '.tmp')) : isProcessAlive(owner);
          if (!isInUse) found.push(path);
        }
        return found;
      }),
    makeParents: (path) => onOutput('make the directory of', path, () => makeDirectory(dirname(resolve(path)))),
    createTemporary: (output, ownership) =>
      onOutput('create a temporary file for', output, async () => {
        for (let tries = 1; ; tries += 1) {
          const unique = Math.floor(random.next() * 0x1_0000_0000);
          const path = `${output}.${processId}.${unique.toString(16).padStart(8, '0')}.tmp`;
          try {
            const file = createOutputFile(path, await openOwned(path, constants.O_EXCL, ownership));
            own.add(path);
            return file;
          } catch (error) {
            if (errnoOf(error) !== 'EEXIST' || tries >= NAME_TRIES) throw error;
          }
        }
      }),
    createAt: (path, ownership) =>
      onOutput('create', path, async () => createOutputFile(path, await openOwned(path, constants.O_TRUNC, ownership))),
    remove: async (path) => {
      await onOutput('remove', path, () => rm(path, { force: true }));
      own.delete(path);
    },
    move: (from, to) =>
      onOutput('move', from, async () => {
        try {
          await rename(from, to);
          return true;
        } catch (error) {
          if (errnoOf(error) === 'ENOENT') return false;
          throw error;
        }
      }),
    publish: async (temporary, output, { mayReplace }) => {
      await onOutput('publish', output, () =>
        mayReplace ? rename(temporary, output) : renameToNew(temporary, output),
      );
      own.delete(temporary);
    },
    syncParent: (path) => onOutput('sync the directory of', path, () => syncDirectory(dirname(path))),
  };
};

const isAlive = (processId: number): boolean => {
  try {
    process.kill(processId, 0);
    return true;
  } catch (error) {
    return errnoOf(error) !== 'ESRCH';
  }
};

const readNames = async (directory: string): Promise<readonly string[]> => {
  try {
    return await readdir(directory);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return [];
    throw error;
  }
};

const openOwned = async (path: string, flag: number, { mode, uid, gid }: OutputOwnership): Promise<FileHandle> => {
  const handle = await open(path, constants.O_RDWR | constants.O_CREAT | flag, mode);
  try {
    // Owner first: a change of owner may clear permission bits. Only root may give files away.
    if (uid !== undefined && gid !== undefined) await handle.chown(uid, gid).catch(() => undefined);
    await handle.chmod(mode);
    return handle;
  } catch (error) {
    await handle.close();
    if (flag === constants.O_EXCL) await unlink(path).catch(() => undefined);
    throw error;
  }
};

const makeDirectory = async (directory: string): Promise<void> => {
  try {
    await mkdir(directory, { mode: PARENT_MODE });
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === 'EEXIST') return;
    if (errno !== 'ENOENT' || dirname(directory) === directory) throw error;
    await makeDirectory(dirname(directory));
    return makeDirectory(directory);
  }
  await syncDirectory(dirname(directory));
};

const syncDirectory = async (directory: string): Promise<void> => {
  try {
    const handle = await open(directory, 'r');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (!CANNOT_SYNC_DIRECTORY.has(errnoOf(error) ?? '')) throw error;
  }
};

/** `link` refuses to replace, which `rename` cannot; file systems without links leave a small window open. */
const renameToNew = async (temporary: string, output: string): Promise<void> => {
  try {
    await link(temporary, output);
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === 'EEXIST') throw outputAppeared(output);
    if (!CANNOT_LINK.has(errno ?? '')) throw error;
    const isThere = await stat(output).then(
      () => true,
      () => false,
    );
    if (isThere) throw outputAppeared(output);
    return rename(temporary, output);
  }
  await unlink(temporary);
};

const outputAppeared = (output: string): ReplicationError =>
  new ReplicationError('OUTPUT_EXISTS', `cannot restore, output path already exists: ${output}`, {
    retryable: false,
    hint: 'Something made the file while the restore ran. Move it away, or use -force to overwrite it.',
    details: { output },
  });
