/** A binary heap of timers: the next one is found in O(log n), however many wait. */

/** A waiting timer. */
export interface HeapTimer {
  readonly dueMs: number;
  /** Order among timers due at the same moment: the draw, then the order of scheduling. */
  readonly tie: number;
  readonly id: number;
  /** `undefined` once cancelled or fired. */
  run: (() => void) | undefined;
}

const isBefore = (a: HeapTimer, b: HeapTimer): boolean => {
  if (a.dueMs !== b.dueMs) return a.dueMs < b.dueMs;
  if (a.tie !== b.tie) return a.tie < b.tie;
  return a.id < b.id;
};

/** Adds a timer to the heap. */
export const pushTimer = (heap: HeapTimer[], timer: HeapTimer): void => {
  let index = heap.length;
  heap.push(timer);
  while (index > 0) {
    const parentIndex = (index - 1) >> 1;
    const parent = heap[parentIndex];
    if (parent === undefined || !isBefore(timer, parent)) break;
    heap[index] = parent;
    index = parentIndex;
  }
  heap[index] = timer;
};

/** Takes the earliest timer out of the heap. */
export const popTimer = (heap: HeapTimer[]): HeapTimer | undefined => {
  const first = heap[0];
  const last = heap.pop();
  if (first === undefined || last === undefined || heap.length === 0) return first;
  let index = 0;
  for (;;) {
    const left = heap[2 * index + 1];
    const right = heap[2 * index + 2];
    if (left === undefined) break;
    const isRightFirst = right !== undefined && isBefore(right, left);
    const child = isRightFirst ? right : left;
    if (!isBefore(child, last)) break;
    heap[index] = child;
    index = 2 * index + (isRightFirst ? 2 : 1);
  }
  heap[index] = last;
  return first;
};

/** The heap without cancelled timers. */
export const withoutCancelled = (heap: readonly HeapTimer[]): HeapTimer[] => {
  const live: HeapTimer[] = [];
  for (const timer of heap) if (timer.run !== undefined) pushTimer(live, timer);
  return live;
};
