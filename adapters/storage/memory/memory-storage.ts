/** A replica in memory, for tests and the simulation: the same promises as every other kind, and faults on request. */
import { ALL_LEVELS, type Level } from '#domain/level';
import { formatLtxName, type TxidRange } from '#domain/txid';
import { ReplicationError, throwIfAborted } from '#errors/replication-error';
import type { ByteStream, LtxFileInfo, ReadRange, ReplicaStorage } from '#ports/storage';
import { createSingleFlight, untilAborted } from '../abort.ts';
import { openLtxBody, readLtxCreationTime } from '../ltx-body.ts';
import { createMemoryBucket, type MemoryBucket, type StoredFile } from './bucket.ts';
import type { StorageCall, StorageFaults } from './faults.ts';

const CHUNK_BYTES = 64 * 1024;

/** What a memory replica is made with. */
export interface MemoryStorageOptions {
  /** Where the files are; a new empty bucket when left out. */
  readonly bucket?: MemoryBucket;
  /** Bytes it holds at most, over all levels; a write beyond is `DISK_FULL`. No limit when left out. */
  readonly capacityBytes?: number;
  readonly faults?: StorageFaults;
  /** Shown as the location; `memory` when left out. */
  readonly location?: string;
}

/** A replica over a bucket. Nothing here reads a clock or draws: the same calls and hooks give the same run. */
export const createMemoryStorage = (options: MemoryStorageOptions = {}): ReplicaStorage => {
  const { bucket = createMemoryBucket(), faults = {}, location = 'memory' } = options;
  const capacityBytes = options.capacityBytes ?? Number.POSITIVE_INFINITY;
  const nameOf = (level: Level, range: TxidRange): string => `${location}/${level}/${formatLtxName(range)}`;

  /** Runs a call between its two hooks. */
  const call = async <T>(what: StorageCall, signal: AbortSignal, run: () => T | Promise<T>): Promise<T> => {
    throwIfAborted(signal, what.operation);
    if (faults.before !== undefined) await untilAborted(settled(faults.before(what)), signal, what.operation);
    const result = await run();
    if (faults.after !== undefined) await untilAborted(settled(faults.after(what)), signal, what.operation);
    return result;
  };

  const usedBytes = (): number =>
    ALL_LEVELS.flatMap((level) => bucket.list(level)).reduce((sum, file) => sum + file.bytes.length, 0);

  const store = (level: Level, range: TxidRange, bytes: Uint8Array, createdAtMs: number): LtxFileInfo => {
    const replacedBytes = bucket.get(level, range)?.bytes.length ?? 0;
    if (capacityBytes < Number.POSITIVE_INFINITY && usedBytes() - replacedBytes + bytes.length > capacityBytes) {
      throw new ReplicationError('DISK_FULL', `cannot write ${nameOf(level, range)}: no space left`, {
        retryable: true,
        hint: 'Raise the capacity of the memory storage.',
      });
    }
    const { minTxid, maxTxid } = range;
    const info: LtxFileInfo = { level, minTxid, maxTxid, sizeBytes: bytes.length, createdAtMs };
    bucket.put({ info, bytes });
    return info;
  };

  const runInit = createSingleFlight(async () => {
    await faults.before?.({ operation: 'init' });
    await faults.after?.({ operation: 'init' });
  });

  return {
    kind: 'memory',
    location,
    hasCheapReads: true,
    init: (signal) => runInit(signal),
    async *listLtxFiles(level, from, mode, signal) {
      const files = await call({ operation: 'list', level }, signal, () => bucket.list(level));
      for (const file of files) {
        throwIfAborted(signal, `listing level ${level}`);
        if (file.info.minTxid < from || faults.isHidden?.(file.info) === true) continue;
        yield mode === 'fast' ? file.info : { ...file.info, createdAtMs: exactTime(file) };
      }
    },
    openLtxFile: (level, range, read, signal) => {
      const what: StorageCall = { operation: 'open', level, ranges: [range] };
      return call(what, signal, () => {
        const file = bucket.get(level, range);
        if (file === undefined) throw notFound(nameOf(level, range));
        const beforeChunk = async (offset: number): Promise<void> => {
          throwIfAborted(signal, `reading ${nameOf(level, range)}`);
          const fault = faults.beforeChunk?.(what, offset);
          if (fault !== undefined) await untilAborted(fault, signal, `reading ${nameOf(level, range)}`);
        };
        return streamOf(file.bytes, read, beforeChunk);
      });
    },
    writeLtxFile: async (level, range, source, signal) => {
      const body = await openLtxBody(source, nameOf(level, range), signal);
      try {
        return await call({ operation: 'write', level, ranges: [range] }, signal, async () => {
          const chunks: Uint8Array[] = [];
          // Copies: a source may use its buffer again for the next chunk.
          for await (const chunk of body.chunks) chunks.push(Uint8Array.from(chunk));
          return store(level, range, Buffer.concat(chunks), body.createdAtMs);
        });
      } finally {
        body.release();
      }
    },
    deleteLtxFiles: async (level, ranges, signal) => {
      if (ranges.length === 0) return;
      await call({ operation: 'delete', level, ranges }, signal, () => {
        for (const range of ranges) bucket.remove(level, range);
      });
    },
    deleteAll: (signal) =>
      call({ operation: 'deleteAll' }, signal, () => {
        for (const level of ALL_LEVELS) for (const { info } of bucket.list(level)) bucket.remove(level, info);
      }),
    close: async () => undefined,
  };
};

const settled = async (value: void | Promise<void>): Promise<void> => value;

/** The header's time; the stored time for a file that was put into the bucket without a header. */
const exactTime = ({ bytes, info }: StoredFile): number => readLtxCreationTime(bytes) ?? info.createdAtMs;

const notFound = (name: string): ReplicationError =>
  new ReplicationError('STORAGE_NOT_FOUND', `cannot read ${name}: the file does not exist`, { retryable: false });

async function* streamOf(
  bytes: Uint8Array,
  { offset = 0, lengthBytes }: ReadRange,
  beforeChunk: (offset: number) => Promise<void>,
): ByteStream {
  const end = lengthBytes === undefined ? bytes.length : Math.min(bytes.length, offset + lengthBytes);
  for (let position = offset; position < end; position += CHUNK_BYTES) {
    await beforeChunk(position);
    yield bytes.slice(position, Math.min(end, position + CHUNK_BYTES));
  }
}
