/** Chains of files that grow, shrink, overlap or do not fit, and which of them a target takes. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { createMemoryBucket } from '#adapters/storage/memory/bucket';
import { createMemoryStorage } from '#adapters/storage/memory/memory-storage';
import { createPagePresence } from '#effects/restore/page-presence';
import { restoreDatabase } from '#effects/restore/restore';
import type { RestoreTarget } from '#effects/restore/restore-types';
import { type MadeLtx, putLtx } from './make-ltx.ts';
import { restoreRequest, restoreServices, temporaryDirectory } from './support.ts';

type Files = Readonly<Record<string, readonly MadeLtx[]>>;

/** The fill byte of every page of the result, or the error's message. */
const outcomeOf = async (files: Files, target: RestoreTarget = {}): Promise<readonly number[] | string> => {
  await using directory = await temporaryDirectory();
  const bucket = createMemoryBucket();
  await putLtx(bucket, files);
  const output = join(directory.path, 'out.db');
  try {
    await restoreDatabase(restoreServices(), restoreRequest(createMemoryStorage({ bucket }), output, { target }));
  } catch (error) {
    expect(await readdir(directory.path)).toEqual([]);
    return (error as Error).message;
  }
  const bytes = await readFile(output);
  const pages = Array.from({ length: bytes.length / 512 }, (_, index) =>
    bytes.subarray(index * 512, index * 512 + 512),
  );
  for (const page of pages) expect(page.every((byte) => byte === page[0])).toBe(true);
  return pages.map((page) => page[0] ?? -1);
};

const base: MadeLtx = { minTxid: 1n, maxTxid: 1n, commit: 3, pages: { 1: 11, 2: 12, 3: 13 } };

const next = (txid: bigint, commit: number, pages: MadeLtx['pages']): MadeLtx => {
  return { minTxid: txid, maxTxid: txid, commit, pages };
};

describe('the image', () => {
  test('is the snapshot alone when there is nothing else', async () => {
    expect(await outcomeOf({ 9: [base] })).toEqual([11, 12, 13]);
  });

  test('takes each page from the last file that has it', async () => {
    const files = { 0: [base, next(2n, 3, { 2: 22 }), next(3n, 3, { 2: 32, 3: 33 })] };
    expect(await outcomeOf(files)).toEqual([11, 32, 33]);
  });

  test('grows and shrinks with the last file', async () => {
    expect(await outcomeOf({ 0: [base, next(2n, 5, { 4: 24, 5: 25 })] })).toEqual([11, 12, 13, 24, 25]);
    expect(await outcomeOf({ 0: [base, next(2n, 1, { 1: 21 })] })).toEqual([21]);
  });

  test('keeps pages through a shrink that a later growth does not bring anew, as a merge does', async () => {
    expect(await outcomeOf({ 0: [base, next(2n, 1, { 1: 21 }), next(3n, 3, { 2: 32 })] })).toEqual([21, 32, 13]);
  });

  test('is not changed by an empty increment', async () => {
    expect(await outcomeOf({ 0: [base, next(2n, 3, {}), next(3n, 3, { 1: 31 })] })).toEqual([31, 12, 13]);
  });

  test('takes files that overlap, in one level and over levels', async () => {
    const files = {
      9: [base],
      1: [{ minTxid: 1n, maxTxid: 4n, commit: 3, pages: { 1: 41, 2: 42, 3: 43 } }],
      0: [next(2n, 3, { 1: 21 }), next(5n, 3, { 3: 53 })],
    };
    expect(await outcomeOf(files)).toEqual([41, 42, 53]);
  });

  test('works with TXIDs beyond 2^53', async () => {
    const big = 2n ** 63n;
    const files = { 9: [{ ...base, maxTxid: big }], 0: [next(big + 1n, 3, { 2: 99 }), next(big + 2n, 3, { 3: 98 })] };
    expect(await outcomeOf(files)).toEqual([11, 99, 98]);
    expect(await outcomeOf(files, { txid: big + 1n })).toEqual([11, 99, 13]);
  });
});

