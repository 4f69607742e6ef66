/** `replicate -once`: one pass over every database, then the end. */
import { setMaxListeners } from 'node:events';
import type { Configuration, DatabaseSettings } from '#config/types';
import { replicateOnce } from '#effects/replicate-once';
import { isReplicationError, messageOf, ReplicationError } from '#errors/replication-error';
import type { Log } from '#ports/log';
import { announceReplicas } from './announce.ts';
import type { DaemonPorts } from './daemon-ports.ts';
import { createScope } from './database-scope-factory.ts';
import { type ProcessSignals, SIGNAL_EXIT_CODE, SIGNAL_TEXT } from './process-signals.ts';
import { restoreMissing } from './restore-missing.ts';
import { createUploadLimiters, type UploadLimiters } from './upload-limiters.ts';

interface Pass {
  readonly configuration: Configuration;
  readonly ports: DaemonPorts;
  readonly limiters: UploadLimiters;
  readonly signal: AbortSignal;
}

/**
 * Every database is tried; what failed is one error in the end, a line each. The exit code is 0, or that of the signal that
 * cut the pass short. The ports are closed in every case.
 */
export const replicateSinglePass = async (
  configuration: Configuration,
  ports: DaemonPorts,
  signals: ProcessSignals,
): Promise<number> => {
  const { log } = ports;
  const abort = new AbortController();
  // Every level of every replica is listed with this signal, and each listing listens.
  setMaxListeners(0, abort.signal);
  let interruptedBy: number | undefined;
  signals.onSignal((signal) => {
    interruptedBy = SIGNAL_EXIT_CODE[signal];
    log.write('info', 'signal received, litestream shutting down', { signal: SIGNAL_TEXT[signal] });
    abort.abort(new ReplicationError('ABORTED', `stopped by ${signal}`, { retryable: false }));
  });
  const failures: string[] = [];
  try {
    await restoreMissing(configuration, log, abort.signal);
    announceReplicas(configuration, log);
    const pass = { configuration, ports, limiters: createUploadLimiters(), signal: abort.signal };
    for (const database of configuration.databases) {
      if (abort.signal.aborted) break;
      log.write('info', 'syncing database', { path: database.path });
      failures.push(...(await syncDatabase(pass, database)));
    }
    if (interruptedBy === undefined && failures.length === 0) log.write('info', 'one-shot replication complete');
  } catch (error) {
    if (interruptedBy === undefined) throw error;
  } finally {
    if (interruptedBy === undefined) log.write('info', 'replication complete, litestream shutting down');
    await close(ports, log);
  }
  if (interruptedBy !== undefined) return interruptedBy;
  if (failures.length > 0) throw new ReplicationError('STORAGE_UNAVAILABLE', failures.join('\n'), { retryable: true });
  return 0;
};

const close = async (ports: DaemonPorts, log: Log): Promise<void> => {
  await ports.sources.shutdown();
  await ports.facts.close();
  log.write('info', 'litestream shut down');
};

/** What failed, in words. */
const syncDatabase = async (
  { configuration, ports, limiters, signal }: Pass,
  settings: DatabaseSettings,
): Promise<readonly string[]> => {
  const { path } = settings;
  const { scope } = await createScope(ports, limiters, configuration, settings);
  try {
    const failed = await replicateOnce(scope, ports.fullCopies, signal);
    return failed.map(({ error }) => `sync replica for ${path}: ${messageOf(error)}`);
  } catch (error) {
    if (signal.aborted) return [];
    if (!isReplicationError(error)) throw error;
    const what = error.code === 'DATABASE_NOT_FOUND' ? 'sync replica for' : 'sync database';
    return [`${what} ${path}: ${messageOf(error)}`];
  } finally {
    for (const { storage } of scope.replicas.values()) await storage.close();
  }
};
