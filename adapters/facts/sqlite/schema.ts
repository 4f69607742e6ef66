/**
 * The SQLite file of the fact log.
 *
 *   fact(seq, stream, type, version, at, data)    one row a fact; `at` in milliseconds since the epoch, `data` JSON
 *
 * WAL mode with `synchronous = NORMAL`: a killed process loses nothing, a power cut perhaps the last commits, which the
 * look at WAL and replica at the next start makes good.
 */
import { existsSync, mkdirSync, renameSync } from 'node:fs';
import { dirname } from 'node:path';
import Database from 'better-sqlite3';
import { messageOf, ReplicationError } from '#errors/replication-error';

/** An open database of better-sqlite3. */
export type SqliteDatabase = Database.Database;

const SCHEMA_VERSION = 1;
/** `LSfa` */
const APPLICATION_ID = 0x4c53_6661;
const BUSY_TIMEOUT_MS = 100;

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS fact (
    seq INTEGER PRIMARY KEY,
    stream TEXT NOT NULL,
    type TEXT NOT NULL,
    version INTEGER NOT NULL,
    at INTEGER NOT NULL,
    data TEXT NOT NULL
  ) STRICT;
  CREATE INDEX IF NOT EXISTS fact_stream ON fact (stream, seq);
`;

/** SQLite's code of an error, such as `SQLITE_FULL`; empty for anything else. */
export const sqliteCodeOf = (error: unknown): string => (error instanceof Database.SqliteError ? error.code : '');

/** A file that is no fact log, or of a later release. */
class ForeignLog extends Error {
  override readonly name = 'ForeignLog';
}

/** True when the file itself is the problem, so that only another file can help. */
export const isBrokenFile = (error: unknown): boolean =>
  error instanceof ForeignLog || /^SQLITE_(CORRUPT|NOTADB)/.test(sqliteCodeOf(error));

/** Opens or creates the log for writing; it grows to `fileBytesMax` (`SQLITE_FULL`). Errors are SQLite's and the file system's. */
export const openForWriting = (path: string, fileBytesMax: number): SqliteDatabase => {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const database = new Database(path, { timeout: BUSY_TIMEOUT_MS });
  try {
    prepare(database, fileBytesMax);
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
};

const prepare = (database: SqliteDatabase, fileBytesMax: number): void => {
  database.pragma('journal_mode = WAL');
  database.pragma('synchronous = NORMAL');
  database.pragma('journal_size_limit = 4194304');
  const pageSize = Number(database.pragma('page_size', { simple: true }));
  database.pragma(`max_page_count = ${Math.floor(fileBytesMax / pageSize)}`);
  const id = database.pragma('application_id', { simple: true });
  const version = database.pragma('user_version', { simple: true });
  const tables = database.prepare('SELECT count(*) FROM sqlite_schema').pluck().get();
  if (tables === 0) {
    database.transaction(() => {
      database.exec(SCHEMA);
      database.pragma(`application_id = ${APPLICATION_ID}`);
      database.pragma(`user_version = ${SCHEMA_VERSION}`);
    })();
  } else if (id !== APPLICATION_ID || version !== SCHEMA_VERSION) {
    throw new ForeignLog(`application_id ${String(id)}, user_version ${String(version)}`);
  }
};

/** Opens an existing log for reading beside its writer. `FACT_LOG_BROKEN` when that is not possible. */
export const openForReading = (path: string): SqliteDatabase => {
  try {
    const database = new Database(path, { readonly: true, fileMustExist: true, timeout: 5000 });
    try {
      database.prepare('SELECT max(seq) FROM fact').get();
      return database;
    } catch (error) {
      database.close();
      throw error;
    }
  } catch (error) {
    const hint = existsSync(path)
      ? 'Run the command as the user of the daemon; if the file is damaged, move it away.'
      : 'The daemon makes it at its first start; "state-path" in the configuration says where.';
    throw new ReplicationError('FACT_LOG_BROKEN', `cannot read the fact log ${path}: ${messageOf(error)}`, {
      retryable: false,
      hint,
      details: { path },
      cause: error,
    });
  }
};

/** Renames the log and its side files to `<path>.broken-<n>`, the first free number from 1; returns the new path. */
export const moveAside = (path: string): string => {
  let number = 1;
  while (existsSync(`${path}.broken-${number}`)) number += 1;
  const aside = `${path}.broken-${number}`;
  for (const suffix of ['-wal', '-shm', '']) {
    if (existsSync(`${path}${suffix}`)) renameSync(`${path}${suffix}`, `${aside}${suffix}`);
  }
  return aside;
};

/**
 * Takes the right to write the log, or throws `SQLITE_BUSY` while another process has it. It is an exclusive transaction on a
 * file of its own, so a killed process gives it back and readers of the log are not in its way.
 */
export const takeWriterLock = (path: string): SqliteDatabase => {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const lock = new Database(`${path}.lock`, { timeout: 0 });
  try {
    lock.exec('BEGIN EXCLUSIVE');
    return lock;
  } catch (error) {
    lock.close();
    throw error;
  }
};
