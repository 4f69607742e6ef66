import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isInside, type LocalRetentionInput, mergeRanges, planLocalRetention } from '#domain/level-zero-retention';

const NOW = 1_000_000;
const OLD = NOW - 300_000;

/** TXIDs deleted of files 1 to 10, all of them old enough, both replicas level. */
const deleted = (changes: Partial<LocalRetentionInput> = {}): readonly number[] =>
  planLocalRetention({
    files: Array.from({ length: 10 }, (_, index) => ({ txid: BigInt(index + 1), modifiedAtMs: OLD })),
    acknowledged: [10n, 10n],
    nowMs: NOW,
    retentionMs: 300_000,
    ...changes,
  }).map(Number);

describe('local files', () => {
  test('that every replica has and that are old enough go, but for the newest', () => {
    expect(deleted()).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  test('stay from the newest one on that the slowest replica has acknowledged (D-5a)', () => {
    expect(deleted({ acknowledged: [10n, 4n] })).toEqual([1, 2, 3]);
    expect(deleted({ acknowledged: [10n, 1n] })).toEqual([]);
  });

  test('stay when a replica has acknowledged nothing, or there is none', () => {
    expect(deleted({ acknowledged: [10n, 0n] })).toEqual([]);
    expect(deleted({ acknowledged: [] })).toEqual([]);
  });

  test('stay when they are young, and so do older numbers behind them (I-26)', () => {
    const files = [1n, 2n, 3n, 4n, 5n].map((txid) => ({ txid, modifiedAtMs: txid === 3n ? OLD + 1 : OLD }));
    expect(deleted({ files })).toEqual([1, 2]);
  });

  test('are judged whatever order they are listed in', () => {
    const files = [5n, 1n, 4n, 2n, 3n].map((txid) => ({ txid, modifiedAtMs: OLD }));
    expect(deleted({ files })).toEqual([1, 2, 3, 4]);
  });

  test('wait for compaction when it is asked for', () => {
    expect(deleted({ compactedThrough: 6n })).toEqual([1, 2, 3, 4, 5, 6]);
    expect(deleted({ compactedThrough: 0n })).toEqual([]);
  });

  test('without a minimum age go once they are compacted, and only then (D-16)', () => {
    expect(deleted({ retentionMs: 0 })).toEqual([]);
    expect(deleted({ retentionMs: 0, compactedThrough: 6n })).toEqual([1, 2, 3, 4, 5, 6]);
  });

  test('beyond the backlog go although a replica lacks them', () => {
    expect(deleted({ acknowledged: [10n, 0n], backlogFilesMax: 4 })).toEqual([1, 2, 3, 4, 5]);
    expect(deleted({ acknowledged: [10n, 8n], backlogFilesMax: 4 })).toEqual([1, 2, 3, 4, 5, 6, 7]);
    expect(deleted({ acknowledged: [0n], backlogFilesMax: 0 })).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });
});

test('what is left holds the newest file and everything a replica lacks, with a common file below it', async () => {
  const input = fc.record({
    first: fc.bigInt(1n, 5n),
    ages: fc.array(fc.integer({ min: 0, max: 600_000 }), { minLength: 1, maxLength: 20 }),
    acknowledged: fc.array(fc.bigInt(0n, 25n), { maxLength: 4 }),
    retentionMs: fc.integer({ min: 1, max: 600_000 }),
  });
  await fc.assert(
    fc.property(input, ({ first, ages, acknowledged, retentionMs }) => {
      const files = ages.map((age, index) => ({ txid: first + BigInt(index), modifiedAtMs: NOW - age }));
      const gone = planLocalRetention({ files, acknowledged, nowMs: NOW, retentionMs });
      expect(gone).toEqual(files.slice(0, gone.length).map(({ txid }) => txid));
      const left = files.slice(gone.length);
      expect(left.length).toBeGreaterThan(0);
      for (const replica of acknowledged) {
        const common = files.findLast(({ txid }) => txid <= replica);
        expect(common === undefined ? gone.length === 0 : left.includes(common)).toBe(true);
      }
      expect(files.slice(0, gone.length).every(({ modifiedAtMs }) => NOW - modifiedAtMs >= retentionMs)).toBe(true);
    }),
    { numRuns: 500, seed: 20_261_201 },
  );
});

test('ranges that touch or overlap become one run', () => {
  const range = (minTxid: bigint, maxTxid: bigint) => ({ minTxid, maxTxid });
  const runs = mergeRanges([range(9n, 9n), range(1n, 3n), range(4n, 5n), range(2n, 2n), range(8n, 12n)]);
  expect(runs).toEqual([range(1n, 5n), range(8n, 12n)]);
  expect([isInside(range(2n, 5n), runs), isInside(range(5n, 8n), runs)]).toEqual([true, false]);
});
