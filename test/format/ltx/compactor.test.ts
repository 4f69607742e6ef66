/** Merging and compacting. */
import { readFile } from 'node:fs/promises';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compactLtx } from '#format/ltx/compactor';
import { untrackedHeader } from '#format/ltx/header';
import { splitRegion, wholeArena } from '#format/ltx/memory-region';
import { mergePages } from '#format/ltx/merge';
import { mergeRegionBytesMin } from '#format/ltx/merge-memory';
import { reheadLtx, snapshotHeaderOf } from '#format/ltx/rehead';
import { blockFrame, headerBytes, ltxFile, testPage } from './build.ts';
import { decodeAll, encodeAll, kernel } from './decoded.ts';
import { collect, inputOf } from './merge-inputs.ts';
import { VECTOR_A, VECTOR_B, VECTOR_B_LEGACY } from './vectors.ts';

const signal = new AbortController().signal;
const options = { kernel, signal };

/** A file of TXID n (or a range) with the given pages; their content depends on `seed`. */
const file = (
  range: bigint | readonly [bigint, bigint],
  commit: number,
  pgnos: readonly number[],
  seed = Number(typeof range === 'bigint' ? range : range[1]),
): Buffer => {
  const [minTxid, maxTxid] = typeof range === 'bigint' ? [range, range] : range;
  const header = untrackedHeader({ pageSize: 512, commit, minTxid, maxTxid, timestampMs: 1000 + seed });
  return encodeAll(
    header,
    pgnos.map((pgno) => [pgno, testPage(pgno, 512, seed)]),
  ).file;
};

const upTo = (n: number): number[] => Array.from({ length: n }, (_, i) => i + 1);

const pagesOfMerge = async (files: readonly Buffer[], chunkBytes?: number): Promise<Map<number, Buffer>> => {
  const pages = new Map<number, Buffer>();
  const inputs = files.map((bytes) => inputOf(bytes, chunkBytes === undefined ? {} : { chunkBytes }));
  for await (const batch of mergePages(inputs, options)) {
    batch.pageNumbers.forEach((pgno, i) => {
      pages.set(pgno, Buffer.from(batch.pages.subarray(i * 512, (i + 1) * 512)));
    });
  }
  return pages;
};

