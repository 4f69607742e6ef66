/** Facts that wait to be written: bounded, the oldest go first, and how many of which stream is remembered. */
import { encodeFact } from '#events/codec';
import type { NewRow } from './rows.ts';

export interface FactQueue {
  add(row: NewRow): void;
  /** What to write, gaps first: they are older than everything that is left. */
  rows(): readonly NewRow[];
  size(): number;
  clear(): void;
}

/** A queue of at most `capacity` facts. */
export const createFactQueue = (capacity: number): FactQueue => {
  let waiting: NewRow[] = [];
  const gaps = new Map<string, { count: number; readonly atMs: number }>();
  return {
    add: (row) => {
      waiting.push(row);
      if (waiting.length <= capacity) return;
      const dropped = waiting.shift();
      if (dropped === undefined) return;
      const gap = gaps.get(dropped.stream) ?? { count: 0, atMs: dropped.atMs };
      gap.count += 1;
      gaps.set(dropped.stream, gap);
    },
    rows: () => [
      ...Array.from(gaps, ([stream, { count, atMs }]) => ({
        stream,
        atMs,
        ...encodeFact(stream, { type: 'facts.lost', count }),
      })),
      ...waiting,
    ],
    size: () => waiting.length + gaps.size,
    clear: () => {
      waiting = [];
      gaps.clear();
    },
  };
};
