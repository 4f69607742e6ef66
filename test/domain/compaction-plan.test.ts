import { describe, expect, test } from 'vitest';
import { type CompactableFile, type CompactionInput, planCompaction } from '#domain/compaction-plan';

const MINUTE = 60_000;
const NOW = Date.parse('2026-03-05T14:37:00Z');

/** `3` or `3-7`, separated by blanks; made an hour ago. */
const files = (text: string, createdAtMs = NOW - 60 * MINUTE): readonly CompactableFile[] =>
  text
    .split(' ')
    .filter((one) => one !== '')
    .map((one) => {
      const [min = '', max = min] = one.split('-');
      return { minTxid: BigInt(min), maxTxid: BigInt(max), createdAtMs };
    });

/** The plan as text: the inputs, the result, what is missing. */
const plan = (destination: string, source: string, changes: Partial<CompactionInput<CompactableFile>> = {}): string => {
  const made = planCompaction({
    nowMs: NOW,
    intervalMs: 5 * MINUTE,
    destination: files(destination),
    source: files(source),
    ...changes,
  });
  if (made.kind === 'hole') return `hole ${made.missing.minTxid}-${made.missing.maxTxid}`;
  if (made.kind !== 'merge') return made.kind;
  const inputs = made.inputs.map(({ minTxid, maxTxid }) => `${minTxid}-${maxTxid}`).join(' ');
  const missing = made.missing === undefined ? '' : `, then hole ${made.missing.minTxid}-${made.missing.maxTxid}`;
  return `${inputs} => ${made.range.minTxid}-${made.range.maxTxid}${missing}${made.isOverlapping ? ', overlapping' : ''}`;
};

describe('a level', () => {
  test('goes on right behind its newest file', () => {
    expect(plan('1-3', '1 2 3 4 5')).toBe('4-4 5-5 => 4-5');
  });

  test('that is level with its source has nothing to do', () => {
    expect(plan('1-5', '4 5')).toBe('upToDate');
    expect(plan('', '')).toBe('upToDate');
  });

  test('that is empty begins with the first TXID, or behind the newest snapshot (D-11)', () => {
    expect(plan('', '1 2 3')).toBe('1-1 2-2 3-3 => 1-3');
    expect(plan('', '1 2 3', { newestSnapshot: { minTxid: 1n, maxTxid: 2n } })).toBe('3-3 => 3-3');
    expect(plan('', '1 2', { newestSnapshot: { minTxid: 1n, maxTxid: 2n } })).toBe('upToDate');
  });

  test('waits for the next boundary after it has written in this interval', () => {
    const written = files('1-3', Date.parse('2026-03-05T14:35:01Z'));
    expect(plan('', '4', { destination: written })).toBe('tooEarly');
    expect(plan('', '4', { destination: written, isForced: true })).toBe('4-4 => 4-4');
    expect(plan('', '4', { destination: written, nowMs: Date.parse('2026-03-05T14:40:00Z') })).toBe('4-4 => 4-4');
    expect(plan('', '4', { destination: files('1-3', Date.parse('2026-03-05T14:35:00Z')) })).toBe('4-4 => 4-4');
  });
});

describe('a hole in the source (D-12)', () => {
  test('right behind the destination comes first', () => {
    expect(plan('1-3', '6 7')).toBe('hole 4-5');
    expect(plan('', '4')).toBe('hole 1-3');
  });

  test('further on ends the merge, and is named', () => {
    expect(plan('1-3', '4 5 8 9')).toBe('4-4 5-5 => 4-5, then hole 6-7');
  });
});

describe('files that overlap', () => {
  test('and are held by another one are left out', () => {
    expect(plan('1-3', '4-6 5 7')).toBe('4-6 7-7 => 4-7');
    expect(plan('1-3', '4 4-6 7')).toBe('4-6 7-7 => 4-7');
  });

  test('and lead on are merged', () => {
    expect(plan('1-3', '4-6 5-8')).toBe('4-6 5-8 => 4-8');
  });

  test('and reach across the end of the destination are taken only when nothing begins right behind it', () => {
    expect(plan('1-3', '2-5 4 5')).toBe('4-4 2-5 => 4-5');
    expect(plan('1-3', '2-5 6')).toBe('2-5 6-6 => 2-6, overlapping');
  });
});
