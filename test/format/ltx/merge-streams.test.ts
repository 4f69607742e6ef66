/** Merging files too long to be read ahead: pages cut by chunks, forms mixed, little memory. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { lockPageNumber } from '#domain/page';
import { compactLtx } from '#format/ltx/compactor';
import { encoderRegionBytesMin } from '#format/ltx/encoder';
import { type MemoryRegion, splitRegion, wholeArena } from '#format/ltx/memory-region';
import { mergePages } from '#format/ltx/merge';
import { mergeRegionBytesMin } from '#format/ltx/merge-memory';
import { encodeLz4Frame } from '#format/lz4-frame';
import { blockFrame, type Frame, headerBytes, legacyFrame, ltxFile } from './build.ts';
import { decodeAll, kernel } from './decoded.ts';
import { collect, inputOf } from './merge-inputs.ts';

const PAGE_SIZE = 4096;
const COMMIT = 120;
const signal = new AbortController().signal;

/** A page that does not compress. */
const noise = (pgno: number, seed: number): Buffer => {
  const page = Buffer.alloc(PAGE_SIZE);
  let x = pgno * 7919 + seed;
  for (let i = 0; i < PAGE_SIZE; i++) {
    x = (Math.imul(x, 1664525) + 1013904223) >>> 0;
    page[i] = x >>> 24;
  }
  return page;
};

const isIn = (pgno: number, seed: number): boolean => seed === 1 || (pgno * 31 + seed) % 3 === 0;
const upTo = (n: number): number[] => Array.from({ length: n }, (_, i) => i + 1);

/** Files 1 to 4: the first a snapshot, the others a third of the pages each; some pages in frame form. */
const fileOf = (seed: number): Buffer => {
  const frames = upTo(COMMIT)
    .filter((pgno) => isIn(pgno, seed))
    .map((pgno): Frame => {
      const page = noise(pgno, seed);
      const isLegacy = seed === 2 || pgno % 5 === 0;
      return isLegacy ? legacyFrame(pgno, page, encodeLz4Frame(page, { blockSizeCode: 4 })) : blockFrame(pgno, page);
    });
  return ltxFile({ header: headerBytes({ pageSize: PAGE_SIZE, commit: COMMIT, min: BigInt(seed) }), frames });
};

const files = [1, 2, 3, 4].map(fileOf);
const expected = upTo(COMMIT).map((pgno) => noise(pgno, [4, 3, 2, 1].find((seed) => isIn(pgno, seed)) ?? 1));
const least = mergeRegionBytesMin(PAGE_SIZE) + encoderRegionBytesMin(PAGE_SIZE) + 64;
const regions: readonly (readonly [string, MemoryRegion])[] = [
  ['the least memory', splitRegion(wholeArena(kernel), least)[0]],
  ['100 KB', splitRegion(wholeArena(kernel), 100_000)[0]],
  ['the whole arena', wholeArena(kernel)],
];

describe.each(regions)('files longer than what is read ahead, in %s', (_, region) => {
  it.each([1000, 4099, 65536, 1_000_000])('are merged from chunks of %i bytes', async (chunkBytes) => {
    const inputs = files.map((file) => inputOf(file, { chunkBytes }));
    const pages: Buffer[] = [];
    for await (const batch of mergePages(inputs, { kernel, region, signal })) {
      expect(batch.pageNumbers[0]).toBe(pages.length + 1);
      for (let i = 0; i < batch.count; i++) {
        pages.push(Buffer.from(batch.pages.subarray(i * PAGE_SIZE, (i + 1) * PAGE_SIZE)));
      }
    }
    expect(Buffer.concat(pages).equals(Buffer.concat(expected))).toBe(true);
    expect(inputs.flatMap(({ log }) => log).filter((entry) => entry === 'closed').length).toBe(4);

    const again = files.map((file) => inputOf(file, { chunkBytes }));
    const compacted = decodeAll(await collect(compactLtx(again, { kernel, region, signal })));
    expect(Buffer.concat([...compacted.pages.values()]).equals(Buffer.concat(expected))).toBe(true);
    expect(compacted.header).toMatchObject({ minTxid: 1n, maxTxid: 4n, commit: COMMIT });
  });
});

