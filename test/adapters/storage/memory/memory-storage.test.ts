import { describe, expect, it } from 'vitest';
import { createMemoryBucket } from '#adapters/storage/memory/bucket';
import type { StorageCall, StorageFaults } from '#adapters/storage/memory/faults';
import { createMemoryStorage } from '#adapters/storage/memory/memory-storage';
import { formatLtxName, parseLtxName } from '#domain/txid';
import type { ReplicaStorage } from '#ports/storage';
import { bytesOf, chunksOf, describeStorageConformance, ltxBytes } from '../conformance.ts';

const one = { minTxid: 1n, maxTxid: 1n };
const never = new AbortController().signal;

describeStorageConformance(
  'memory',
  async () => {
    const bucket = createMemoryBucket();
    return {
      storage: createMemoryStorage({ bucket }),
      reopen: () => createMemoryStorage({ bucket }),
      sibling: () => createMemoryStorage(),
      putRaw: undefined,
      rawNames: async (level) => bucket.list(level).map(({ info }) => formatLtxName(info)),
      dispose: async () => undefined,
    };
  },
  { hasHeaderTimesInFastListing: true, exactWithoutHeader: 'storedTime', manyFiles: 5200, largeFileBytes: 20_000_001 },
);

describe('faults of a memory replica', () => {
  const names = async (storage: ReplicaStorage): Promise<string[]> => {
    const found: string[] = [];
    for await (const file of storage.listLtxFiles(0, 0n, 'fast', never)) found.push(formatLtxName(file));
    return found;
  };
  const write = (storage: ReplicaStorage, signal = never): Promise<unknown> =>
    storage.writeLtxFile(0, one, chunksOf(ltxBytes(200)), signal);
  const refusal = new Error('refused');

  it('a refused write stores nothing', async () => {
    const calls: StorageCall[] = [];
    const faults: StorageFaults = {
      before: (call) => {
        calls.push(call);
        if (call.operation === 'write') throw refusal;
      },
    };
    const storage = createMemoryStorage({ faults });
    await expect(write(storage)).rejects.toBe(refusal);
    expect(await names(storage)).toEqual([]);
    expect(calls).toEqual([
      { operation: 'write', level: 0, ranges: [one] },
      { operation: 'list', level: 0 },
    ]);
  });

  it('a write can be done and answered with an error all the same', async () => {
    const faults: StorageFaults = {
      after: (call) => {
        if (call.operation === 'write') throw refusal;
      },
    };
    const storage = createMemoryStorage({ faults });
    await expect(write(storage)).rejects.toBe(refusal);
    expect(await names(storage)).toHaveLength(1);
  });

  it('a file can be listed late and is readable meanwhile', async () => {
    let isLate = true;
    const storage = createMemoryStorage({ faults: { isHidden: () => isLate } });
    await write(storage);
    expect(await names(storage)).toEqual([]);
    expect(await bytesOf(await storage.openLtxFile(0, one, {}, never))).toHaveLength(200);
    isLate = false;
    expect(await names(storage)).toHaveLength(1);
  });

  it('an abort ends the wait for a slow storage, and nothing was stored', async () => {
    const controller = new AbortController();
    const faults: StorageFaults = {
      before: (call) => {
        if (call.operation !== 'write') return;
        queueMicrotask(() => controller.abort());
        return new Promise(() => undefined);
      },
    };
    const storage = createMemoryStorage({ faults });
    await expect(write(storage, controller.signal)).rejects.toMatchObject({ code: 'ABORTED' });
    expect(await names(storage)).toEqual([]);
  });

  it('a transfer can break in the middle', async () => {
    const faults: StorageFaults = {
      beforeChunk: (_call, offset) => {
        if (offset > 0) throw refusal;
      },
    };
    const storage = createMemoryStorage({ faults });
    await storage.writeLtxFile(0, one, chunksOf(ltxBytes(200_000)), never);
    await expect(bytesOf(await storage.openLtxFile(0, one, {}, never))).rejects.toBe(refusal);
  });

  it('an init that failed is tried again by the next call', async () => {
    const failures = [refusal];
    const faults: StorageFaults = {
      before: () => {
        const failure = failures.pop();
        if (failure !== undefined) throw failure;
      },
    };
    const storage = createMemoryStorage({ faults });
    await expect(storage.init(never)).rejects.toBe(refusal);
    await storage.init(never);
  });

  it('a full bucket refuses a write, but not the replacement of a file by one as large', async () => {
    const storage = createMemoryStorage({ capacityBytes: 300 });
    await write(storage);
    await write(storage);
    const two = parseLtxName('0000000000000002-0000000000000002.ltx');
    if (two === undefined) throw new Error('not a name');
    await expect(storage.writeLtxFile(0, two, chunksOf(ltxBytes(200)), never)).rejects.toMatchObject({
      code: 'DISK_FULL',
      retryable: true,
    });
    expect(await names(storage)).toHaveLength(1);
  });

  it('what was stored outlives the storage object', async () => {
    const bucket = createMemoryBucket();
    const first = createMemoryStorage({ bucket });
    await write(first);
    await first.close();
    expect(await names(createMemoryStorage({ bucket }))).toHaveLength(1);
  });
});
