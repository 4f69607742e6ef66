import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { nextBoundaryMs, previousBoundaryMs } from '#domain/calendar';

const DAY = 86_400_000;
const at = (text: string): number => Date.parse(text);

test('intervals that divide a day fall on the wall clock in UTC', () => {
  const now = at('2026-03-05T14:37:21.456Z');
  expect(previousBoundaryMs(now, DAY)).toBe(at('2026-03-05T00:00:00Z'));
  expect(nextBoundaryMs(now, DAY)).toBe(at('2026-03-06T00:00:00Z'));
  expect(previousBoundaryMs(now, 3_600_000)).toBe(at('2026-03-05T14:00:00Z'));
  expect(previousBoundaryMs(now, 300_000)).toBe(at('2026-03-05T14:35:00Z'));
  expect(nextBoundaryMs(now, 30_000)).toBe(at('2026-03-05T14:37:30Z'));
});

test('other intervals count from the year 1: a week begins on a Monday', () => {
  // 0001-01-01 was a Monday; the Unix epoch was not.
  expect(previousBoundaryMs(at('2026-03-05T14:00:00Z'), 7 * DAY)).toBe(at('2026-03-02T00:00:00Z'));
});

test('a boundary is its own previous one', () => {
  const boundary = at('2026-03-05T00:00:00Z');
  expect(previousBoundaryMs(boundary, DAY)).toBe(boundary);
  expect(nextBoundaryMs(boundary, DAY)).toBe(boundary + DAY);
});

test('every moment lies between two boundaries one interval apart', async () => {
  await fc.assert(
    fc.property(fc.integer({ min: -1e12, max: 4e12 }), fc.integer({ min: 1, max: 1e10 }), (nowMs, intervalMs) => {
      const previous = previousBoundaryMs(nowMs, intervalMs);
      expect(previous <= nowMs && nowMs < nextBoundaryMs(nowMs, intervalMs)).toBe(true);
      expect(previousBoundaryMs(previous, intervalMs)).toBe(previous);
    }),
    { numRuns: 500, seed: 20_261_201 },
  );
});

test('no interval has no boundaries', () => {
  expect(() => previousBoundaryMs(0, 0)).toThrow(RangeError);
  expect(() => previousBoundaryMs(0, Number.NaN)).toThrow(RangeError);
});