describe('refused', () => {
  test('growth by pages no file holds', async () => {
    expect(await outcomeOf({ 0: [base, next(2n, 6, { 4: 1, 6: 1 })] })).toBe(
      'decode database: nonsequential page numbers in snapshot transaction: 4,6',
    );
  });

  test('a first file that is no snapshot', async () => {
    const files = { 9: [{ ...base, minTxid: 2n, maxTxid: 3n }] };
    expect(await outcomeOf(files)).toMatch(/no matching backup|cannot decode non-snapshot LTX file to SQLite database/);
  });

  test('a file under another name, even where its TXIDs fit the chain', async () => {
    const wide = { ...next(2n, 3, { 1: 1 }), named: { minTxid: 2n, maxTxid: 3n } };
    expect(await outcomeOf({ 0: [base, wide] })).toMatch(/0{15}2-0{15}3: header says 0{15}2-0{15}2/);
  });

  test('a header that leaves a gap, or goes back', async () => {
    const gap = { ...next(4n, 3, { 1: 1 }), named: { minTxid: 2n, maxTxid: 2n } };
    const back = { ...base, named: { minTxid: 2n, maxTxid: 2n } };
    for (const file of [gap, back]) {
      expect(await outcomeOf({ 0: [base, file] })).toMatch(
        /non-contiguous transaction ids in input files: \(0{15}1,0{15}1\)/,
      );
    }
  });

  test('files of different page sizes', async () => {
    const files = { 0: [base, { ...next(2n, 3, { 1: 1 }), pageSize: 1024 }] };
    expect(await outcomeOf(files)).toContain('input files have mismatched page sizes: 512 != 1024');
  });

  test('a gap in the newest state', async () => {
    expect(await outcomeOf({ 9: [{ ...base, maxTxid: 5n }], 0: [next(6n, 3, {}), next(8n, 3, {})] })).toMatch(
      /non-contiguous ltx files: have up to 0{15}6 but next file starts at 0{15}8/,
    );
  });

  test('a TXID no file ends at', async () => {
    expect(await outcomeOf({ 9: [{ ...base, maxTxid: 10n }] }, { txid: 5n })).toBe(
      'no matching backup files available',
    );
    expect(await outcomeOf({ 9: [{ ...base, maxTxid: 10n }] }, { txid: 11n })).toBe(
      'no matching backup files available',
    );
    expect(await outcomeOf({}, { txid: 1n })).toBe('no matching backup files available');
  });
});

describe('a time', () => {
  const timed = (file: MadeLtx, timestampMs: number): MadeLtx => ({ ...file, timestampMs });
  const files = {
    9: [timed(base, 1000)],
    0: [timed(next(2n, 3, { 1: 21 }), 2000), timed(next(3n, 3, { 1: 31 }), 3000)],
  };

  test('takes what is strictly older', async () => {
    expect(await outcomeOf(files, { timestampMs: 2000 })).toEqual([11, 12, 13]);
    expect(await outcomeOf(files, { timestampMs: 2001 })).toEqual([21, 12, 13]);
  });

  test('later than everything is the newest state, earlier than everything is no backup (R-4)', async () => {
    expect(await outcomeOf(files, { timestampMs: 9_000_000 })).toEqual([31, 12, 13]);
    expect(await outcomeOf(files, { timestampMs: 1000 })).toBe('no matching backup files available');
  });

  test('beyond a gap is an error, not an older state (R-4)', async () => {
    const withGap = { 9: [timed(base, 1000)], 0: [timed(next(3n, 3, { 1: 31 }), 3000)] };
    expect(await outcomeOf(withGap, { timestampMs: 4000 })).toMatch(/non-contiguous ltx files/);
    expect(await outcomeOf(withGap, { timestampMs: 2500 })).toEqual([11, 12, 13]);
  });
});

test('the lock page is nobody’s to bring, also as the last page', () => {
  const presence = createPagePresence(16_384, 65_536);
  presence.requireThrough(16_385);
  presence.mark(Uint32Array.of(16_386, 16_387));
  presence.requireThrough(16_387);
  expect(() => presence.requireThrough(16_388)).toThrow(
    'nonsequential page numbers in snapshot transaction: 16387,16389',
  );
});
