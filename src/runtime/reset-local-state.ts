/** Deletes the local replication state of a database, for the operator's command. */
import { stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { createLevelZeroFiles } from '#adapters/level-zero/node/level-zero-files';
import { lockMetadata } from '#adapters/source/better-sqlite3/metadata-lock';
import type { DatabaseSettings } from '#config/types';
import { formatLtxName } from '#domain/txid';
import { messageOf, ReplicationError } from '#errors/replication-error';
import type { Log } from '#ports/log';

type Place = Pick<DatabaseSettings, 'path' | 'metaPath'>;

/** What is there to reset. */
export interface LocalFiles {
  readonly hasMetadata: boolean;
  /** The directory that holds the LTX files. */
  readonly directory: string;
  /** Absolute paths of the level-0 files. */
  readonly files: readonly string[];
}

const exists = async (path: string): Promise<boolean> => {
  try {
    await stat(path);
    return true;
  } catch {
    return false;
  }
};

/** Looks only. `USAGE` with `database does not exist` when there is no file at the path. */
export const inspectLocalFiles = async ({ path, metaPath }: Place): Promise<LocalFiles> => {
  if (!(await exists(path))) {
    throw new ReplicationError('USAGE', `database does not exist: ${path}`, { retryable: false, details: { path } });
  }
  const directory = join(metaPath, 'ltx');
  const files = await createLevelZeroFiles(metaPath, 'reset').list();
  return {
    hasMetadata: await exists(metaPath),
    directory,
    files: files.map((file) => join(directory, '0', formatLtxName(file))),
  };
};

/**
 * Deletes the LTX files under the lock that a daemon of this database holds: `DATABASE_LOCKED_BY_DAEMON` while there is
 * one, before which nothing is announced; `reset failed` with the code of the cause for anything else.
 */
export const resetLocalFiles = async ({ path, metaPath }: Place, log: Log, onLocked: () => void): Promise<void> => {
  const lock = lockMetadata({ metaPath, databasePath: path });
  try {
    onLocked();
    const db = basename(path);
    log.write('info', 'resetting local litestream state', { db, meta_path: metaPath, ltx_dir: join(metaPath, 'ltx') });
    await createLevelZeroFiles(metaPath, 'reset').removeAll();
    log.write('info', 'local state reset complete, next sync will create fresh snapshot', { db });
  } catch (error) {
    if (!(error instanceof ReplicationError)) throw error;
    throw new ReplicationError(error.code, `reset failed: ${messageOf(error)}`, { retryable: false, cause: error });
  } finally {
    lock.release();
  }
};
