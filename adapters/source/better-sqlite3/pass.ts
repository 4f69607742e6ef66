/**
 * One pass: look, prove, read, encode, publish. Position and end move only with a published file (I-19); a file is published
 * only if the WAL header is the same after the last byte was read as before the first.
 */
import { lockPageNumber } from '#domain/page';
import { laterTxid, nextTxid, type Txid } from '#domain/txid';
import { ReplicationError } from '#errors/replication-error';
import { walOffsetAfter } from '#format/wal/frame';
import { WAL_HEADER_BYTES, type WalHeader } from '#format/wal/header';
import type { WrittenFile } from '#ports/source';
import { type Batch, capture, WalMoved } from './capture.ts';
import { rememberHeader, unsettled } from './continuity.ts';
import { writeLevelZero } from './level-zero-writer.ts';
import { frameOf, type NewestCopies, newestCopies } from './newest-copies.ts';
import { judge, type Observation, observe, pinnedEnd, startOf } from './observe.ts';
import { feedBatch, feedRange, type PageOrigin } from './page-feed.ts';
import { reopenConnections } from './reopen.ts';
import type { FollowedDatabase } from './state.ts';
import { readWal, withWal } from './wal-file.ts';

const TRIES = 6;
/** Looks at a log whose frames do not check out, before the WAL counts as damaged and not as being rewritten. */
const UNREADABLE_LOOKS_MAX = 3;

/** What one step over the WAL brought. */
export interface Advance {
  readonly written: readonly WrittenFile[];
  /** Committed frames are left because of the limit. */
  readonly isCut: boolean;
}

const nothing: Advance = { written: [], isCut: false };

/** Path of the WAL. */
export const walPathOf = ({ context }: Pick<FollowedDatabase, 'context'>): string =>
  `${context.settings.databasePath}-wal`;

/** One file at most; `limitBytes` 0: to the end. */
export const advance = (db: FollowedDatabase, { limitBytes }: { readonly limitBytes: number }): Advance => {
  for (let tries = 0; tries < TRIES; tries++) {
    if (db.lostPin !== undefined) reopenConnections(db, db.lostPin);
    try {
      return withWal(db.context.files, walPathOf(db), (walFd) => step(db, walFd, limitBytes));
    } catch (error) {
      if (!(error instanceof WalMoved)) throw error;
    }
  }
  throw unsettled(db.context.settings.databasePath);
};

const step = (db: FollowedDatabase, walFd: number | undefined, limitBytes: number): Advance => {
  const seen = observe(db, walFd);
  if (seen === undefined) throw new WalMoved('the header changes');
  const before = db.end.header;
  const verdict = judge(db, walFd, seen);
  switch (verdict.kind) {
    case 'lost':
      db.violations += 1;
      db.lostPin = verdict.reason;
      throw new WalMoved(verdict.reason);
    case 'moved':
      throw new WalMoved('the WAL was started over during a look');
    case 'wait':
      // The database file is frozen and holds everything that was committed when the pin began.
      return db.required === undefined ? nothing : writeFrozenCopy(db);
    case 'continue':
      if (db.end.header !== before) rememberHeader(db);
      if (walFd === undefined) throw new WalMoved('the WAL is gone');
      return db.required === undefined
        ? writeIncrement(db, { walFd, header: verdict.header, seen, limitBytes })
        : writeFullCopy(db, { walFd, header: verdict.header, seen });
  }
};

interface Reading {
  readonly walFd: number;
  readonly header: WalHeader;
  readonly seen: Observation;
}

const writeIncrement = (db: FollowedDatabase, reading: Reading & { readonly limitBytes: number }): Advance => {
  const { walFd, header, seen, limitBytes } = reading;
  const logEnd = walOffsetAfter(seen.log, db.pageSize);
  if (db.end.offset >= logEnd) return nothing;
  const from = db.end.offset;
  const batch = capture(db.context.workspace, { walFd, header, from, chain: db.end, log: seen.log, limitBytes });
  if (!batch.isCut) checkReached(db, batch.end, logEnd);
  const written = publishBatch(db, { walFd, batch, confirm: () => confirmHeader(walFd, seen) });
  return { written: [written], isCut: batch.end < logEnd };
};

/** Publishes a captured batch as the next file. Its frames must still lie in memory or be safe in the WAL. */
export const publishBatch = (
  db: FollowedDatabase,
  { walFd, batch, confirm }: { readonly walFd: number; readonly batch: Batch; readonly confirm: () => void },
): WrittenFile => {
  const lockPage = lockPageNumber(db.pageSize);
  const copies = newestCopies(batch, lockPage);
  const origin = { ...originOf(db), wal: { fd: walFd, batch, copies } };
  const fill = missingGrowth(copies, { before: db.published.commit, after: batch.commit, lockPage });
  return publish(db, {
    txid: nextTxid(db.published.position),
    commit: batch.commit,
    walSize: batch.end - batch.from,
    end: { ...db.end, offset: batch.end, ...batch.chain },
    walOffset: batch.from,
    feed: (encoder) => feedBatch(origin, encoder, fill),
    confirm,
  });
};

const originOf = ({ context, pageSize, descriptor }: FollowedDatabase): Omit<PageOrigin, 'wal'> => ({
  workspace: context.workspace,
  pageSize,
  lockPage: lockPageNumber(pageSize),
  databaseFd: descriptor,
});

