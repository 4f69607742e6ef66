import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { backoffMs, backoffStepMs } from '#domain/backoff';

test('the step doubles from the first to the cap', () => {
  const steps = [1, 2, 3, 4, 10, 5000].map((failures) => backoffStepMs({ failures, firstMs: 1000, capMs: 300_000 }));
  expect(steps).toEqual([1000, 2000, 4000, 8000, 300_000, 300_000]);
});

test('the wait lies in the upper half of the step, wherever in it the jitter says', () => {
  expect(backoffMs({ failures: 1, firstMs: 1000, capMs: 300_000, jitter: 0 })).toBe(500);
  expect(backoffMs({ failures: 3, firstMs: 1000, capMs: 300_000, jitter: 0.5 })).toBe(3000);
});

test('the wait is a whole number of ms, at least 1 and never above the cap', async () => {
  const numbers = {
    failures: fc.integer({ min: -1, max: 3000 }),
    firstMs: fc.integer({ min: 1, max: 100_000 }),
    capMs: fc.integer({ min: 1, max: 300_000 }),
    jitter: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
  };
  await fc.assert(
    fc.property(fc.record(numbers), (input) => {
      const waitMs = backoffMs(input);
      expect(Number.isInteger(waitMs) && waitMs >= 1 && waitMs <= input.capMs).toBe(true);
    }),
    { numRuns: 500, seed: 20_261_201 },
  );
});
