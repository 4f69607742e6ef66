/** The clock of the machine we run on: the only place that reads the wall clock and sets real timers. */
import type { Clock } from '#ports/clock';

/** Node fires a timer with a longer delay at once; such a delay is waited for in parts. */
const DELAY_MS_MAX = 0x7fff_ffff;

interface SystemTimer {
  timer: NodeJS.Timeout | undefined;
}

/** Wall clock time and real timers. A delay of any length is kept; timers hold the process open. */
export const createSystemClock = (): Clock => ({
  nowMs: () => Date.now(),
  setTimeout: (run, delayMs) => {
    const handle: SystemTimer = { timer: undefined };
    const arm = (remainingMs: number): void => {
      const partMs = Math.min(remainingMs, DELAY_MS_MAX);
      handle.timer = setTimeout(() => {
        if (remainingMs > partMs) arm(remainingMs - partMs);
        else run();
      }, partMs);
    };
    arm(Math.max(0, delayMs));
    return handle;
  },
  clearTimeout: (handle) => {
    // Handles are opaque to callers and made above only.
    const timer = (handle as SystemTimer | undefined)?.timer;
    if (timer !== undefined) clearTimeout(timer);
  },
});
