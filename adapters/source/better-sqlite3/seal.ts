/**
 * Sealed restart (D-7): read to the end of the log under the write lock, have SQLite copy all of it into the database file,
 * begin a pin that lets the next writer start the WAL over, let go. Nothing is written by us, no reader is waited for.
 *
 *   BEGIN IMMEDIATE -> read the rest (checked, in memory) -> end the pin (the barrier pins now) -> PASSIVE
 *     -> begin the pin -> ROLLBACK -> encode and publish the rest
 *
 * Whatever PASSIVE reached, nothing is lost: on a partial one the next writer appends. Killed before the rest is published:
 * its pages are in the database file, the next start proves nothing and takes a full copy.
 */

import { frameBytes, walOffsetAfter } from '#format/wal/frame';
import type { CheckpointOutcome, WrittenFile } from '#ports/source';
import { type Batch, capture, WalMoved } from './capture.ts';
import { rememberHeader } from './continuity.ts';
import { judge, observe } from './observe.ts';
import { advance, publishBatch, walPathOf } from './pass.ts';
import { beginPin, movePin, takeBarrier, useSecond } from './pin.ts';
import type { FollowedDatabase } from './state.ts';
import { withWal } from './wal-file.ts';

/** How long the write lock is asked for. */
const BARRIER_MS = 10;
/** How long a checkpoint of the application is waited for under the barrier. */
const PASSIVE_MS = 20;
const PASSIVE_TRIES_MAX = 10_000;
/** Frames that may be left to read under the barrier. */
const RESIDUAL_FRAMES_MAX = 4_000;
/** Frames outside the database file above which they are copied before the barrier. */
const BACKLOG_FRAMES_MAX = 8_000;
const CATCH_UP_ROUNDS = 3;
/** Wait after a seal that was stopped by somebody who moves on: a transaction of the application, another lock. */
const RETRY_SOON_MS = 5;
/** Waits after a seal that the same reader stopped again. */
const RETRY_FIRST_MS = 1_000;
const RETRY_CAP_MS = 30_000;

/** What a seal did, and the files it published. */
export interface SealResult {
  readonly outcome: CheckpointOutcome;
  readonly written: readonly WrittenFile[];
}

interface Held {
  readonly batch: Batch | undefined;
  readonly isReaderBlocking: boolean;
}

/** One attempt. `busy`: the write lock was not to be had, or a full copy has to come first. */
export const seal = (db: FollowedDatabase): SealResult => {
  if (db.required !== undefined || db.lostPin !== undefined) return result(db, 'busy');
  const { log, checkpointed } = db.control.noop();
  if (log <= 0 || (db.pin.isPending && log === db.pin.log)) return result(db, 'notNeeded');
  const written: WrittenFile[] = [];
  if (log - checkpointed > BACKLOG_FRAMES_MAX) {
    const caught = catchUp(db);
    written.push(...caught.written);
    if (caught.isReaderBlocking) return delayed(db, result(db, 'partial', { written, isReaderBlocking: true }));
    if (db.required !== undefined || db.lostPin !== undefined) return result(db, 'partial', { written });
  }
  const second = useSecond(db);
  const { context } = db;
  if (!takeBarrier(context, second, BARRIER_MS)) {
    db.sealAtMs = context.clock.nowMs() + RETRY_SOON_MS;
    return result(db, 'busy', { written });
  }
  const since = context.monotonicMs();
  let held: Held | undefined;
  let heldMs = 0;
  return withWal(context.files, walPathOf(db), (walFd) => {
    try {
      held = walFd === undefined ? undefined : holdBarrier(db, walFd);
    } finally {
      second.rollback();
      heldMs = context.monotonicMs() - since;
    }
    if (held === undefined || walFd === undefined) return result(db, 'partial', { written, heldMs });
    // The bytes were checked under the barrier and still lie in memory: nothing can change them.
    if (held.batch !== undefined) {
      written.push(publishBatch(db, { walFd, batch: held.batch, confirm: () => undefined }));
    }
    const { isReaderBlocking } = held;
    if (!db.pin.isPending) return delayed(db, result(db, 'partial', { written, heldMs, isReaderBlocking }));
    db.failedSeals = 0;
    db.blockedAtFrames = undefined;
    db.sealAtMs = 0;
    db.hasSyncedSinceCheckpoint = false;
    return result(db, 'restarted', { written, heldMs });
  });
};