describe('compactLtx', () => {
  it.each([1, 10, 4096])(
    'makes the golden file of the golden inputs, read in pieces of %i bytes',
    async (chunkBytes) => {
      const inputs = [VECTOR_A, VECTOR_B].map((bytes) => inputOf(bytes, { chunkBytes }));
      const output = await collect(compactLtx(inputs, options));
      expect(output.length).toBe(301);
      expect(output.subarray(-8).toString('hex')).toBe('d658740156e64c01');
      expect(output.subarray(100, 0xdc)).toEqual(VECTOR_A.subarray(100, 0xdc));
      expect(output.subarray(0xdc, 0xdc + 43)).toEqual(VECTOR_B.subarray(100, 143));
      expect(output.subarray(-32, -24).toString('hex')).toBe('01647802dc012b00');
      expect(decodeAll(output).header).toEqual(
        untrackedHeader({ pageSize: 512, commit: 2, minTxid: 1n, maxTxid: 2n, timestampMs: 1700000001000 }),
      );
      expect(inputs.map(({ log }) => log)).toEqual([
        ['opened', 'closed'],
        ['opened', 'closed'],
      ]);
    },
  );

  it('turns frame form into block form', async () => {
    const output = await collect(
      compactLtx(
        [VECTOR_A, VECTOR_B_LEGACY].map((bytes) => inputOf(bytes)),
        options,
      ),
    );
    expect([...decodeAll(output).pages]).toEqual(
      [...decodeAll(VECTOR_A).pages, ...decodeAll(VECTOR_B).pages].filter(([pgno], i) => pgno === 1 || i === 2),
    );
    expect(output.readUInt16BE(0xdc + 4)).toBe(1);
  });

  it('drops pages beyond the size of the last file, even from a larger earlier one', async () => {
    const inputs = [file(1n, 9, upTo(9)), file(2n, 3, [2])].map((bytes) => inputOf(bytes));
    const decoded = decodeAll(await collect(compactLtx(inputs, options)));
    expect(decoded.header.commit).toBe(3);
    expect([...decoded.pages.keys()]).toEqual([1, 2, 3]);
    expect(decoded.pages.get(2)).toEqual(testPage(2, 512, 2));
  });

  it('refuses gaps and regressions before it opens anything, and accepts overlap', async () => {
    const refused = async (...files: Buffer[]): Promise<void> => {
      const inputs = files.map((bytes) => inputOf(bytes));
      await expect(collect(compactLtx(inputs, options))).rejects.toMatchObject({ code: 'LTX_NOT_CONTIGUOUS' });
      expect(inputs.flatMap(({ log }) => log)).toEqual([]);
    };
    await refused(file(1n, 1, [1]), file(3n, 1, [1]));
    await refused(file([1n, 4n], 1, [1]), file([2n, 4n], 1, [1]));
    await refused(file(2n, 1, [1]), file(1n, 1, [1]));
    const overlapping = [file([1n, 4n], 2, [1, 2]), file([3n, 6n], 2, [2])].map((bytes) => inputOf(bytes));
    const decoded = decodeAll(await collect(compactLtx(overlapping, options)));
    expect(decoded.header).toMatchObject({ minTxid: 1n, maxTxid: 6n });
  });

  it('refuses different page sizes, and a header that is not the one of the name', async () => {
    const other = ltxFile({ header: headerBytes({ pageSize: 1024, min: 2n }) });
    const differing = compactLtx([inputOf(VECTOR_A), inputOf(other)], options);
    await expect(collect(differing)).rejects.toMatchObject({ code: 'LTX_PAGE_SIZES_DIFFER' });
    const misnamed = inputOf(VECTOR_B, { range: { minTxid: 2n, maxTxid: 3n } });
    const mismatched = compactLtx([inputOf(VECTOR_A), misnamed], options);
    await expect(collect(mismatched)).rejects.toMatchObject({ code: 'LTX_NAME_MISMATCH' });
  });

  it('refuses to make a snapshot with a hole', async () => {
    const inputs = [file(1n, 2, [1, 2]), file(2n, 5, [5])].map((bytes) => inputOf(bytes));
    await expect(collect(compactLtx(inputs, options))).rejects.toMatchObject({ code: 'LTX_SNAPSHOT_INCOMPLETE' });
  });

  it('refuses a merge that ends before the last page, also when its pages are asked for', async () => {
    const files = [file(1n, 2, [1, 2]), file(2n, 5, [])];
    await expect(pagesOfMerge(files)).rejects.toMatchObject({ code: 'LTX_SNAPSHOT_INCOMPLETE' });
  });

  it('refuses a snapshot that lacks its last page, even when a later file has it', async () => {
    const frames = [1, 2].map((pgno) => blockFrame(pgno, testPage(pgno)));
    const short = ltxFile({ header: headerBytes({ min: 1n, commit: 3 }), frames });
    await expect(pagesOfMerge([short, file(2n, 3, [3])])).rejects.toMatchObject({ code: 'LTX_SNAPSHOT_INCOMPLETE' });
  });

  it('never ends when an input is damaged, not even in a page that loses, and closes every input', async () => {
    const damaged = Buffer.from(file(1n, 9, upTo(9)));
    damaged.writeUInt8(damaged.readUInt8(damaged.length - 1) ^ 1, damaged.length - 1);
    const inputs = [inputOf(damaged, { chunkBytes: 50 }), inputOf(file(2n, 9, upTo(9)), { chunkBytes: 50 })];
    await expect(collect(compactLtx(inputs, options))).rejects.toMatchObject({ code: 'LTX_FILE_CHECKSUM' });
    expect(inputs.map(({ log }) => log)).toEqual([
      ['opened', 'closed'],
      ['opened', 'closed'],
    ]);
  });

  it('closes every input when the reader stops early, when opening fails, and when it is aborted', async () => {
    const long = [file(1n, 400, upTo(400)), file(2n, 400, upTo(400))].map((bytes) =>
      inputOf(Buffer.concat([bytes]), { chunkBytes: 64 }),
    );
    const [small] = splitRegion(wholeArena(kernel), mergeRegionBytesMin(512));
    for await (const batch of mergePages(long, { ...options, region: small })) {
      expect(batch.count).toBe(1);
      break;
    }
    expect(long.flatMap(({ log }) => log).sort()).toEqual(['closed', 'closed', 'opened', 'opened']);

    const good = inputOf(VECTOR_A, { chunkBytes: 64 });
    const failing = { ...inputOf(VECTOR_B), open: () => Promise.reject(new Error('no such file')) };
    await expect(collect(compactLtx([good, failing], options))).rejects.toThrow('no such file');
    expect(good.log).toEqual(['opened', 'closed']);

    const aborted = [inputOf(VECTOR_A), inputOf(VECTOR_B)];
    const stopped = compactLtx(aborted, { kernel, signal: AbortSignal.abort(new Error('stop')) });
    await expect(collect(stopped)).rejects.toMatchObject({ code: 'ABORTED' });
    expect(aborted.flatMap(({ log }) => log)).toEqual([]);
  });

  it('merges a thousand files', async () => {
    const files = upTo(1000).map((n) => file(BigInt(n), 50, n === 1 ? upTo(50) : [1 + (n % 50)]));
    const pages = decodeAll(
      await collect(
        compactLtx(
          files.map((bytes) => inputOf(bytes)),
          options,
        ),
      ),
    ).pages;
    for (const pgno of upTo(50)) {
      const newest = upTo(1000).findLast((n) => n === 1 || 1 + (n % 50) === pgno) ?? 0;
      expect(pages.get(pgno)).toEqual(testPage(pgno, 512, newest));
    }
  });
});

