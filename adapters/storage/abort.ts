/** Waiting that an abort ends at once; for adapters whose operations cannot be cancelled themselves. */
import { ReplicationError } from '#errors/replication-error';
import type { Clock } from '#ports/clock';

/** What work that hangs gets to end by itself after an abort; the contract of a storage is one second. */
const GRACE_MS = 500;

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
 * Settles like `work`, which sees the signal itself and cleans up after itself. Work that hangs in the operating system (a
 * network file system without its server) cannot: half a second after the abort it is left alone and `ABORTED` is thrown.
 * Without a clock there is no such limit.
 */
export const withGrace = <T>(
  work: Promise<T>,
  { signal, clock, what }: { readonly signal: AbortSignal; readonly clock: Clock | undefined; readonly what: string },
): Promise<T> => {
  if (clock === undefined) return work;
  return new Promise<T>((resolve, reject) => {
    let timer: unknown;
    const stop = (): void => {
      timer = clock.setTimeout(() => reject(abortedError(signal, what)), GRACE_MS);
    };
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop, { once: true });
    work.then(resolve, reject).finally(() => {
      signal.removeEventListener('abort', stop);
      if (timer !== undefined) clock.clearTimeout(timer);
    });
  });
};

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