/** Everything that happens under the write lock; undefined when the rest was not what or as short as it should be. */
const holdBarrier = (db: FollowedDatabase, walFd: number): Held | undefined => {
  const seen = observe(db, walFd);
  if (seen === undefined) return undefined;
  const before = db.end.header;
  const verdict = judge(db, walFd, seen);
  if (db.end.header !== before) rememberHeader(db);
  if (verdict.kind !== 'continue' || db.required !== undefined) return undefined;
  const logEnd = walOffsetAfter(seen.log, db.pageSize);
  const residualBytes = logEnd - db.end.offset;
  const room = Math.min(RESIDUAL_FRAMES_MAX * frameBytes(db.pageSize), db.context.workspace.frames.length);
  if (residualBytes > room) return undefined;
  const batch =
    residualBytes === 0
      ? undefined
      : capture(db.context.workspace, {
          walFd,
          header: verdict.header,
          from: db.end.offset,
          chain: db.end,
          log: seen.log,
          limitBytes: 0,
        });
  // Never seal what was not read.
  if (batch !== undefined && (batch.end !== logEnd || !batch.isInRoom)) return undefined;
  return { batch, isReaderBlocking: exchangePin(db) };
};

/** PASSIVE while the barrier pins; true when a reader kept it from finishing. There is a pin again afterwards. */
const exchangePin = (db: FollowedDatabase): boolean => {
  db.lostPin = 'the read lock could not be taken again, snapshotting';
  db.pinned.rollback();
  try {
    const deadline = db.context.monotonicMs() + PASSIVE_MS;
    let row = db.control.passive();
    for (let tries = 0; row.isBusy && tries < PASSIVE_TRIES_MAX; tries++) {
      if (db.context.monotonicMs() >= deadline) break;
      row = db.control.passive();
    }
    return !row.isBusy && row.checkpointed < row.log;
  } finally {
    db.pin = beginPin(db);
    db.lostPin = undefined;
  }
};

/** Copies a large backlog without the barrier, as long as it shrinks. */
const catchUp = (db: FollowedDatabase): { written: readonly WrittenFile[]; isReaderBlocking: boolean } => {
  const written: WrittenFile[] = [];
  let backlog = Number.POSITIVE_INFINITY;
  for (let round = 0; round < CATCH_UP_ROUNDS; round++) {
    const { isReaderBlocking } = passive(db);
    if (isReaderBlocking) return { written, isReaderBlocking };
    written.push(...advanceOnce(db));
    const { log, checkpointed } = db.control.noop();
    if (db.required !== undefined || log - checkpointed >= backlog) break;
    backlog = log - checkpointed;
  }
  return { written, isReaderBlocking: false };
};

const advanceOnce = (db: FollowedDatabase): readonly WrittenFile[] => {
  try {
    return advance(db, { limitBytes: db.context.settings.maxSyncWalBytes }).written;
  } catch (error) {
    if (error instanceof WalMoved) return [];
    throw error;
  }
};

/** Moves the pin to the end of the log and lets SQLite copy up to it: no lock that a writer would notice. */
const passive = (db: FollowedDatabase): { readonly isReaderBlocking: boolean } => {
  if (db.pin.isPending || !movePin(db)) return { isReaderBlocking: false };
  const row = db.control.passive();
  return { isReaderBlocking: !row.isBusy && row.checkpointed >= 0 && row.checkpointed < Math.min(row.log, db.pin.log) };
};

/** The checkpoint without a barrier, as a command. */
export const checkpointPassively = (db: FollowedDatabase): CheckpointOutcome => {
  if (db.required !== undefined || db.lostPin !== undefined) return result(db, 'busy').outcome;
  const { log } = db.control.noop();
  if (log <= 0 || (db.pin.isPending && log === db.pin.log)) return result(db, 'notNeeded').outcome;
  if (db.pin.isPending) return result(db, 'busy').outcome;
  const { isReaderBlocking } = passive(db);
  return result(db, 'partial', { isReaderBlocking }).outcome;
};

/**
 * A reader stopped it. One that keeps the same frames back as the last time stays for long: then not again at once (D-7). The
 * snapshot of a transaction that was just under way is gone in a moment.
 */
const delayed = (db: FollowedDatabase, sealed: SealResult): SealResult => {
  const { checkpointedFrames } = sealed.outcome;
  const isSameReader = db.blockedAtFrames === checkpointedFrames;
  db.blockedAtFrames = checkpointedFrames;
  db.failedSeals = isSameReader ? db.failedSeals + 1 : 0;
  const waitMs = isSameReader
    ? Math.min(RETRY_CAP_MS, RETRY_FIRST_MS * 2 ** Math.min(db.failedSeals - 1, 10))
    : RETRY_SOON_MS;
  db.sealAtMs = db.context.clock.nowMs() + waitMs;
  return sealed;
};

const result = (
  db: FollowedDatabase,
  kind: CheckpointOutcome['result'],
  {
    written = [],
    heldMs = 0,
    isReaderBlocking = false,
  }: { readonly written?: readonly WrittenFile[]; readonly heldMs?: number; readonly isReaderBlocking?: boolean } = {},
): SealResult => {
  const { log, checkpointed } = db.control.noop();
  return {
    outcome: {
      result: kind,
      logFrames: Math.max(0, log),
      checkpointedFrames: Math.max(0, checkpointed),
      heldMs,
      isReaderBlocking,
    },
    written,
  };
};
