/** Waiting that an abort ends at once; for adapters whose operations cannot be cancelled themselves. */
import { ReplicationError } from '#errors/replication-error';

const abortedError = (signal: AbortSignal, what: string): ReplicationError =>
  new ReplicationError('ABORTED', `${what} was cancelled`, { retryable: false, cause: signal.reason });

/**
 * Settles like `work`, or rejects with `ABORTED` as soon as the signal is aborted. The work itself goes on; whatever it
 * ends with afterwards is ignored. `what` names the work in the message.
 */
export const untilAborted = <T>(work: Promise<T>, signal: AbortSignal, what: string): Promise<T> =>
  new Promise<T>((resolve, reject) => {
    const stop = (): void => reject(abortedError(signal, what));
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
  });

/**
 * Makes an `init`: lazy, idempotent, single-flight. Callers share one run and each may abort its own waiting; a failed
 * run is forgotten, so that the next call tries again.
 */
export const createSingleFlight = (run: () => Promise<void>): ((signal: AbortSignal) => Promise<void>) => {
  let current: Promise<void> | undefined;
  return (signal) => {
    current ??= run().catch((error: unknown) => {
      current = undefined;
      throw error;
    });
    return untilAborted(current, signal, 'preparing the storage');
  };
};