/** Pages by which the database grew and that have no frame: they must be in the file all the same (I-7, B-13). */
const missingGrowth = (
  copies: NewestCopies,
  { before, after, lockPage }: { readonly before: number; readonly after: number; readonly lockPage: number },
): readonly number[] => {
  const missing: number[] = [];
  for (let page = before + 1; page <= after; page++) {
    if (page !== lockPage && frameOf(copies, page) === undefined) missing.push(page);
  }
  return missing;
};

/** All pages: the newest frame of the generation where there is one, else the database file, which the pin keeps still. */
const writeFullCopy = (db: FollowedDatabase, { walFd, header, seen }: Reading): Advance => {
  const start = startOf(seen.reading.bytes, header);
  const chain = start;
  const batch = capture(db.context.workspace, {
    walFd,
    header,
    from: WAL_HEADER_BYTES,
    chain,
    log: seen.log,
    limitBytes: 0,
  });
  const logEnd = walOffsetAfter(seen.log, db.pageSize);
  checkReached(db, batch.end, logEnd);
  const copies = newestCopies(batch, lockPageNumber(db.pageSize));
  const origin = { ...originOf(db), wal: { fd: walFd, batch, copies } };
  const end = { ...start, offset: batch.end, ...batch.chain };
  const commit = batch.commit === 0 ? db.pin.pageCount : batch.commit;
  const written = publish(db, {
    txid: requiredTxid(db),
    commit,
    walOffset: WAL_HEADER_BYTES,
    walSize: batch.end - WAL_HEADER_BYTES,
    end,
    feed: (encoder) => feedRange(origin, encoder, { first: 1, last: commit }),
    confirm: () => confirmHeader(walFd, seen),
  });
  return { written: [written], isCut: false };
};

/** All that SQLite counts was read. If not: the WAL is being rewritten, or, when that does not end, damaged. */
const checkReached = (db: FollowedDatabase, end: number, logEnd: number): void => {
  if (end === logEnd) {
    db.unreadableLooks = 0;
    return;
  }
  db.unreadableLooks += 1;
  if (db.unreadableLooks > UNREADABLE_LOOKS_MAX) throw damagedWal(db, end, logEnd);
  throw new WalMoved(`frames end at ${end}, the log at ${logEnd}`);
};

/** A full copy while a restart is pending and the WAL holds nothing: all of it is in the database file. */
const writeFrozenCopy = (db: FollowedDatabase): Advance => {
  const commit = db.pin.pageCount;
  const origin = { ...originOf(db), wal: undefined };
  const written = publish(db, {
    txid: requiredTxid(db),
    commit,
    // A place that matches no WAL: whoever reads it later, Litestream included, takes a full copy.
    walOffset: WAL_HEADER_BYTES,
    walSize: 0,
    hasSalts: false,
    end: { ...db.end, offset: pinnedEnd(db) },
    feed: (encoder) => feedRange(origin, encoder, { first: 1, last: commit }),
    confirm: () => undefined,
  });
  return { written: [written], isCut: false };
};

const requiredTxid = ({ published, required }: FollowedDatabase): Txid =>
  nextTxid(laterTxid(published.position, required?.above ?? 0n));

/** The last thing before a file counts: nobody began a new generation while the old one was read. */
const confirmHeader = (walFd: number, { reading }: Observation): void => {
  if (!readWal(walFd, 0, WAL_HEADER_BYTES).equals(reading.bytes)) throw new WalMoved('the WAL was restarted');
};

interface Publication {
  readonly txid: Txid;
  readonly commit: number;
  readonly walOffset: number;
  readonly walSize: number;
  readonly hasSalts?: boolean;
  readonly end: FollowedDatabase['end'];
  readonly feed: Parameters<typeof writeLevelZero>[2]['feed'];
  readonly confirm: () => void;
}

/** Writes the file; only then the state moves. */
const publish = (db: FollowedDatabase, publication: Publication): WrittenFile => {
  const { txid, commit, walOffset, walSize, end, feed, confirm, hasSalts = true } = publication;
  const timestampMs = Math.max(Math.floor(db.context.clock.nowMs()), db.published.timestampMs + 1);
  const header = {
    txid,
    pageSize: db.pageSize,
    commit,
    timestampMs,
    walOffset,
    walSize,
    salt1: hasSalts ? end.salt1 : 0,
    salt2: hasSalts ? end.salt2 : 0,
  };
  const { sizeBytes } = writeLevelZero(db.context, header, { feed, confirm });
  const reason = db.required?.reason;
  db.published = { position: txid, commit, timestampMs };
  db.end = end;
  db.required = undefined;
  db.hasSyncedSinceCheckpoint = true;
  return { txid, sizeBytes, commit, ...(reason === undefined ? {} : { snapshotReason: reason }) };
};

const damagedWal = ({ context }: FollowedDatabase, end: number, logEnd: number): ReplicationError =>
  new ReplicationError(
    'WAL_INVALID',
    `the WAL of ${context.settings.databasePath} is damaged: valid frames end at ${end}, SQLite counts up to ${logEnd}`,
    { retryable: true, hint: 'Run "PRAGMA integrity_check"; a checkpoint may repair it.', details: { end, logEnd } },
  );
