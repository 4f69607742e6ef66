/**
 * SQLite connections of one source.
 *
 * | connection | lives          | does                                                                        |
 * |------------|----------------|-----------------------------------------------------------------------------|
 * | control    | while open     | pragmas, PASSIVE and NOOP checkpoints, `data_version`; it never writes      |
 * | pin        | while open     | the long read transaction that forbids restarts of the WAL (D-2)            |
 * | second     | on demand      | moves the pin, is the barrier of a seal, writes our own tables              |
 * | keeper     | while closing  | read-only, closed last: it cannot take the exclusive lock, so the WAL stays |
 *
 * Pin and second change roles when the pin moves. Every connection has timeout 0 ("busy" is an answer) and no autocheckpoint.
 */
import Database from 'better-sqlite3';
import { ReplicationError } from '#errors/replication-error';
import { isBusy } from './errors.ts';

/** Pages SQLite may keep, in KiB: we read almost nothing through SQLite. */
const CACHE_KIB = 16;

/** First release without the WAL-reset bug; it also knows `wal_checkpoint(NOOP)`. */
const SQLITE_VERSION_MIN = [3, 51, 3] as const;

const CREATE_TABLES = `
  CREATE TABLE IF NOT EXISTS _litestream_seq (id INTEGER PRIMARY KEY, seq INTEGER);
  CREATE TABLE IF NOT EXISTS _litestream_lock (id INTEGER);`;
const COUNT_TABLES = `SELECT COUNT(*) FROM sqlite_schema
  WHERE type = 'table' AND name IN ('_litestream_seq', '_litestream_lock')`;
const BUMP = 'INSERT INTO _litestream_seq (id, seq) VALUES (1, 1) ON CONFLICT (id) DO UPDATE SET seq = seq + 1';

/** The row of `wal_checkpoint`: frames in the log, frames in the database file. */
export interface CheckpointRow {
  readonly isBusy: boolean;
  readonly log: number;
  readonly checkpointed: number;
}

/** The connection that looks and checkpoints. */
export interface ControlConnection {
  /** Counts of the log; nothing is locked or written. */
  noop(): CheckpointRow;
  passive(): CheckpointRow;
  /** Changes with every commit of any other connection. */
  dataVersion(): number;
  pageSize(): number;
  close(): void;
}

/** A connection that holds one transaction at a time. */
export interface TransactionConnection {
  /** A read transaction begins here and now; pages of the database as it sees it. */
  beginRead(): number;
  /** Throws a busy error at once when somebody writes. */
  beginImmediate(): void;
  rollback(): void;
  /** Writes the bookkeeping row inside the open write transaction and commits. */
  bumpAndCommit(): void;
  createTablesIfMissing(): void;
  close(): void;
}

const connect = (path: string, options: { readonly readonly?: boolean } = {}): Database.Database => {
  const database = new Database(path, { timeout: 0, fileMustExist: true, ...options });
  try {
    database.pragma('wal_autocheckpoint = 0');
    database.pragma('synchronous = NORMAL');
    database.pragma(`cache_size = -${CACHE_KIB}`);
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
};

let isVersionChecked = false;

/** `SQLITE_TOO_OLD` when our own library has the WAL-reset bug. */
export const checkSqliteVersion = (): void => {
  if (isVersionChecked) return;
  const scratch = new Database(':memory:');
  const version = String(scratch.prepare('SELECT sqlite_version()').pluck().get());
  scratch.close();
  if (isTooOld(version)) {
    throw new ReplicationError('SQLITE_TOO_OLD', `SQLite ${version} can lose committed pages when a WAL restarts`, {
      retryable: false,
      hint: `Install a release of better-sqlite3 with SQLite ${SQLITE_VERSION_MIN.join('.')} or later.`,
      details: { version },
    });
  }
  isVersionChecked = true;
};

/** Older than 3.51.3, by its dotted version. */
export const isTooOld = (version: string): boolean => {
  const parts = version.split('.').map(Number);
  for (const [index, min] of SQLITE_VERSION_MIN.entries()) {
    const part = parts[index] ?? 0;
    if (part !== min) return part < min;
  }
  return false;
};

/** The control connection; the database is in WAL mode afterwards. `DATABASE_NOT_WAL` when it cannot be switched. */
export const openControl = (path: string): ControlConnection => {
  const database = connect(path);
  try {
    enterWalMode(database, path);
    const noop = database.prepare('PRAGMA wal_checkpoint(NOOP)').raw();
    const passive = database.prepare('PRAGMA wal_checkpoint(PASSIVE)').raw();
    const dataVersion = database.prepare('PRAGMA data_version').pluck();
    return {
      noop: () => toRow(noop.get()),
      passive: () => toRow(passive.get()),
      dataVersion: () => Number(dataVersion.get()),
      pageSize: () => Number(database.pragma('page_size', { simple: true })),
      close: () => {
        database.close();
      },
    };
  } catch (error) {
    database.close();
    throw error;
  }
};

/** A row of three numbers; -1 for counts that another checkpoint hides. */
const toRow = (row: unknown): CheckpointRow => {
  const [busy, log, checkpointed] = Array.isArray(row) ? row.map(Number) : [];
  return { isBusy: busy !== 0, log: log ?? -1, checkpointed: checkpointed ?? -1 };
};

const enterWalMode = (database: Database.Database, path: string): void => {
  const current = String(database.pragma('journal_mode', { simple: true }));
  // `journal_mode` says "delete" until something was read; in both cases asking to switch is harmless.
  let reached = current;
  let cause: unknown;
  try {
    reached = String(database.pragma('journal_mode = wal', { simple: true }));
  } catch (error) {
    if (!isBusy(error)) throw error;
    cause = error;
  }
  if (reached === 'wal') return;
  throw new ReplicationError('DATABASE_NOT_WAL', `enable wal failed, mode="${reached}": ${path}`, {
    retryable: true,
    hint: 'Only an idle database can be switched to WAL mode; let the application do it, or stop it for a moment.',
    details: { path, mode: reached },
    cause,
  });
};

/** A connection for the pin or for the second role. */
export const openTransactions = (path: string): TransactionConnection => {
  const database = connect(path);
  try {
    const begin = database.prepare('BEGIN DEFERRED');
    const beginImmediate = database.prepare('BEGIN IMMEDIATE');
    const rollback = database.prepare('ROLLBACK');
    const commit = database.prepare('COMMIT');
    const pageCount = database.prepare('PRAGMA page_count').pluck();
    const endTransaction = (): void => {
      if (database.inTransaction) rollback.run();
    };
    return {
      beginRead: () => {
        begin.run();
        try {
          return Number(pageCount.get());
        } catch (error) {
          endTransaction();
          throw error;
        }
      },
      beginImmediate: () => {
        beginImmediate.run();
      },
      rollback: endTransaction,
      bumpAndCommit: () => {
        database.prepare(BUMP).run();
        commit.run();
      },
      createTablesIfMissing: () => {
        if (database.prepare(COUNT_TABLES).pluck().get() === 2) return;
        beginImmediate.run();
        try {
          database.exec(CREATE_TABLES);
          commit.run();
        } finally {
          endTransaction();
        }
      },
      close: () => {
        database.close();
      },
    };
  } catch (error) {
    database.close();
    throw error;
  }
};

/** The connection that is closed last. It has read once, so it holds the shared lock; it cannot take the exclusive one. */
export const openKeeper = (path: string): { close(): void } => {
  const database = connect(path, { readonly: true });
  try {
    database.prepare('PRAGMA page_count').get();
  } catch (error) {
    database.close();
    throw error;
  }
  return {
    close: () => {
      database.close();
    },
  };
};
