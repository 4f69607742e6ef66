/** `restore-if-db-not-exists`: databases whose file is missing come from their replica before anything is followed. */
import { stat } from 'node:fs/promises';
import type { Configuration } from '#config/types';
import { isReplicationError, messageOf, ReplicationError, throwIfAborted } from '#errors/replication-error';
import type { Log } from '#ports/log';
import { runRestore } from './restore.ts';

/** Files fetched at a time, as in `restore`. */
const PARALLELISM = 8;

const exists = async (path: string): Promise<boolean> => {
  try {
    await stat(path);
    return true;
  } catch {
    return false;
  }
};

/**
 * One database after the other, with a quick check of the result. No backup is a fresh start; any other failure is
 * `restore failed` with the code of its cause, and nothing after it is tried.
 */
export const restoreMissing = async (
  { databases }: Pick<Configuration, 'databases'>,
  log: Log,
  signal: AbortSignal,
): Promise<void> => {
  for (const { path, replicas, restoreIfDbNotExists } of databases) {
    if (!restoreIfDbNotExists) continue;
    throwIfAborted(signal, 'restore');
    if (await exists(path)) {
      log.write('info', 'database already exists, skipping restore', { path });
      continue;
    }
    try {
      const outcome = await runRestore({
        replicas,
        output: path,
        target: {},
        force: false,
        ifDbNotExists: true,
        ifReplicaExists: true,
        integrity: 'quick',
        parallelism: PARALLELISM,
        dryRun: false,
        signal,
        log,
      });
      const isRestored = outcome.kind === 'restored';
      log.write('info', isRestored ? 'database restored' : 'no backup found, starting fresh', { path });
    } catch (error) {
      if (!isReplicationError(error) || error.code === 'ABORTED') throw error;
      throw new ReplicationError(error.code, `restore failed: ${path}: ${messageOf(error)}`, {
        retryable: false,
        ...(error.hint === undefined ? {} : { hint: error.hint }),
        cause: error,
      });
    }
  }
};
