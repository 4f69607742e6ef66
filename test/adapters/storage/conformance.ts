/**
 * The promises of ReplicaStorage as tests, run against every adapter. A difference between adapters is a capability here,
 * never a skipped test: a capability that is absent turns into the assertion of what happens instead.
 */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { mapBounded } from '#adapters/storage/bounded';
import { ALL_LEVELS, type Level } from '#domain/level';
import { compareRanges, formatLtxName, type TxidRange } from '#domain/txid';
import { ReplicationError } from '#errors/replication-error';
import type { ByteStream, LtxFileInfo, ReadRange, ReplicaStorage } from '#ports/storage';

/** A fresh, empty destination and what a test may do to it behind the adapter's back. */
export interface StorageWorld {
  readonly storage: ReplicaStorage;
  /** Another storage object for the same destination. */
  reopen(): ReplicaStorage;
  /** A storage whose root has this one's as a string prefix (`db`, `db2`). */
  sibling(): ReplicaStorage;
  /** Puts an object into a level as another program would; `undefined` where names cannot be chosen freely. */
  readonly putRaw: ((level: Level, name: string, bytes: Uint8Array) => Promise<void>) | undefined;
  /** Every name in a level, leftovers included. */
  rawNames(level: Level): Promise<readonly string[]>;
  dispose(): Promise<void>;
}

/** What an adapter does differently. */
export interface StorageCapabilities {
  /** `fast` listings carry the header's time. */
  readonly hasHeaderTimesInFastListing: boolean;
  /** What `exact` says of a file without a header: the stored time, or an error that names it. */
  readonly exactWithoutHeader: 'storedTime' | 'error';
  /** Files of the long listing test; lower for servers that take long. */
  readonly manyFiles: number;
  /** Bytes of the large file; above one part of a multipart upload where there are parts. */
  readonly largeFileBytes: number;
}

const BASE_TIME_MS = Date.UTC(2024, 0, 2, 3, 4, 5, 678);

/** An LTX file as far as a storage looks: magic, time, then a payload that differs by `fill`. */
export const ltxBytes = (sizeBytes: number, createdAtMs = BASE_TIME_MS, fill = 1): Uint8Array => {
  const bytes = Buffer.alloc(Math.max(sizeBytes, 100));
  for (let index = 100; index < bytes.length; index += 1) bytes[index] = (index * 31 + fill * 7) & 0xff;
  bytes.write('LTX1', 0, 'latin1');
  bytes.writeBigInt64BE(BigInt(createdAtMs), 32);
  return bytes;
};

/** The bytes as a stream of chunks. */
export async function* chunksOf(bytes: Uint8Array, chunkBytes = 64 * 1024): ByteStream {
  for (let at = 0; at < bytes.length; at += chunkBytes) yield bytes.subarray(at, at + chunkBytes);
}

/** All bytes of a stream. */
export const bytesOf = async (stream: ByteStream): Promise<Buffer> => {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
};

const range = (minTxid: bigint, maxTxid: bigint = minTxid): TxidRange => ({ minTxid, maxTxid });

/** The code of the error a promise rejects with; anything else fails the test. */
const codeOf = async (work: Promise<unknown>): Promise<string> => {
  const error = await work.then(
    () => new Error('expected a rejection'),
    (reason: unknown) => reason,
  );
  if (error instanceof ReplicationError) return error.code;
  throw error;
};

const never = (): AbortSignal => new AbortController().signal;

