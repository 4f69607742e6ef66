/** The local level-0 folder of one database, on Node's file system. */
import { type FileHandle, open, readdir, rm, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { compareRanges, formatLtxName, parseLtxName, type Txid } from '#domain/txid';
import { ReplicationError } from '#errors/replication-error';
import type { LevelZeroFiles, LocalLtxFile } from '#ports/level-zero';
import type { ByteStream } from '#ports/storage';

/** Bytes per read while a file is streamed. */
const CHUNK_BYTES = 256 * 1024;

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';

const failure = (path: string, doing: string, cause: unknown): ReplicationError => {
  const code = codeOf(cause);
  const isFull = code === 'ENOSPC' || code === 'EDQUOT';
  return new ReplicationError(
    isFull ? 'DISK_FULL' : 'DATABASE_UNREADABLE',
    `cannot ${doing} ${path}: ${code || cause}`,
    {
      retryable: true,
      hint: isFull ? 'Free space on the device; replication goes on by itself.' : 'Check owner and mode of the path.',
      details: { path },
      cause,
    },
  );
};

/** Reads `<metaPath>/ltx/0`. `stagePrefix` names temporary files: unique for the process, ending in `.tmp` is added. */
export const createLevelZeroFiles = (metaPath: string, stagePrefix: string): LevelZeroFiles => {
  const folder = join(metaPath, 'ltx', '0');
  let stageCount = 0;
  const pathOf = (txid: Txid): string => join(folder, formatLtxName({ minTxid: txid, maxTxid: txid }));

  const statFile = async (name: string): Promise<LocalLtxFile | undefined> => {
    const range = parseLtxName(name);
    if (range === undefined) return undefined;
    try {
      const { size, mtimeMs } = await stat(join(folder, name));
      return { ...range, sizeBytes: size, modifiedAtMs: mtimeMs };
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return undefined;
      throw failure(join(folder, name), 'look at', error);
    }
  };

  return {
    list: async () => {
      const names = await namesIn(folder);
      const files: LocalLtxFile[] = [];
      for (const name of names) {
        const file = await statFile(name);
        if (file !== undefined) files.push(file);
      }
      return files.sort(compareRanges);
    },

    open: async (txid, signal) => {
      const path = pathOf(txid);
      try {
        const file = await open(path, 'r');
        return readAll(file, path, signal);
      } catch (error) {
        if (codeOf(error) !== 'ENOENT') throw failure(path, 'open', error);
        throw new ReplicationError('LTX_FILE_MISSING', `local LTX file ${path} is missing`, {
          retryable: true,
          hint: 'It is replaced by a full copy; if it stays missing, run "litestream reset".',
          details: { path },
          cause: error,
        });
      }
    },

    readEnds: async (txid, { headBytes, tailBytes }) => {
      const path = pathOf(txid);
      try {
        await using file = await open(path, 'r');
        const { size } = await file.stat();
        const head = Buffer.alloc(Math.min(headBytes, size));
        const tail = Buffer.alloc(Math.min(tailBytes, size));
        await file.read(head, 0, head.length, 0);
        await file.read(tail, 0, tail.length, size - tail.length);
        return { sizeBytes: size, head, tail };
      } catch (error) {
        if (codeOf(error) === 'ENOENT') return undefined;
        throw failure(path, 'read', error);
      }
    },

    stage: async (body, signal) => {
      stageCount += 1;
      const path = join(metaPath, `${stagePrefix}-${stageCount}.tmp`);
      try {
        await using file = await open(path, 'wx', 0o600);
        for await (const chunk of body) {
          signal.throwIfAborted();
          await file.writeFile(chunk);
        }
        await file.sync();
        return path;
      } catch (error) {
        await rm(path, { force: true });
        throw error instanceof ReplicationError ? error : failure(path, 'write', error);
      }
    },

    discard: async (stagedPath) => {
      await rm(stagedPath, { force: true });
    },

    removeAll: async () => {
      const levels = join(metaPath, 'ltx');
      for (const level of await namesIn(levels)) {
        for (const name of await namesIn(join(levels, level))) {
          if (parseLtxName(name) !== undefined) await unlink(join(levels, level, name));
        }
      }
    },
  };
};

const namesIn = async (path: string): Promise<readonly string[]> => {
  try {
    return await readdir(path);
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return [];
    throw failure(path, 'list', error);
  }
};

/** A stream over an open file that closes it at the end, on failure, and also when nobody ever began to read. */
const readAll = (file: FileHandle, path: string, signal: AbortSignal): ByteStream => {
  let at = 0;
  const end = async (): Promise<IteratorResult<Uint8Array>> => {
    await file.close();
    return { done: true, value: undefined };
  };
  const iterator: AsyncIterator<Uint8Array> = {
    next: async () => {
      try {
        signal.throwIfAborted();
        const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(CHUNK_BYTES), 0, CHUNK_BYTES, at);
        if (bytesRead === 0) return await end();
        at += bytesRead;
        return { done: false, value: buffer.subarray(0, bytesRead) };
      } catch (error) {
        await file.close();
        throw error instanceof ReplicationError || signal.aborted ? error : failure(path, 'read', error);
      }
    },
    return: end,
  };
  return { [Symbol.asyncIterator]: () => iterator };
};
