/** Checks a database file with SQLite through better-sqlite3. */
import { rm } from 'node:fs/promises';
import Database from 'better-sqlite3';
import { messageOf } from '#errors/replication-error';
import type { IntegrityChecker } from '#ports/integrity';

const PRAGMAS = { quick: 'quick_check', full: 'integrity_check' } as const;

/** Runs in the calling thread: for files nobody else has open. */
export const createIntegrityChecker = (): IntegrityChecker => ({
  check: async (path, mode) => {
    try {
      return runCheck(path, PRAGMAS[mode]);
    } finally {
      await rm(`${path}-wal`, { force: true });
      await rm(`${path}-shm`, { force: true });
    }
  },
});

const runCheck = (path: string, pragma: string): readonly string[] => {
  try {
    // Read-write, because a read-only connection cannot open a WAL database that has no -shm yet.
    const database = new Database(path, { fileMustExist: true });
    try {
      // Exclusive: the WAL index then lives in memory and no -shm is made.
      database.pragma('locking_mode = EXCLUSIVE');
      const rows = database.pragma(pragma) as readonly Readonly<Record<string, unknown>>[];
      return rows.map((row) => String(Object.values(row)[0]));
    } finally {
      database.close();
    }
  } catch (error) {
    if (error instanceof Database.SqliteError) return [messageOf(error)];
    throw error;
  }
};
