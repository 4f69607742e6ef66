import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Level } from '#domain/level';
import { type LtxTarget, type PlannableFile, planRestore } from '#domain/restore-plan';
import { ReplicationError } from '#errors/replication-error';

/** `9:1-5` or `0:7`; size and time as given, else 200 bytes at ms = 1000 x max. */
const file = (text: string, rest: Partial<PlannableFile> = {}): PlannableFile => {
  const [level = '', range = ''] = text.split(':');
  const [min = '', max = min] = range.split('-');
  // A cast: the tests name real levels.
  const named = { level: Number(level) as Level, minTxid: BigInt(min), maxTxid: BigInt(max) };
  return { ...named, sizeBytes: 200, createdAtMs: Number(max) * 1000, ...rest };
};

const textOf = ({ level, minTxid, maxTxid }: PlannableFile): string =>
  `${level}:${minTxid}${minTxid === maxTxid ? '' : `-${maxTxid}`}`;

/** The plan as text, or code and message of the error. */
const planOf = (files: readonly PlannableFile[], target: LtxTarget = {}): string => {
  try {
    return planRestore(files, target).files.map(textOf).join(' ');
  } catch (error) {
    if (error instanceof ReplicationError) return `${error.code}: ${error.message}`;
    throw error;
  }
};

const filesOf = (text: string): readonly PlannableFile[] => text.split(' ').map((one) => file(one));
const NOTHING = 'RESTORE_NOT_AVAILABLE: no matching backup files available';

describe('a plan', () => {
  test.each([
    ['9:1-10', 10n, '9:1-10'],
    ['9:1-5 9:1-15 1:6-7 1:8-9 1:10-12 0:7 0:8 0:9 0:10 0:11', 10n, '9:1-5 1:6-7 1:8-9 0:10'],
    ['9:1-5 2:6-12 0:6-20', 20n, '9:1-5 0:6-20'],
    ['9:1-5 1:6-7 1:9-10 0:8 0:9 0:10', 10n, '9:1-5 1:6-7 0:8 1:9-10'],
    ['9:1 1:1 0:1', 1n, '9:1'],
    ['9:1-5 2:1-100 2:50-60', 100n, '9:1-5 2:1-100'],
    ['9:1-10', 5n, NOTHING],
    ['0:1 0:2 0:3', 2n, '0:1 0:2'],
    ['3:1-9 0:10', 10n, '3:1-9 0:10'],
    ['9:1-5 1:3-8 2:4-8', 8n, '9:1-5 1:3-8'],
    ['9:1-5 1:4-8 2:4-8', 8n, '9:1-5 2:4-8'],
  ])('of %s for TXID %i is %s', (files, txid, expected) => {
    expect(planOf(filesOf(files), { txid })).toBe(expected);
    expect(planOf([...filesOf(files)].reverse(), { txid })).toBe(expected);
  });

  test('of nothing is not available', () => {
    expect(planOf([])).toBe(NOTHING);
    expect(planOf([], { txid: 3n })).toBe(NOTHING);
    expect(planOf([], { timestampMs: 5 })).toBe(NOTHING);
  });

  test('takes the older of two equal files of a level', () => {
    const older = file('1:1-2', { createdAtMs: 5 });
    const newer = file('1:1-2', { createdAtMs: 6 });
    expect(planRestore([newer, older], {}).files[0]).toBe(older);
  });

  test('does not begin with a snapshot that does not begin at TXID 1', () => {
    expect(planOf(filesOf('9:4-9 0:1 0:2'))).toBe('0:1 0:2');
  });

  test('tells what it reaches', () => {
    const { reachedTxid, reachedMs } = planRestore(filesOf('9:1-5 0:6 0:7'), {});
    expect({ reachedTxid, reachedMs }).toEqual({ reachedTxid: 7n, reachedMs: 7000 });
  });

  test('refuses a file too small to be one, in the words of Litestream', () => {
    const files = [file('0:1'), file('0:2', { sizeBytes: 99 })];
    expect(planOf(files)).toBe(
      'LTX_TRUNCATED: invalid ltx file: level=0 min=0000000000000002 max=0000000000000002 has size 99 bytes (minimum 100)',
    );
    expect(planOf(files, { txid: 1n })).toBe('0:1');
  });
});