export const describeStorageConformance = (
  name: string,
  openWorld: () => Promise<StorageWorld>,
  capabilities: StorageCapabilities,
): void => {
  describe(`${name}: promises of every replica storage`, () => {
    let world: StorageWorld;
    let storage: ReplicaStorage;

    beforeEach(async () => {
      world = await openWorld();
      storage = world.storage;
      await storage.init(never());
    });
    afterEach(async () => {
      await storage.close();
      await world.dispose();
    });

    const write = (
      level: Level,
      file: TxidRange,
      bytes: Uint8Array = ltxBytes(200),
      signal: AbortSignal = never(),
    ): Promise<LtxFileInfo> => storage.writeLtxFile(level, file, chunksOf(bytes), signal);
    const list = async (level: Level, from = 0n, mode: 'fast' | 'exact' = 'fast'): Promise<LtxFileInfo[]> => {
      const files: LtxFileInfo[] = [];
      for await (const file of storage.listLtxFiles(level, from, mode, never())) files.push(file);
      return files;
    };
    const names = async (level: Level, from = 0n): Promise<string[]> =>
      (await list(level, from)).map((file) => `${file.minTxid}-${file.maxTxid}`);
    const read = async (level: Level, file: TxidRange, what: ReadRange = {}): Promise<Buffer> =>
      bytesOf(await storage.openLtxFile(level, file, what, never()));

    describe('listing', () => {
      it('an empty destination has ten empty levels in both modes', async () => {
        for (const level of ALL_LEVELS) {
          expect(await list(level)).toEqual([]);
          expect(await list(level, 0n, 'exact')).toEqual([]);
        }
      });

      it('files written out of order are listed by minTxid, then maxTxid, overlaps as they are', async () => {
        for (const file of [range(4n, 8n), range(1n, 5n), range(9n), range(2n, 3n), range(1n)]) await write(2, file);
        expect(await names(2)).toEqual(['1-1', '1-5', '2-3', '4-8', '9-9']);
      });

      it('seek is inclusive and compares minTxid only', async () => {
        for (const file of [range(1n), range(2n, 3n), range(4n, 8n), range(9n)]) await write(0, file);
        expect(await names(0, 2n)).toEqual(['2-3', '4-8', '9-9']);
        expect(await names(0, 3n)).toEqual(['4-8', '9-9']);
        expect(await names(0, 5n)).toEqual(['9-9']);
        expect(await names(0, 10n)).toEqual([]);
      });

      it('TXIDs up to 2^64 - 1 keep their order and their exact value', async () => {
        const txids = [0xffff_ffff_ffff_ffffn, 0x8000_0000_0000_0000n, 0x100n, 0xffn, 0x10n, 0xfn];
        for (const txid of txids) await write(0, range(txid));
        expect((await list(0)).map(({ minTxid }) => minTxid)).toEqual([...txids].reverse());
        expect((await list(0, 0x8000_0000_0000_0001n)).map(({ minTxid }) => minTxid)).toEqual([0xffff_ffff_ffff_ffffn]);
      });

      it('a long level is listed completely, once each and sorted', async () => {
        const files = Array.from({ length: capabilities.manyFiles }, (_, index) => range(BigInt(index + 1)));
        const shuffled = files.map((file, index) => files[(index * 7919) % files.length] ?? file);
        await mapBounded(shuffled, 16, (file) => write(0, file, ltxBytes(100)));
        const found = await list(0);
        expect(found.map(({ minTxid }) => minTxid)).toEqual(files.map(({ minTxid }) => minTxid));
        expect([...found].sort(compareRanges)).toEqual(found);
      });

      it('levels do not mix', async () => {
        await write(0, range(1n));
        await write(1, range(2n));
        await write(9, range(3n));
        expect(await names(0)).toEqual(['1-1']);
        expect(await names(1)).toEqual(['2-2']);
        expect(await names(9)).toEqual(['3-3']);
        expect(await names(2)).toEqual([]);
      });

      it('foreign names in a level are not listed', async () => {
        await write(0, range(10n));
        if (world.putRaw === undefined) return;
        const valid = formatLtxName(range(11n));
        for (const foreign of [
          'x.txt',
          `${valid}.tmp`,
          `${valid}.77.0a1b2c3d.tmp`,
          formatLtxName(range(0xabcn)).toUpperCase().replace('.LTX', '.ltx'),
          '00000000000000c-000000000000000c.ltx',
          `nested/${valid}`,
        ]) {
          await world.putRaw(0, foreign, ltxBytes(200));
        }
        expect(await names(0)).toEqual(['10-10']);
      });

      it('a destination whose root is a prefix of another sees only its own files', async () => {
        const sibling = world.sibling();
        await write(0, range(1n));
        await sibling.writeLtxFile(0, range(2n), chunksOf(ltxBytes(100)), never());
        await storage.deleteAll(never());
        expect(await names(0)).toEqual([]);
        expect(await bytesOf(await sibling.openLtxFile(0, range(2n), {}, never()))).toHaveLength(100);
        await sibling.close();
      });

      it('exact times are those of the headers, to the millisecond', async () => {
        const times = Array.from({ length: 50 }, (_, index) => BASE_TIME_MS - index * 60_000 - index);
        for (const [index, time] of times.entries()) await write(1, range(BigInt(index + 1)), ltxBytes(120, time));
        expect((await list(1, 0n, 'exact')).map(({ createdAtMs }) => createdAtMs)).toEqual(times);
        const fast = (await list(1)).map(({ createdAtMs }) => createdAtMs);
        if (capabilities.hasHeaderTimesInFastListing) expect(fast).toEqual(times);
        else expect(fast.every((time) => Number.isInteger(time) && time > 0)).toBe(true);
      });

      it('a file put there by somebody else is listed with its header time in exact mode', async () => {
        if (world.putRaw === undefined) return;
        await world.putRaw(0, formatLtxName(range(1n)), ltxBytes(150, BASE_TIME_MS - 12_345));
        expect(await list(0, 0n, 'exact')).toEqual([
          { level: 0, minTxid: 1n, maxTxid: 1n, sizeBytes: 150, createdAtMs: BASE_TIME_MS - 12_345 },
        ]);
      });

      it('an empty file with a valid name is listed with size 0, and exact mode does not invent a time for it', async () => {
        if (world.putRaw === undefined) return;
        await world.putRaw(0, formatLtxName(range(1n)), new Uint8Array(0));
        const [file] = await list(0);
        expect(file).toMatchObject({ minTxid: 1n, sizeBytes: 0 });
        if (capabilities.exactWithoutHeader === 'error') {
          await expect(list(0, 0n, 'exact')).rejects.toThrow(formatLtxName(range(1n)));
        } else {
          expect(await list(0, 0n, 'exact')).toEqual([file]);
        }
        expect(await read(0, range(1n))).toHaveLength(0);
      });

      it('a consumer may stop after the first file', async () => {
        for (let txid = 1n; txid <= 20n; txid += 1n) await write(0, range(txid));
        for await (const file of storage.listLtxFiles(0, 0n, 'exact', never())) {
          expect(file.minTxid).toBe(1n);
          break;
        }
        expect(await list(0)).toHaveLength(20);
      });

      it('files deleted during a listing do not break it', async () => {
        for (let txid = 1n; txid <= 30n; txid += 1n) await write(0, range(txid));
        const seen: bigint[] = [];
        for await (const file of storage.listLtxFiles(0, 0n, 'exact', never())) {
          if (seen.length === 0) await storage.deleteLtxFiles(0, [range(29n), range(30n)], never());
          seen.push(file.minTxid);
        }
        expect(seen.slice(0, 28)).toEqual(Array.from({ length: 28 }, (_, index) => BigInt(index + 1)));
      });

      it('another storage object for the same destination sees what was written and deleted', async () => {
        await write(0, range(1n));
        await write(0, range(2n));
        await storage.deleteLtxFiles(0, [range(1n)], never());
        const other = world.reopen();
        const found: bigint[] = [];
        for await (const { minTxid } of other.listLtxFiles(0, 0n, 'fast', never())) found.push(minTxid);
        expect(found).toEqual([2n]);
        await other.close();
      });
    });

    describe('reading', () => {
      it('the whole file, ranges inside, ranges to the end and ranges beyond it', async () => {
        const bytes = Buffer.from(ltxBytes(400_000));
        await write(3, range(1n, 7n), bytes);
        const read1 = (what: ReadRange): Promise<Buffer> => read(3, range(1n, 7n), what);
        expect((await read1({})).equals(bytes)).toBe(true);
        expect((await read1({ offset: 0, lengthBytes: 100 })).equals(bytes.subarray(0, 100))).toBe(true);
        expect((await read1({ offset: 131_000, lengthBytes: 200_000 })).equals(bytes.subarray(131_000, 331_000))).toBe(
          true,
        );
        expect((await read1({ offset: 400_000 - 32_768 })).equals(bytes.subarray(400_000 - 32_768))).toBe(true);
        expect((await read1({ offset: 399_990, lengthBytes: 100 })).equals(bytes.subarray(399_990))).toBe(true);
        expect(await read1({ offset: 400_000 })).toHaveLength(0);
        expect(await read1({ offset: 400_001, lengthBytes: 5 })).toHaveLength(0);
      });

      it('a missing file is STORAGE_NOT_FOUND at the call', async () => {
        expect(await codeOf(storage.openLtxFile(0, range(1n), {}, never()))).toBe('STORAGE_NOT_FOUND');
        await write(0, range(2n));
        expect(await codeOf(storage.openLtxFile(0, range(1n), {}, never()))).toBe('STORAGE_NOT_FOUND');
        expect(await codeOf(storage.openLtxFile(1, range(2n), {}, never()))).toBe('STORAGE_NOT_FOUND');
      });

      it('two hundred ranges of one file can be read in parallel', async () => {
        const bytes = Buffer.from(ltxBytes(200_000));
        await write(0, range(1n), bytes);
        const offsets = Array.from({ length: 200 }, (_, index) => index * 1000);
        const parts = await Promise.all(offsets.map((offset) => read(0, range(1n), { offset, lengthBytes: 1000 })));
        expect(Buffer.concat(parts).equals(bytes)).toBe(true);
      });

      it('a stream given up early releases what it holds, five hundred times', async () => {
        await write(0, range(1n), ltxBytes(300_000));
        for (let round = 0; round < 500; round += 1) {
          for await (const chunk of await storage.openLtxFile(0, range(1n), {}, never())) {
            expect(chunk.length).toBeGreaterThan(0);
            break;
          }
        }
        expect(await read(0, range(1n))).toHaveLength(300_000);
      });
    });

    describe('writing', () => {
      it('chunks of any size store the same bytes, and the result says what was stored', async () => {
        const bytes = ltxBytes(5000);
        for (const [index, chunkBytes] of [1, 7, 99, 100, 101, 1 << 20].entries()) {
          const file = range(BigInt(index + 1));
          const info = await storage.writeLtxFile(4, file, chunksOf(bytes, chunkBytes), never());
          expect(info).toEqual({ level: 4, ...file, sizeBytes: 5000, createdAtMs: BASE_TIME_MS });
          expect((await read(4, file)).equals(bytes)).toBe(true);
        }
      });

      it('a source that reuses its buffer for every chunk is stored as it was given', async () => {
        const bytes = ltxBytes(3000);
        const source = async function* (): ByteStream {
          const buffer = Buffer.alloc(50);
          for (let at = 0; at < bytes.length; at += buffer.length) {
            buffer.set(bytes.subarray(at, at + buffer.length));
            yield buffer;
          }
        };
        await storage.writeLtxFile(0, range(1n), source(), never());
        expect((await read(0, range(1n))).equals(bytes)).toBe(true);
      });

      it('sizes are exact around the borders of chunks and parts', async () => {
        const sizes = [100, 101, 65_536, 262_143, 262_144, 262_145];
        for (const [index, sizeBytes] of sizes.entries()) await write(5, range(BigInt(index + 1)), ltxBytes(sizeBytes));
        expect((await list(5)).map(({ sizeBytes }) => sizeBytes)).toEqual(sizes);
      });

      it('a large file arrives whole', async () => {
        const bytes = Buffer.from(ltxBytes(capabilities.largeFileBytes));
        await storage.writeLtxFile(9, range(1n, 100n), chunksOf(bytes, 1 << 20), never());
        expect((await read(9, range(1n, 100n))).equals(bytes)).toBe(true);
      });

      it('bytes that are no LTX file are refused and leave nothing', async () => {
        const wrongMagic = Buffer.from(ltxBytes(200));
        wrongMagic.write('ltx1', 0, 'latin1');
        for (const bytes of [new Uint8Array(0), ltxBytes(100).subarray(0, 99), wrongMagic]) {
          expect(await codeOf(write(0, range(1n), bytes))).toBe('STORAGE_INVALID_LTX');
        }
        expect(await world.rawNames(0)).toEqual([]);
      });

      it('an existing name is replaced, by the same content and by other content', async () => {
        await write(0, range(1n), ltxBytes(5000));
        await write(0, range(1n), ltxBytes(5000));
        expect(await names(0)).toEqual(['1-1']);
        const other = ltxBytes(300, BASE_TIME_MS + 5000, 2);
        await write(0, range(1n), other);
        expect((await read(0, range(1n))).equals(other)).toBe(true);
        expect(await list(0, 0n, 'exact')).toEqual([
          { level: 0, ...range(1n), sizeBytes: 300, createdAtMs: BASE_TIME_MS + 5000 },
        ]);
      });

      it('exact times follow a file that was replaced after it was listed', async () => {
        await write(0, range(1n), ltxBytes(200, BASE_TIME_MS));
        expect((await list(0, 0n, 'exact')).map(({ createdAtMs }) => createdAtMs)).toEqual([BASE_TIME_MS]);
        await write(0, range(1n), ltxBytes(200, BASE_TIME_MS + 1));
        expect((await list(0, 0n, 'exact')).map(({ createdAtMs }) => createdAtMs)).toEqual([BASE_TIME_MS + 1]);
      });

      it('ten writers of one name leave one complete version', async () => {
        const versions = Array.from({ length: 10 }, (_, index) => ltxBytes(50_000 + index, BASE_TIME_MS, index));
        const outcomes = await Promise.allSettled(versions.map((bytes) => write(0, range(1n), bytes)));
        for (const outcome of outcomes) {
          if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ retryable: true });
        }
        const stored = await read(0, range(1n));
        expect(versions.some((bytes) => stored.equals(bytes))).toBe(true);
        expect(await world.rawNames(0)).toEqual([formatLtxName(range(1n))]);
      });

      it('twenty names can be written in parallel', async () => {
        await Promise.all(
          Array.from({ length: 20 }, (_, index) => write(0, range(BigInt(index + 1)), ltxBytes(10_000))),
        );
        expect(await list(0)).toHaveLength(20);
      });

      it('nothing is seen of a file before its write has ended', async () => {
        const bytes = ltxBytes(200_000);
        let goOn = (): void => undefined;
        const gate = new Promise<void>((resolve) => {
          goOn = resolve;
        });
        let isPaused = (): void => undefined;
        const paused = new Promise<void>((resolve) => {
          isPaused = resolve;
        });
        const source = async function* (): ByteStream {
          yield bytes.subarray(0, 100_000);
          isPaused();
          await gate;
          yield bytes.subarray(100_000);
        };
        const writing = storage.writeLtxFile(0, range(1n), source(), never());
        await paused;
        expect(await list(0)).toEqual([]);
        expect(await codeOf(storage.openLtxFile(0, range(1n), {}, never()))).toBe('STORAGE_NOT_FOUND');
        goOn();
        await writing;
        expect(await names(0)).toEqual(['1-1']);
      });

      it('an error of the source is rethrown as it is and leaves nothing, at the start and later', async () => {
        for (const goodBytes of [0, 50, 100, 300_000]) {
          const failure = new Error(`source failed after ${goodBytes}`);
          const source = async function* (): ByteStream {
            if (goodBytes > 0) yield* chunksOf(ltxBytes(300_000).subarray(0, goodBytes));
            throw failure;
          };
          await expect(storage.writeLtxFile(0, range(1n), source(), never())).rejects.toBe(failure);
        }
        expect(await world.rawNames(0)).toEqual([]);
      });

      it('a failed replacement leaves the old file', async () => {
        const old = ltxBytes(1000);
        await write(0, range(1n), old);
        const source = async function* (): ByteStream {
          yield ltxBytes(300_000);
          throw new Error('source failed');
        };
        await expect(storage.writeLtxFile(0, range(1n), source(), never())).rejects.toThrow('source failed');
        expect((await read(0, range(1n))).equals(old)).toBe(true);
        expect(await world.rawNames(0)).toEqual([formatLtxName(range(1n))]);
      });

      it('an abort ends a write whose source is silent, and leaves nothing', async () => {
        for (const goodBytes of [0, 100, 400_000]) {
          const controller = new AbortController();
          const source = async function* (): ByteStream {
            if (goodBytes > 0) yield* chunksOf(ltxBytes(400_000).subarray(0, goodBytes));
            queueMicrotask(() => controller.abort(new Error('asked to stop')));
            await new Promise(() => undefined);
          };
          expect(await codeOf(storage.writeLtxFile(0, range(1n), source(), controller.signal))).toBe('ABORTED');
        }
        expect(await world.rawNames(0)).toEqual([]);
      });

      it('the source is released when the write fails, even before it was read', async () => {
        for (const [signal, code] of [
          [never(), 'STORAGE_INVALID_LTX'],
          [AbortSignal.abort(), 'ABORTED'],
        ] as const) {
          let released = 0;
          const source: ByteStream = {
            [Symbol.asyncIterator]: () => ({
              next: async () => ({ done: false, value: Buffer.alloc(200) }),
              return: async () => {
                released += 1;
                return { done: true, value: undefined };
              },
            }),
          };
          expect(await codeOf(storage.writeLtxFile(0, range(1n), source, signal))).toBe(code);
          await expect.poll(() => released).toBe(1);
        }
      });
    });

    describe('deleting', () => {
      it('deleted files are gone, missing ones are success, others stay', async () => {
        for (const txid of [1n, 2n, 3n]) await write(0, range(txid));
        await storage.deleteLtxFiles(0, [range(1n), range(3n), range(99n)], never());
        expect(await names(0)).toEqual(['2-2']);
        expect(await codeOf(storage.openLtxFile(0, range(1n), {}, never()))).toBe('STORAGE_NOT_FOUND');
        await storage.deleteLtxFiles(0, [range(1n)], never());
        await storage.deleteLtxFiles(0, [], never());
        expect(await names(0)).toEqual(['2-2']);
      });

      it('a long list is deleted completely', async () => {
        const files = Array.from({ length: capabilities.manyFiles }, (_, index) => range(BigInt(index + 1)));
        await mapBounded(files, 16, (file) => write(0, file, ltxBytes(100)));
        await storage.deleteLtxFiles(0, files.slice(1), never());
        expect(await names(0)).toEqual(['1-1']);
      });

      it('deleteAll removes the levels and nothing else, and may be repeated', async () => {
        for (const level of [0, 1, 9] as const) for (const txid of [1n, 2n, 3n]) await write(level, range(txid));
        if (world.putRaw !== undefined) await world.putRaw(1, 'notes.txt', Buffer.from('mine'));
        await storage.deleteAll(never());
        for (const level of ALL_LEVELS) expect(await list(level)).toEqual([]);
        if (world.putRaw !== undefined) expect(await world.rawNames(1)).toEqual(['notes.txt']);
        await storage.deleteAll(never());
        await write(0, range(4n));
        expect(await names(0)).toEqual(['4-4']);
      });
    });

    describe('life cycle', () => {
      it('init may be called again and in parallel', async () => {
        await Promise.all(Array.from({ length: 20 }, () => storage.init(never())));
        await storage.init(never());
        await write(0, range(1n));
      });

      it('every method obeys a signal that is aborted already', async () => {
        await write(0, range(1n));
        const signal = AbortSignal.abort();
        expect(await codeOf(storage.init(signal))).toBe('ABORTED');
        expect(await codeOf(storage.openLtxFile(0, range(1n), {}, signal))).toBe('ABORTED');
        expect(await codeOf(write(0, range(2n), ltxBytes(100), signal))).toBe('ABORTED');
        expect(await codeOf(storage.deleteLtxFiles(0, [range(1n)], signal))).toBe('ABORTED');
        expect(await codeOf(storage.deleteAll(signal))).toBe('ABORTED');
        const listing = async (): Promise<void> => {
          for await (const file of storage.listLtxFiles(0, 0n, 'fast', signal)) expect(file).toBeUndefined();
        };
        expect(await codeOf(listing())).toBe('ABORTED');
        expect(await names(0)).toEqual(['1-1']);
      });

      it('an abort during a read fails the stream', async () => {
        await write(0, range(1n), ltxBytes(1_000_000));
        const controller = new AbortController();
        const stream = await storage.openLtxFile(0, range(1n), {}, controller.signal);
        const reading = async (): Promise<void> => {
          for await (const chunk of stream) if (chunk.length > 0) controller.abort();
        };
        expect(await codeOf(reading())).toBe('ABORTED');
      });

      it('the kind and the location are named', () => {
        expect(storage.kind).not.toBe('');
        expect(storage.location).not.toBe('');
      });
    });
  });
};