describe('damage in a stream', () => {
  it.each([
    ['a block', 2000],
    ['a page that loses', 20_000],
    ['the trailer', -1],
  ])('is noticed in %s', async (_, at) => {
    const damaged = Buffer.from(files[0] ?? Buffer.alloc(0));
    const position = at < 0 ? damaged.length + at : at;
    damaged.writeUInt8(damaged.readUInt8(position) ^ 0x10, position);
    const inputs = [damaged, ...files.slice(1)].map((file) => inputOf(file, { chunkBytes: 5000 }));
    await expect(collect(compactLtx(inputs, { kernel, signal }))).rejects.toMatchObject({
      code: expect.stringMatching(/^LTX_/),
    });
    expect(inputs.map(({ log }) => log)).toEqual(Array(4).fill(['opened', 'closed']));
  });

  it('is LTX_TRUNCATED wherever a stream ends early, also when the stream fails in between', async () => {
    const [first = Buffer.alloc(0), ...others] = files;
    for (const length of [
      0,
      50,
      100,
      103,
      108,
      3000,
      70_000,
      first.length - 300,
      first.length - 20,
      first.length - 1,
    ]) {
      const cut = inputOf(first.subarray(0, length), { range: { minTxid: 1n, maxTxid: 1n }, chunkBytes: 7000 });
      const output = collect(compactLtx([cut, ...others.map((file) => inputOf(file))], { kernel, signal }));
      await expect(output, `${length} bytes`).rejects.toMatchObject({ code: 'LTX_TRUNCATED' });
    }
    async function* failing(): AsyncGenerator<Buffer> {
      yield await Promise.resolve(first.subarray(0, 100_000));
      throw new Error('connection reset');
    }
    const broken = { ...inputOf(first), open: () => Promise.resolve(failing()) };
    const output = collect(compactLtx([broken, ...others.map((file) => inputOf(file))], { kernel, signal }));
    await expect(output).rejects.toThrow('connection reset');
  });
});

it('the lock page of a real database above 1 GiB is left out of a merge and asked of nobody', async () => {
  // 64 KiB pages, commit one beyond the lock page; only the pages around it are written, in increments.
  const lock = lockPageNumber(65536);
  const header = headerBytes({ pageSize: 65536, commit: lock + 1, min: 5n });
  const page = Buffer.alloc(65536, 3);
  const file = ltxFile({ header, frames: [blockFrame(lock - 1, page), blockFrame(lock + 1, page)] });
  const next = ltxFile({
    header: headerBytes({ pageSize: 65536, commit: lock + 1, min: 6n }),
    frames: [blockFrame(lock + 1, Buffer.alloc(65536, 4))],
  });
  const seen: [number, number][] = [];
  const inputs = [file, next].map((bytes) => inputOf(bytes, { chunkBytes: 50_000 }));
  for await (const batch of mergePages(inputs, { kernel, signal })) {
    batch.pageNumbers.forEach((pgno, i) => void seen.push([pgno, batch.pages.readUInt8(i * 65536)]));
  }
  expect(seen).toEqual([
    [lock - 1, 3],
    [lock + 1, 4],
  ]);
});

it('a chain written by an old release compacts to block form with the same pages', async () => {
  const folder = new URL('../../../fixtures/v0.5/old-0.5.0/replica/ltx/0/', import.meta.url);
  const names = upTo(9).map((n) => `${String(n).padStart(16, '0')}-${String(n).padStart(16, '0')}.ltx`);
  const old = names.map((name) => readFileSync(new URL(name, folder)));
  const newest = new Map(old.flatMap((file) => [...decodeAll(file).pages]));
  const compacted = await collect(
    compactLtx(
      old.map((file) => inputOf(file)),
      { kernel, signal },
    ),
  );
  expect(compacted.readUInt16BE(104)).toBe(1);
  const { pages } = decodeAll(compacted);
  for (const [pgno, page] of pages) expect(page.equals(newest.get(pgno) ?? Buffer.alloc(0))).toBe(true);
  expect(pages.size).toBe(compacted.readUInt32BE(12));
});
