/** Waiting by the injected clock. */
import { ReplicationError, throwIfAborted } from '#errors/replication-error';
import type { Clock } from '#ports/clock';

/** Resolves after the delay; an abort ends it at once with `ABORTED` and leaves no timer. */
export const sleep = (clock: Clock, delayMs: number, signal: AbortSignal, what: string): Promise<void> =>
  new Promise((resolve, reject) => {
    throwIfAborted(signal, what);
    const stop = (): void => {
      clock.clearTimeout(timer);
      reject(
        new ReplicationError('ABORTED', `${what} was cancelled`, { retryable: false, cause: signal.reason as unknown }),
      );
    };
    const timer = clock.setTimeout(() => {
      signal.removeEventListener('abort', stop);
      resolve();
    }, delayMs);
    signal.addEventListener('abort', stop, { once: true });
  });

/** Settles like `work`, or rejects with `late()` when it takes longer than the limit. The work itself goes on unheard. */
export const within = <T>(clock: Clock, limitMs: number, late: () => Error, work: Promise<T>): Promise<T> =>
  new Promise((resolve, reject) => {
    const timer = clock.setTimeout(() => reject(late()), limitMs);
    work.then(resolve, reject).finally(() => clock.clearTimeout(timer));
  });
