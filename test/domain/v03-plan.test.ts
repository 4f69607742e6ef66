/** Which v0.3 files make a state. */

import { expect, test } from 'vitest';
import { isNextWal, planV03Restore } from '#domain/v03-plan';

const snapshot = (generation: string, index: number, createdAtMs: number) => ({ generation, index, createdAtMs });
const segment = (generation: string, index: number, offset: number, createdAtMs: number) => {
  return { generation, index, offset, createdAtMs };
};

test('the newest snapshot of all generations is the base, with the segments from its index on', () => {
  const plan = planV03Restore(
    [snapshot('a', 0, 10), snapshot('b', 2, 30), snapshot('b', 0, 20)],
    [
      segment('b', 3, 0, 40),
      segment('b', 2, 9, 35),
      segment('b', 1, 0, 22),
      segment('b', 2, 0, 31),
      segment('a', 2, 0, 50),
    ],
    {},
  );
  expect(plan.snapshot).toEqual(snapshot('b', 2, 30));
  expect(plan.segments.map(({ index, offset }) => [index, offset])).toEqual([
    [2, 0],
    [2, 9],
    [3, 0],
  ]);
  expect(plan.reachedMs).toBe(40);
});

test('a time between two snapshots takes the older one', () => {
  const plan = planV03Restore([snapshot('a', 0, 10), snapshot('a', 5, 50)], [], { timestampMs: 49 });
  expect(plan.snapshot).toEqual(snapshot('a', 0, 10));
});

test('a file at exactly the time counts', () => {
  const plan = planV03Restore([snapshot('a', 0, 10)], [segment('a', 0, 0, 20)], { timestampMs: 20 });
  expect(plan.segments).toHaveLength(1);
});

test('everything after the first segment that is too new is dropped, older ones after it too (R-15)', () => {
  const segments = [segment('a', 0, 0, 11), segment('a', 0, 8, 30), segment('a', 1, 0, 12)];
  expect(planV03Restore([snapshot('a', 0, 10)], segments, { timestampMs: 20 }).segments).toEqual([segments[0]]);
});

test('generation and index narrow the choice', () => {
  const snapshots = [snapshot('a', 0, 10), snapshot('a', 2, 20), snapshot('b', 0, 30)];
  const segments = [segment('a', 0, 0, 11), segment('a', 1, 0, 12), segment('a', 2, 0, 21)];
  const plan = planV03Restore(snapshots, segments, { generation: 'a', index: 1 });
  expect(plan.snapshot).toEqual(snapshots[0]);
  expect(plan.segments).toEqual(segments.slice(0, 2));
});

test('without a fitting snapshot there is nothing to restore', () => {
  const none = { code: 'V03_NO_SNAPSHOT', message: 'no snapshots available' };
  expect(() => planV03Restore([], [segment('a', 0, 0, 1)], {})).toThrow(expect.objectContaining(none));
  expect(() => planV03Restore([snapshot('a', 0, 10)], [], { timestampMs: 9 })).toThrow(expect.objectContaining(none));
});

test('a WAL goes on where it ended, and the next one begins at offset 0', () => {
  expect(isNextWal({ index: 5, offset: 0 }, { index: 5, offset: 0 })).toBe(true);
  expect(isNextWal({ index: 5, offset: 100 }, { index: 5, offset: 100 })).toBe(false);
  expect(isNextWal({ index: 5, offset: 100 }, { index: 6, offset: 0 })).toBe(true);
});

test.each([
  [
    { index: 0, offset: 100 },
    { index: 2, offset: 0 },
    'missing WAL index: expected 00000001/00000000, got 00000002/00000000',
  ],
  [
    { index: 5, offset: 0 },
    { index: 6, offset: 0 },
    'missing WAL index: expected 00000005/00000000, got 00000006/00000000',
  ],
  [
    { index: 0, offset: 256 },
    { index: 0, offset: 512 },
    'missing WAL segment: expected 00000000/00000100, got 00000000/00000200',
  ],
  [
    { index: 0, offset: 0 },
    { index: 0, offset: 16 },
    'missing WAL segment: expected 00000000/00000000, got 00000000/00000010',
  ],
])('from %j on, %j is a gap', (expected, found, message) => {
  expect(() => isNextWal(expected, found)).toThrow(expect.objectContaining({ code: 'V03_GAP', message }));
});
