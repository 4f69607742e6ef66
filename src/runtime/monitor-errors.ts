/** Log lines of a loop that fails and recovers: at most one every 30 seconds for the same error (cli.md 5.7). */
import { messageOf, ReplicationError } from '#errors/replication-error';
import type { Clock } from '#ports/clock';
import type { Log } from '#ports/log';

const THROTTLE_MS = 30_000;

/** Remembers failures of one loop. */
export interface MonitorErrors {
  failed(error: unknown): void;
  succeeded(): void;
}

/** `recoveredMessage` is written once after the first success that follows failures. */
export const createMonitorErrors = (clock: Clock, log: Log, recoveredMessage: string): MonitorErrors => {
  let failures = 0;
  let loggedAtMs = Number.NEGATIVE_INFINITY;
  let loggedMessage = '';
  return {
    failed: (error) => {
      failures += 1;
      const message = messageOf(error);
      if (message === loggedMessage && clock.nowMs() - loggedAtMs < THROTTLE_MS) return;
      loggedAtMs = clock.nowMs();
      loggedMessage = message;
      log.write('error', 'monitor error', {
        error: message,
        ...(error instanceof ReplicationError ? { code: error.code, hint: error.hint } : {}),
        consecutive_errors: failures,
      });
    },
    succeeded: () => {
      if (failures === 0) return;
      log.write('info', recoveredMessage, { previous_errors: failures });
      failures = 0;
      loggedMessage = '';
    },
  };
};
