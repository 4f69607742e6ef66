/** A bounded number of slots, first come, first served. */
import { ReplicationError } from '#errors/replication-error';
import type { Limiter } from '#ports/limiter';

interface Waiter {
  readonly grant: () => void;
  readonly signal: AbortSignal;
}

/** A limiter with `slots` slots (at least 1). The queue is bounded by the callers: each waits for one slot at a time. */
export const createLimiter = (slots: number): Limiter => {
  let free = slots;
  const waiting: Waiter[] = [];

  const release = (): void => {
    const next = waiting.shift();
    if (next === undefined) free += 1;
    else next.grant();
  };

  const acquire = (signal: AbortSignal): Promise<void> =>
    new Promise((resolve, reject) => {
      if (free > 0) {
        free -= 1;
        resolve();
        return;
      }
      const onAbort = (): void => {
        waiting.splice(waiting.indexOf(waiter), 1);
        reject(cancelled(signal));
      };
      const waiter: Waiter = {
        signal,
        grant: () => {
          signal.removeEventListener('abort', onAbort);
          resolve();
        },
      };
      waiting.push(waiter);
      signal.addEventListener('abort', onAbort, { once: true });
    });

  return {
    run: async (work, signal) => {
      if (signal.aborted) throw cancelled(signal);
      await acquire(signal);
      try {
        return await work();
      } finally {
        release();
      }
    },
  };
};

const cancelled = (signal: AbortSignal): ReplicationError =>
  new ReplicationError('ABORTED', 'waiting for a free slot was cancelled', { retryable: false, cause: signal.reason });
