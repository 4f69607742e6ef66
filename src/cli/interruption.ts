/** One-shot commands and signals: the work is aborted, cleans up, and the exit code says which signal it was. */
import { ReplicationError } from '#errors/replication-error';

const EXIT_CODES = { SIGINT: 130, SIGTERM: 143 } as const;

/**
 * Runs the work with a signal that SIGINT and SIGTERM abort; the exit code 130 or 143 when that ended it. The second signal finds no
 * listener and ends the process at once.
 */
export const interruptible = async <T>(work: (signal: AbortSignal) => Promise<T>): Promise<T | number> => {
  const abort = new AbortController();
  let exitCode: number | undefined;
  const interrupt = (signal: 'SIGINT' | 'SIGTERM'): void => {
    exitCode = EXIT_CODES[signal];
    abort.abort(new ReplicationError('ABORTED', `stopped by ${signal}`, { retryable: false }));
  };
  process.once('SIGINT', interrupt);
  process.once('SIGTERM', interrupt);
  try {
    return await work(abort.signal);
  } catch (error) {
    if (exitCode === undefined) throw error;
    return exitCode;
  } finally {
    process.off('SIGINT', interrupt);
    process.off('SIGTERM', interrupt);
  }
};
