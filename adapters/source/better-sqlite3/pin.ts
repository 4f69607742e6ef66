/**
 * The pin: a read transaction that is open at every moment, so that the WAL cannot lose what was not read (I-12, D-2).
 *
 *   begun while frames are not in the database file -> no restart, nobody copies more than was in the log
 *   begun while all frames are there                -> "pending": nobody copies anything, one restart may come
 *
 * Both are safe for what is read under them; only the gap between two pins is not, so pins move, or begin under the barrier.
 */
import { ReplicationError } from '#errors/replication-error';
import { openTransactions, type TransactionConnection } from './connections.ts';
import { isBusy, onSource } from './errors.ts';
import type { FollowedDatabase, Pin, SourceContext } from './state.ts';

/** How long a start waits for the write lock. */
const START_BARRIER_MS = 50;
const START_TRIES = 4;
/** A bound for clocks that stand still. */
const SPINS_MAX = 20_000;

type Connections = Pick<FollowedDatabase, 'context' | 'control' | 'pinned' | 'second' | 'secondUsedAtMs'>;

/** The connection for moves and barriers, opened on first use. */
export const useSecond = (db: Connections): TransactionConnection => {
  const { settings, clock } = db.context;
  db.second ??= onSource('open', settings.databasePath, () => openTransactions(settings.databasePath));
  db.secondUsedAtMs = clock.nowMs();
  return db.second;
};

/** Takes the write lock within a time; false when others kept it. The caller rolls back. */
export const takeBarrier = (
  { monotonicMs }: SourceContext,
  second: TransactionConnection,
  budgetMs: number,
): boolean => {
  const deadline = monotonicMs() + budgetMs;
  const { stackTraceLimit } = Error;
  // A refused attempt is an exception, and collecting its stack would cost more than the attempt.
  Error.stackTraceLimit = 0;
  try {
    for (let spins = 0; spins < SPINS_MAX; spins++) {
      try {
        second.beginImmediate();
        return true;
      } catch (error) {
        if (!isBusy(error)) throw error;
        if (monotonicMs() >= deadline) return false;
      }
    }
    return false;
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
};

/**
 * Begins a pin where there was none, and runs `decide` while nothing can be lost: under the pin, and where the pin alone would
 * not do, under the barrier too. An empty log gets a bookkeeping frame first, so that there is a header to recognise.
 * `DATABASE_BUSY` when the write lock is needed and somebody holds it.
 */
export const establishPin = (db: Connections, decide: (pin: Pin) => void): void => {
  const path = db.context.settings.databasePath;
  onSource('begin reading', path, () => {
    for (let tries = 0; tries < START_TRIES; tries++) {
      const pageCount = db.pinned.beginRead();
      const { log, checkpointed } = db.control.noop();
      if (log > checkpointed) {
        decide({ log, isPending: false, pageCount });
        return;
      }
      db.pinned.rollback();
      if (beginUnderBarrier(db, decide)) return;
    }
    throw busy(path);
  });
};

/** False when the log was empty and has a frame now. */
const beginUnderBarrier = (db: Connections, decide: (pin: Pin) => void): boolean => {
  const second = useSecond(db);
  if (!takeBarrier(db.context, second, START_BARRIER_MS)) throw busy(db.context.settings.databasePath);
  try {
    if (db.control.noop().log <= 0) {
      second.bumpAndCommit();
      return false;
    }
    decide(beginPin(db));
    return true;
  } finally {
    second.rollback();
  }
};

/** Begins the pin under the barrier and says what it is. */
export const beginPin = ({ pinned, control }: Pick<FollowedDatabase, 'pinned' | 'control'>): Pin => {
  const pageCount = pinned.beginRead();
  const { log, checkpointed } = control.noop();
  return { log, isPending: log === checkpointed, pageCount };
};

/**
 * Moves the pin to the end of the log without a gap. False, and nothing moved, when everything is in the database file: the
 * new pin would allow a restart that nobody sealed. Never while pending.
 */
export const movePin = (db: FollowedDatabase): boolean => {
  const next = useSecond(db);
  const pageCount = next.beginRead();
  try {
    const { log, checkpointed } = db.control.noop();
    if (log <= checkpointed) {
      next.rollback();
      return false;
    }
    db.pinned.rollback();
    db.second = db.pinned;
    db.pinned = next;
    db.pin = { log, isPending: false, pageCount };
    return true;
  } catch (error) {
    next.rollback();
    throw error;
  }
};

const busy = (path: string): ReplicationError =>
  new ReplicationError('DATABASE_BUSY', `somebody is writing to ${path}; its log cannot be pinned now`, {
    retryable: true,
    hint: 'It is tried again; a transaction of the application may be long.',
    details: { path },
  });
