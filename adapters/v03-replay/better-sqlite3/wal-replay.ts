/** Replays the WAL of a v0.3 backup with SQLite through better-sqlite3. */
import { rm } from 'node:fs/promises';
import Database from 'better-sqlite3';
import { messageOf, ReplicationError } from '#errors/replication-error';
import type { ReplayOutcome, WalReplay } from '#ports/wal-replay';

/** Runs in the calling thread: for files nobody else has open. */
export const createWalReplay = (): WalReplay => ({
  replay: async (path) => {
    try {
      return checkpoint(path);
    } catch (error) {
      if (!(error instanceof Database.SqliteError)) throw error;
      throw new ReplicationError('V03_INVALID', `SQLite cannot replay the WAL: ${messageOf(error)} (${error.code})`, {
        retryable: false,
        hint: 'Restore an older state with -timestamp, or from another generation.',
        details: { path },
        cause: error,
      });
    } finally {
      await rm(`${path}-wal`, { force: true });
      await rm(`${path}-shm`, { force: true });
    }
  },
});

/** The result row of the pragma (SQLite, "PRAGMA wal_checkpoint"). */
interface CheckpointRow {
  readonly busy: number;
  readonly log: number;
  readonly checkpointed: number;
}

const checkpoint = (path: string): ReplayOutcome => {
  const database = new Database(path, { fileMustExist: true });
  try {
    // Exclusive: the WAL index then lives in memory and no -shm is made. FULL: the image is durable before the WAL goes.
    database.pragma('locking_mode = EXCLUSIVE');
    database.pragma('synchronous = FULL');
    // PASSIVE first: a TRUNCATE would answer with zeros whatever it found.
    const [row] = database.pragma('wal_checkpoint(PASSIVE)') as readonly CheckpointRow[];
    return {
      isBusy: row?.busy !== 0,
      logFrames: row?.log ?? -1,
      checkpointedFrames: row?.checkpointed ?? -1,
    };
  } finally {
    database.close();
  }
};