describe('a gap', () => {
  const gap = (upTo: string, next: string): string =>
    `RESTORE_GAP: cannot calc restore plan: non-contiguous ltx files: have up to ${upTo.padStart(16, '0')} but next file starts at ${next.padStart(16, '0')}`;

  test('before the newest state is an error', () => {
    expect(planOf(filesOf('9:1-5 0:6 0:8'))).toBe(gap('6', '8'));
    expect(planOf(filesOf('0:5 0:6'))).toBe(gap('0', '5'));
  });

  test('beyond a TXID that is reached does not matter', () => {
    expect(planOf(filesOf('9:1-5 0:6 0:8'), { txid: 6n })).toBe('9:1-5 0:6');
  });

  test('before a time is an error, after it none (R-4)', () => {
    const files = filesOf('9:1-5 0:6 0:8');
    expect(planOf(files, { timestampMs: 8000 })).toBe('9:1-5 0:6');
    expect(planOf(files, { timestampMs: 8001 })).toBe(gap('6', '8'));
  });

  test('below the first base is absence, not a gap, for a time', () => {
    expect(planOf(filesOf('0:5 9:1-9'), { timestampMs: 6000 })).toBe(NOTHING);
  });

  test('that compaction has filled with a file too new for the time is thinned history: the state before it is given', () => {
    expect(planOf(filesOf('9:1-5 0:8 0:9 1:6-9'), { timestampMs: 8500 })).toBe('9:1-5');
  });

  test('closed by a snapshot is none', () => {
    expect(planOf(filesOf('0:1 0:2 0:5 9:1-5'))).toBe('9:1-5');
  });
});

describe('a time', () => {
  test('takes only what is strictly older, and a time after everything is the newest state', () => {
    const files = filesOf('9:1-5 0:6 0:7');
    expect(planOf(files, { timestampMs: 6000 })).toBe('9:1-5');
    expect(planOf(files, { timestampMs: 6001 })).toBe('9:1-5 0:6');
    expect(planOf(files, { timestampMs: 99_000 })).toBe('9:1-5 0:6 0:7');
    expect(planOf(files, { timestampMs: 5000 })).toBe(NOTHING);
  });
});

const arbitraryFile = fc
  .record({ level: fc.constantFrom<Level>(0, 1, 2, 8, 9), min: fc.bigInt(1n, 12n), length: fc.bigInt(0n, 8n) })
  .map(({ level, min, length }) => {
    const minTxid = level === 9 ? 1n : min;
    return { level, minTxid, maxTxid: minTxid + length, sizeBytes: 200, createdAtMs: Number(minTxid + length) };
  });

/** Every TXID some chain of files reaches, by trying all. */
const reachable = (files: readonly PlannableFile[], through: bigint): ReadonlySet<bigint> => {
  const reached = new Set<bigint>([0n]);
  for (let before = -1; before !== reached.size; ) {
    before = reached.size;
    for (const { level, minTxid, maxTxid } of files) {
      if (maxTxid > through || (level === 9 && minTxid !== 1n)) continue;
      if ([...reached].some((at) => minTxid <= at + 1n && maxTxid > at)) reached.add(maxTxid);
    }
  }
  return reached;
};

test('any plan is a chain from TXID 1 without a gap that ends at the TXID asked for, and exists whenever a chain does', async () => {
  await fc.assert(
    fc.property(fc.array(arbitraryFile, { maxLength: 14 }), fc.bigInt(1n, 20n), (files, txid) => {
      const isReachable = reachable(files, txid).has(txid);
      let reached = 0n;
      try {
        for (const { minTxid, maxTxid } of planRestore(files, { txid }).files) {
          expect(minTxid <= reached + 1n && maxTxid > reached).toBe(true);
          reached = maxTxid;
        }
      } catch (error) {
        if (!(error instanceof ReplicationError)) throw error;
        expect({ code: error.code, isReachable }).toEqual({ code: 'RESTORE_NOT_AVAILABLE', isReachable: false });
        return;
      }
      expect({ reached, isReachable }).toEqual({ reached: txid, isReachable: true });
    }),
    { numRuns: 500, seed: 20_261_201 },
  );
});

test('the newest state skips nothing: the plan ends at the last TXID there is, or the gap is named (RI-3)', async () => {
  await fc.assert(
    fc.property(fc.array(arbitraryFile, { minLength: 1, maxLength: 14 }), (files) => {
      const newest = files.reduce((max, { maxTxid }) => (maxTxid > max ? maxTxid : max), 0n);
      try {
        expect(planRestore(files, {}).reachedTxid).toBe(newest);
      } catch (error) {
        if (!(error instanceof ReplicationError)) throw error;
        expect(error.code).toBe('RESTORE_GAP');
      }
    }),
    { numRuns: 500, seed: 20_261_201 },
  );
});
