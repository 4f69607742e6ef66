/** Time, injected: nothing below the system adapter reads a clock or sets a timer. */

/** A pending timer; opaque to callers. */
export type TimerHandle = unknown;

/** A clock with timers. It is also what XState expects as `clock`. */
export interface Clock {
  /** Milliseconds since the epoch. */
  nowMs(): number;
  setTimeout(run: () => void, delayMs: number): TimerHandle;
  clearTimeout(handle: TimerHandle): void;
}
