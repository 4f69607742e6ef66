/**
 * A look at the WAL that is consistent in itself, and what it means while the pin holds (D-8). All 32 header bytes count, read
 * before and after SQLite's own counts and equal: salts alone can be kept by a rewrite, which changes the checksum chain.
 */
import { snapshotReasons } from '#domain/continuity';
import { frameBytes, walOffsetAfter } from '#format/wal/frame';
import { WAL_HEADER_BYTES, type WalHeader } from '#format/wal/header';
import type { FollowedDatabase, WalEnd } from './state.ts';
import { type HeaderReading, isFrameIntact, readWalHeader } from './wal-file.ts';

const TRIES = 8;

/** Header and counts that belong together. */
export interface Observation {
  readonly reading: HeaderReading;
  readonly log: number;
  readonly checkpointed: number;
}

/** Undefined when the WAL changed during each of a few looks. */
export const observe = (
  { control }: Pick<FollowedDatabase, 'control'>,
  walFd: number | undefined,
): Observation | undefined => {
  for (let tries = 0; tries < TRIES; tries++) {
    const before = readWalHeader(walFd);
    const { log, checkpointed } = control.noop();
    const after = readWalHeader(walFd);
    // More checkpointed than logged is only a look that met a restart.
    if (log >= 0 && checkpointed <= log && before.bytes.equals(after.bytes))
      return { reading: after, log, checkpointed };
  }
  return undefined;
};

/** The end of a generation of which nothing was read: the chain begins with the checksums of the header. */
export const startOf = (bytes: Buffer, header: WalHeader): WalEnd => ({
  header: bytes,
  salt1: header.salt1,
  salt2: header.salt2,
  offset: WAL_HEADER_BYTES,
  checksum1: header.checksum1,
  checksum2: header.checksum2,
});

/** Offset of everything that had been committed when the pin began. */
export const pinnedEnd = ({ pin, pageSize }: FollowedDatabase): number => walOffsetAfter(pin.log, pageSize);

/** What follows from a look at the WAL. */
export type Verdict =
  /** Nothing was committed since a seal; nothing is adopted. */
  | { readonly kind: 'wait' }
  /** Read on from the end, which may have moved to the start of the next generation. */
  | { readonly kind: 'continue'; readonly header: WalHeader }
  /** The WAL was started over, lawfully, while we looked: look again. */
  | { readonly kind: 'moved' }
  /** What cannot happen while the pin holds has happened. */
  | { readonly kind: 'lost'; readonly reason: string };

/** Judges a look and adopts a restart that was allowed. */
export const judge = (db: FollowedDatabase, walFd: number | undefined, seen: Observation): Verdict => {
  const { reading, log, checkpointed } = seen;
  const isSame = reading.bytes.equals(db.end.header);
  if (db.pin.isPending) {
    if (!isSame) return adoptRestart(db, reading, log);
    // A restart shows in the counts before it shows in the header.
    if (log < db.pin.log || reading.header === undefined) return { kind: 'wait' };
    // Somebody appended: what was pending cannot happen any more.
    if (log > db.pin.log) db.pin = { ...db.pin, isPending: false };
  } else {
    if (!isSame || reading.header === undefined) return { kind: 'lost', reason: snapshotReasons.restartUnderPin };
    const frames = (db.end.offset - WAL_HEADER_BYTES) / frameBytes(db.pageSize);
    if (log < frames || log < db.pin.log) return { kind: 'lost', reason: snapshotReasons.restartUnderPin };
    if (checkpointed > db.pin.log)
      return { kind: 'lost', reason: 'wal checkpointed in spite of the read lock, snapshotting' };
  }
  if (!isEndIntact(db, walFd)) {
    // Between the look and this read the next writer may have started over, and may have come as far as the end.
    const hasMoved = db.pin.isPending && !readWalHeader(walFd).bytes.equals(reading.bytes);
    return hasMoved ? { kind: 'moved' } : { kind: 'lost', reason: snapshotReasons.lastFrameChanged };
  }
  return { kind: 'continue', header: reading.header };
};

/** After a seal any header is lawful: at most one generation with commits can follow (D-7). */
const adoptRestart = (db: FollowedDatabase, { bytes, header }: HeaderReading, log: number): Verdict => {
  if (header === undefined || log === 0) return { kind: 'wait' };
  if (db.end.offset < pinnedEnd(db)) {
    // Its frames are in the database file, which the pin has frozen, but no longer in the WAL.
    db.required = { reason: snapshotReasons.unreadFrames, above: 0n, ...db.required };
  }
  db.end = startOf(bytes, header);
  db.pin = { ...db.pin, log: 0, isPending: false };
  return { kind: 'continue', header };
};

/** The last frame read still carries the checksum remembered: else it was committed, lost and written again. */
const isEndIntact = ({ end, pageSize, required }: FollowedDatabase, walFd: number | undefined): boolean => {
  if (end.offset === WAL_HEADER_BYTES || required !== undefined) return true;
  return isFrameIntact(walFd, end.offset - frameBytes(pageSize), end);
};
