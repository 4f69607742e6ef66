/** Writing a file of the replica: temp file, times, fsync, rename, fsync of the directory. */
import { type FileHandle, open, rename, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { throwIfAborted } from '#errors/replication-error';
import type { LtxBody } from '../ltx-body.ts';
import { ignoreRefusedChown, makeDirectories, type Ownership, ownerOf, syncDirectory } from './directories.ts';
import { errnoOf, onDisk } from './errors.ts';

/** Chunks smaller than this are gathered, so that a stream of tiny ones does not cost a system call each. */
const STAGING_BYTES = 256 * 1024;
const TEMP_NAME_TRIES = 16;

/** One file to be written whole or not at all. */
export interface FileWrite {
  readonly path: string;
  readonly body: LtxBody;
  readonly ownership: Ownership;
  /** A fresh candidate for the temp file, in the directory of `path`. */
  readonly tempPath: () => string;
  readonly signal: AbortSignal;
}

/** Stores the body under the path, whole or not at all; resolves with the bytes stored once they are durable. */
export const writeFileDurably = async ({ path, body, ownership, tempPath, signal }: FileWrite): Promise<number> => {
  const work = { verb: 'write', path };
  const { handle, temp } = await onDisk(work, () => createTemp({ path, ownership, tempPath }));
  let sizeBytes: number;
  try {
    try {
      const owner = ownerOf(ownership);
      if (owner !== undefined) await ignoreRefusedChown(handle.chown(owner.uid, owner.gid));
      sizeBytes = await copyBody(handle, body, (call) => onDisk(work, call));
      await onDisk(work, () => setTimes(handle, body.createdAtMs));
      await onDisk(work, () => handle.sync());
    } finally {
      await handle.close();
    }
    // The caller may have gone away while the system hung: what was given up must not appear later.
    throwIfAborted(signal, `writing ${path}`);
    await onDisk(work, () => rename(temp, path));
  } catch (error) {
    // The first error is the one that matters; a temp file that stays is removed by a later init.
    await unlink(temp).catch(() => undefined);
    throw error;
  }
  await onDisk(work, () => syncDirectory(dirname(path)));
  return sizeBytes;
};

interface TempFile {
  readonly handle: FileHandle;
  readonly temp: string;
}

/** Missing directories are made once; a temp name left by a killed process is passed over. */
const createTemp = async ({ path, ownership, tempPath }: Omit<FileWrite, 'body' | 'signal'>): Promise<TempFile> => {
  let canMakeDirectories = true;
  for (let tries = 1; ; tries += 1) {
    const temp = tempPath();
    try {
      return { handle: await open(temp, 'wx', ownership.fileMode), temp };
    } catch (error) {
      const errno = errnoOf(error);
      if (errno === 'ENOENT' && canMakeDirectories) {
        canMakeDirectories = false;
        await makeDirectories(dirname(path), ownership);
      } else if (errno !== 'EEXIST' || tries >= TEMP_NAME_TRIES) {
        throw error;
      }
    }
  }
};

type DiskCall = <T>(call: () => Promise<T>) => Promise<T>;

const copyBody = async (handle: FileHandle, body: LtxBody, disk: DiskCall): Promise<number> => {
  let sizeBytes = 0;
  let staging: Buffer | undefined;
  let staged = 0;
  const flush = async (): Promise<void> => {
    if (staging === undefined || staged === 0) return;
    const bytes = staging.subarray(0, staged);
    staged = 0;
    await disk(() => writeAll(handle, bytes));
  };
  for await (const chunk of body.chunks) {
    sizeBytes += chunk.length;
    if (chunk.length >= STAGING_BYTES) {
      await flush();
      await disk(() => writeAll(handle, chunk));
      continue;
    }
    staging ??= Buffer.allocUnsafe(STAGING_BYTES);
    if (staged + chunk.length > STAGING_BYTES) await flush();
    staging.set(chunk, staged);
    staged += chunk.length;
  }
  await flush();
  return sizeBytes;
};

const writeAll = async (handle: FileHandle, bytes: Uint8Array): Promise<void> => {
  let written = 0;
  while (written < bytes.length) {
    const { bytesWritten } = await handle.write(bytes, written, bytes.length - written);
    written += bytesWritten;
  }
};

const CANNOT_SET_TIMES = new Set(['EPERM', 'EINVAL', 'ENOSYS', 'ENOTSUP', 'ERANGE', 'EOVERFLOW']);

/**
 * Half a microsecond is added because seconds travel as a double and are cut, not rounded: without it `.678` arrives as
 * `.677999…` and a reader that cuts to milliseconds sees the file one earlier. A file system that keeps no such times is
 * no reason to refuse the file: exact listings read the header.
 */
const setTimes = async (handle: FileHandle, createdAtMs: number): Promise<void> => {
  const seconds = createdAtMs / 1000 + 5e-7;
  try {
    await handle.utimes(seconds, seconds);
  } catch (error) {
    if (!CANNOT_SET_TIMES.has(errnoOf(error) ?? '')) throw error;
  }
};
