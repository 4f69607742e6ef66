import { describe, expect, test } from 'vitest';
import type { Level } from '#domain/level';
import { type CoverageFile, coveredThrough, judgeCoverage, newestCommonFile } from '#domain/replica-coverage';

const files = (text: string): readonly CoverageFile[] =>
  text
    .split(' ')
    .filter((one) => one !== '')
    .map((one) => {
      const [level = '', range = ''] = one.split(':');
      const [min = '', max = min] = range.split('-');
      // A cast: the tests name real levels.
      return { level: Number(level) as Level, minTxid: BigInt(min), maxTxid: BigInt(max), sizeBytes: 200 };
    });

const judge = (text: string, localPosition: bigint, isCommonFileEqual?: boolean) =>
  judgeCoverage({ files: files(text), localPosition, isCommonFileEqual });

test('the position counts only as far as a restore gets (I-21)', () => {
  expect(coveredThrough(files('9:1-5 0:6 0:7 0:9'))).toBe(7n);
  expect(coveredThrough(files('0:3 2:1-4 1:5-9'))).toBe(9n);
  expect(coveredThrough(files('0:2 0:3'))).toBe(0n);
  expect(coveredThrough([])).toBe(0n);
});

describe('a replica', () => {
  test('without files is empty', () => {
    expect(judge('', 5n)).toEqual({ verdict: 'empty', highestTxid: 0n, coveredThrough: 0n, hasHole: false });
  });

  test('is the same, or behind, when the newest common file is ours', () => {
    expect(judge('0:1 0:2 0:3', 3n, true).verdict).toBe('same');
    expect(judge('0:1 0:2', 3n, true).verdict).toBe('behind');
  });

  test('with a hole is behind as far as the hole, though its highest TXID is ours', () => {
    expect(judge('0:1 0:3', 3n, true)).toEqual({
      verdict: 'behind',
      highestTxid: 3n,
      coveredThrough: 1n,
      hasHole: true,
    });
  });

  test('is ahead by any level, so that new numbers lie above all of it (I-3)', () => {
    expect(judge('0:1 0:2 9:1-9', 3n, true)).toMatchObject({ verdict: 'ahead', highestTxid: 9n });
    expect(judge('9:1-9', 0n)).toMatchObject({ verdict: 'ahead', highestTxid: 9n });
  });

  test('is foreign when the common file differs, or there is none: equal numbers prove nothing (D-5a)', () => {
    expect(judge('0:1 0:2 0:3', 3n, false).verdict).toBe('foreign');
    expect(judge('0:1 0:2 0:3', 3n).verdict).toBe('foreign');
  });
});

test('the common file is the newest level-0 file of one TXID on both sides', () => {
  const local = [3n, 1n, 2n, 4n].map((txid) => ({ txid, sizeBytes: 9 }));
  const common = newestCommonFile(local, files('0:1 0:3 0:4-5 1:4 9:1-4'));
  expect(common).toEqual({ local: { txid: 3n, sizeBytes: 9 }, remote: files('0:3')[0] });
  expect(newestCommonFile(local, files('9:1-4'))).toBeUndefined();
});
