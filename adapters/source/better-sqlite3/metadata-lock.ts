/**
 * The exclusive lock of a metadata directory (D-6): a SQLite file of its own in a transaction that never ends. The system
 * gives it back when the process dies; a second source in the same process is refused as well.
 */
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { ReplicationError } from '#errors/replication-error';
import { isBusy, toSourceError } from './errors.ts';

/** Name inside the metadata directory. Empty for ever; must not be opened by anything else in this process. */
export const LOCK_FILE_NAME = 'daemon.lock';

export interface MetadataLock {
  release(): void;
}

/** Takes the lock or throws `DATABASE_LOCKED_BY_DAEMON`. */
export const lockMetadata = ({
  metaPath,
  databasePath,
}: {
  readonly metaPath: string;
  readonly databasePath: string;
}): MetadataLock => {
  const path = join(metaPath, LOCK_FILE_NAME);
  let database: Database.Database | undefined;
  try {
    database = new Database(path, { timeout: 0 });
    // Nothing is ever written, so there is no need for a journal on disk either.
    database.pragma('journal_mode = memory');
    database.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    database?.close();
    if (!isBusy(error)) throw toSourceError(error, 'lock', path);
    throw new ReplicationError(
      'DATABASE_LOCKED_BY_DAEMON',
      `${databasePath} is replicated already: its metadata directory ${metaPath} is locked`,
      {
        retryable: true,
        hint: 'Stop the other daemon, or give this database a metadata directory of its own.',
        details: { path: databasePath, metaPath },
        cause: error,
      },
    );
  }
  const held = database;
  return { release: () => held.close() };
};
