/**
 * A clock that moves only when told, one timer at a time, so that every timer reads exactly the time it was due. (XState's
 * own simulated clock jumps to the end of an interval first.) The whole scheduler of a simulation is
 *
 *   while (clock.step()) { await drainMicrotasks(); checkInvariants(); }
 */
import { InvariantViolation } from '#errors/replication-error';
import type { Clock } from '#ports/clock';
import type { Random } from '#ports/random';
import { type HeapTimer, popTimer, pushTimer, withoutCancelled } from './timer-heap.ts';

/** A {@link Clock} with the handles of a simulation. */
export interface SimulatedClock extends Clock {
  /** Moves to the next timer and runs it; false when none is left. */
  step(): boolean;
  /** When the next timer is due, or `undefined` when none waits. */
  nextDueMs(): number | undefined;
  /** Moves to `timeMs` without running anything; a timer due before it is an InvariantViolation. */
  moveTo(timeMs: number): void;
  /** Timers waiting. */
  pendingTimers(): number;
  /** Forgets every timer, as a crash does. The time stays. */
  forgetTimers(): void;
}

/** Where the simulation starts and how it orders what is due at the same moment. */
export interface SimulatedClockOptions {
  /** Milliseconds since the epoch; 0 when left out. */
  readonly startMs?: number;
  /** Draws the order of timers due at the same moment; without it the order of scheduling. */
  readonly random?: Random;
}

/** A clock at `startMs` with no timers. */
export const createSimulatedClock = ({ startMs = 0, random }: SimulatedClockOptions = {}): SimulatedClock => {
  let nowMs = startMs;
  let heap: HeapTimer[] = [];
  let live = 0;
  let nextId = 1;

  const dropCancelled = (): HeapTimer | undefined => {
    while (heap[0] !== undefined && heap[0].run === undefined) popTimer(heap);
    return heap[0];
  };

  return {
    nowMs: () => nowMs,
    setTimeout: (run, delayMs) => {
      if (Number.isNaN(delayMs)) throw new InvariantViolation('a timer was set with a delay that is not a number');
      const timer = { dueMs: nowMs + Math.max(0, delayMs), tie: random?.next() ?? 0, id: nextId, run };
      nextId += 1;
      live += 1;
      pushTimer(heap, timer);
      return timer;
    },
    clearTimeout: (handle) => {
      // Handles are opaque to callers and made above only.
      const timer = handle as HeapTimer | undefined;
      if (timer?.run === undefined) return;
      timer.run = undefined;
      live -= 1;
      // Cancelled timers would otherwise stay until their time comes.
      if (heap.length > 64 && live < heap.length / 2) heap = withoutCancelled(heap);
    },
    step: () => {
      const timer = dropCancelled();
      const run = timer?.run;
      if (timer === undefined || run === undefined) return false;
      popTimer(heap);
      timer.run = undefined;
      live -= 1;
      nowMs = timer.dueMs;
      run();
      return true;
    },
    nextDueMs: () => dropCancelled()?.dueMs,
    moveTo: (timeMs) => {
      const dueMs = dropCancelled()?.dueMs;
      if (timeMs < nowMs) throw new InvariantViolation(`the clock cannot go back from ${nowMs} to ${timeMs}`);
      if (dueMs !== undefined && dueMs < timeMs) {
        throw new InvariantViolation(`the clock cannot skip a timer due at ${dueMs} on its way to ${timeMs}`);
      }
      nowMs = timeMs;
    },
    pendingTimers: () => live,
    forgetTimers: () => {
      for (const timer of heap) timer.run = undefined;
      heap = [];
      live = 0;
    },
  };
};

/** Resolves when every promise continuation that is ready has run; for the loop of a simulation only. */
export const drainMicrotasks = (): Promise<void> =>
  new Promise((resolve) => {
    setImmediate(resolve);
  });
