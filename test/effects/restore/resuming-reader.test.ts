/** A transfer that breaks is one stream to its reader. */

import { expect, test } from 'vitest';
import { createSimulatedClock, drainMicrotasks, type SimulatedClock } from '#adapters/clock/simulated/simulated-clock';
import { createSeededRandom } from '#adapters/random/seeded/seeded-random';
import { createMemoryBucket } from '#adapters/storage/memory/bucket';
import type { StorageFaults } from '#adapters/storage/memory/faults';
import { createMemoryStorage } from '#adapters/storage/memory/memory-storage';
import { READ_FAILURES_MAX, READ_IDLE_MS_MAX, readResuming } from '#effects/restore/resuming-reader';
import { ReplicationError } from '#errors/replication-error';
import type { ReplicaStorage } from '#ports/storage';
import { silentLog } from './support.ts';

const FILE = { level: 1, minTxid: 3n, maxTxid: 9n } as const;

const cut = (): ReplicationError => new ReplicationError('STORAGE_UNAVAILABLE', 'cut', { retryable: true });

const content = (length: number, seed: number): Uint8Array => {
  const random = createSeededRandom(seed);
  return Uint8Array.from({ length }, () => Math.floor(random.next() * 256));
};

const storageWith = (bytes: Uint8Array, faults: StorageFaults): ReplicaStorage => {
  const bucket = createMemoryBucket();
  bucket.put({ info: { ...FILE, sizeBytes: bytes.length, createdAtMs: 0 }, bytes });
  return createMemoryStorage({ bucket, faults });
};

/** Reads to the end while the simulated clock runs every timer as soon as nothing else moves. */
const read = async (
  storage: ReplicaStorage,
  options: { readonly sizeBytes: number; readonly signal?: AbortSignal; readonly clock?: SimulatedClock },
): Promise<Uint8Array> => {
  const { sizeBytes, signal = new AbortController().signal, clock = createSimulatedClock() } = options;
  const services = { clock, random: createSeededRandom(7), log: silentLog };
  const chunks: Uint8Array[] = [];
  const state: { isDone: boolean } = { isDone: false };
  const work = (async () => {
    for await (const chunk of readResuming(services, storage, { ...FILE, sizeBytes }, signal)) chunks.push(chunk);
  })().finally(() => {
    state.isDone = true;
  });
  work.catch(() => undefined);
  while (!state.isDone) {
    await drainMicrotasks();
    if (!state.isDone) clock.step();
  }
  await work;
  return Buffer.concat(chunks);
};

test.each(Array.from({ length: 40 }, (_, seed) => seed))(
  'cuts at random offsets lose and repeat no byte (seed %i)',
  async (seed) => {
    const bytes = content(300_000 + seed, seed);
    const random = createSeededRandom(seed);
    const storage = storageWith(bytes, {
      before: () => {
        if (random.next() < 0.2) throw cut();
      },
      beforeChunk: () => {
        if (random.next() < 0.25) throw cut();
      },
    });
    const found = await read(storage, { sizeBytes: bytes.length });
    expect(Buffer.compare(found, bytes)).toBe(0);
  },
);

test('a stream that ends before the listed size is taken for a cut and resumed', async () => {
  const bytes = content(200_000, 1);
  const inner = storageWith(bytes, {});
  let opens = 0;
  const storage: ReplicaStorage = {
    ...inner,
    openLtxFile: (level, range, { offset = 0 }, signal) => {
      opens += 1;
      return inner.openLtxFile(level, range, { offset, lengthBytes: 70_000 }, signal);
    },
  };
  expect(Buffer.compare(await read(storage, { sizeBytes: bytes.length }), bytes)).toBe(0);
  expect(opens).toBe(3);
});

test('without a known size the end of the stream is the end of the file', async () => {
  const bytes = content(100_000, 2);
  expect((await read(storageWith(bytes, {}), { sizeBytes: 0 })).length).toBe(100_000);
});

test('progress starts the count of failures anew', async () => {
  const bytes = content(64 * 1024 * 20, 3);
  const seen = new Set<number>();
  const storage = storageWith(bytes, {
    beforeChunk: (_, offset) => {
      if (seen.has(offset)) return;
      seen.add(offset);
      throw cut();
    },
  });
  expect((await read(storage, { sizeBytes: bytes.length })).length).toBe(bytes.length);
  expect(seen.size).toBeGreaterThan(READ_FAILURES_MAX);
});

test('a storage that never answers is given up after a bounded number of failures, naming level, range and offset', async () => {
  let opens = 0;
  const storage = storageWith(content(1000, 4), {
    before: () => {
      opens += 1;
      throw cut();
    },
  });
  await expect(read(storage, { sizeBytes: 1000 })).rejects.toMatchObject({
    code: 'STORAGE_UNAVAILABLE',
    message: expect.stringMatching(/level=1 0{15}3-0{15}9 beyond byte 0: 8 failures in a row, the last: cut/),
  });
  expect(opens).toBe(READ_FAILURES_MAX);
});

test('a file that is gone is final at once', async () => {
  let opens = 0;
  const storage = createMemoryStorage({
    faults: {
      before: () => {
        opens += 1;
      },
    },
  });
  await expect(read(storage, { sizeBytes: 1000 })).rejects.toMatchObject({ code: 'STORAGE_NOT_FOUND' });
  expect(opens).toBe(1);
});

test('an error that says it will not go away is final at once', async () => {
  let opens = 0;
  const storage = storageWith(content(1000, 5), {
    before: () => {
      opens += 1;
      throw new ReplicationError('STORAGE_ACCESS_DENIED', 'no', { retryable: false });
    },
  });
  await expect(read(storage, { sizeBytes: 1000 })).rejects.toMatchObject({ code: 'STORAGE_ACCESS_DENIED' });
  expect(opens).toBe(1);
});

test('a read that brings nothing for a minute is a broken connection', async () => {
  const bytes = content(200_000, 6);
  let stalls = 0;
  const clock = createSimulatedClock();
  const storage = storageWith(bytes, {
    beforeChunk: (_, offset) => {
      if (offset < 65_536 || stalls > 0) return;
      stalls += 1;
      return new Promise(() => undefined);
    },
  });
  const found = await read(storage, { sizeBytes: bytes.length, clock });
  expect(Buffer.compare(found, bytes)).toBe(0);
  expect(clock.nowMs()).toBeGreaterThanOrEqual(READ_IDLE_MS_MAX);
});

test('an abort ends the wait between two tries and leaves no timer', async () => {
  const clock = createSimulatedClock();
  const abort = new AbortController();
  const storage = storageWith(content(1000, 7), {
    before: () => {
      queueMicrotask(() => abort.abort());
      throw cut();
    },
  });
  await expect(read(storage, { sizeBytes: 1000, signal: abort.signal, clock })).rejects.toMatchObject({
    code: 'ABORTED',
  });
  expect(clock.pendingTimers()).toBe(0);
});

test('more bytes than listed are an error, not a longer file', async () => {
  await expect(read(storageWith(content(1000, 8), {}), { sizeBytes: 900 })).rejects.toMatchObject({
    message: expect.stringContaining('more than the 900 bytes listed'),
  });
});