describe('a merge of any files', () => {
  const change = fc.record({
    commit: fc.integer({ min: 1, max: 12 }),
    pgnos: fc.uniqueArray(fc.integer({ min: 1, max: 12 }), { maxLength: 12 }),
  });

  it('gives what applying them one after the other gives', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(change, { minLength: 1, maxLength: 8 }),
        fc.integer({ min: 1, max: 3000 }),
        async (changes, chunkBytes) => {
          const model = new Map<number, Buffer>();
          const files: Buffer[] = [];
          let commitBefore = 0;
          for (const [i, { commit, pgnos }] of changes.entries()) {
            // As in real files: growth is filled, nothing lies beyond the end.
            const written = upTo(commit).filter((pgno) => pgno > commitBefore || pgnos.includes(pgno));
            for (const pgno of model.keys()) if (pgno > commit) model.delete(pgno);
            for (const pgno of written) model.set(pgno, testPage(pgno, 512, i + 1));
            files.push(file(BigInt(i + 1), commit, written));
            commitBefore = commit;
          }
          const expected = [...model].sort(([a], [b]) => a - b);
          expect([...(await pagesOfMerge(files, chunkBytes))]).toEqual(expected);
          const inputs = files.map((bytes) => inputOf(bytes, { chunkBytes }));
          const compacted = decodeAll(await collect(compactLtx(inputs, options)));
          expect([...compacted.pages]).toEqual(expected);
          expect(compacted.header.maxTxid).toBe(BigInt(changes.length));
        },
      ),
      { numRuns: 150, seed: 7 },
    );
  });
});

describe('reheadLtx', () => {
  const copy = (pgnos: readonly number[]): Buffer =>
    ltxFile({
      header: headerBytes({ min: 8n, commit: 3, walOffset: 32n, walSize: 3n * 536n, salt1: 5, salt2: 6 }),
      frames: pgnos.map((pgno) => blockFrame(pgno, testPage(pgno))),
    });

  it('makes a snapshot of a full copy: TXIDs from 1, the last WAL frame, the same pages', async () => {
    const decoded = decodeAll(await collect(reheadLtx(inputOf(copy([1, 2, 3])), options)));
    expect(decoded.header).toEqual({
      ...decodeAll(copy([1, 2, 3])).header,
      minTxid: 1n,
      maxTxid: 8n,
      walOffset: 32n + 2n * 536n,
      walSize: 536n,
    });
    expect(decoded.pages).toEqual(decodeAll(copy([1, 2, 3])).pages);
  });

  it('refuses a copy that lacks a page', async () => {
    for (const pgnos of [
      [1, 2],
      [2, 3],
      [1, 3],
    ]) {
      const output = collect(reheadLtx(inputOf(copy(pgnos)), options));
      await expect(output).rejects.toMatchObject({ code: 'LTX_SNAPSHOT_INCOMPLETE' });
    }
  });

  it('says 32 / 0 when the copy accounts for no frame, and nothing when it knows no WAL', () => {
    const { header } = decodeAll(copy([1, 2, 3]));
    for (const walSize of [0n, 535n]) {
      expect(snapshotHeaderOf({ ...header, walSize })).toMatchObject({ walOffset: 32n, walSize: 0n, walSalt1: 5 });
    }
    const without = { ...header, walOffset: 0n, walSize: 0n, walSalt1: 0, walSalt2: 0 };
    expect(snapshotHeaderOf(without)).toMatchObject({ walOffset: 0n, walSize: 0n, walSalt1: 0 });
  });
});

describe('the levels of a real replica', () => {
  it('compact to the pages that the real program compacted to', async () => {
    const level = (n: number, name: string): Promise<Buffer> =>
      readFile(new URL(`../../../fixtures/v0.5/checkpoint-boundary/replica/ltx/${n}/${name}.ltx`, import.meta.url));
    const names = upTo(4).map((n) => String(n).padStart(16, '0'));
    const files = await Promise.all(names.map((name) => level(0, `${name}-${name}`)));
    const real = decodeAll(await level(1, `${names[0]}-${names[3]}`));
    const ours = decodeAll(
      await collect(
        compactLtx(
          files.map((bytes) => inputOf(bytes)),
          options,
        ),
      ),
    );
    expect({ header: ours.header, pages: ours.pages }).toEqual({ header: real.header, pages: real.pages });
  });
});
