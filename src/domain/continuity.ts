/**
 * May the next file go on where the last one ended, or must it be a full copy? (D-1, D-8, I-10)
 *
 * A WAL generation is what carries the salts of the header. Going on is allowed only with proof that no commit lies between
 * the last frame read (it ended at E) and the place to read from: E in the same generation, 32 in the one after it.
 * Three proofs exist: an unbroken pin, the bytes of the old generation at E, or nothing but the same header. Without proof: full copy.
 *
 * Trap: `journal_size_limit` cuts the file at a restart. A file that ends exactly at E therefore proves nothing about what
 * stood behind E: with the limit at E, ten commits behind E are checkpointed and cut away without a trace, and to have seen the
 * file end there before does not help, since those commits may have come later. Only an unbroken pin would tell. So the answer is a full copy.
 */

/** First byte after the WAL header: where frames begin. */
const FRAMES_START = 32;
const FRAME_HEADER_BYTES = 24;

/** Where the newest local level-0 file says that reading stopped. */
export interface SyncedEnd {
  readonly salt1: number;
  readonly salt2: number;
  /** E: offset after the last frame read, 32 when none was; below 32 when the file says nothing of a WAL. */
  readonly endOffset: number;
  readonly pageSize: number;
}

/** The header as it stands now. */
export type WalHeaderView =
  /** no file, or shorter than a header */
  | { readonly kind: 'absent' }
  /** torn or foreign: SQLite ignores such a WAL, and so do we until it has been written again */
  | { readonly kind: 'invalid' }
  | {
      readonly kind: 'valid';
      readonly salt1: number;
      readonly salt2: number;
      readonly pageSize: number;
      /**
       * All 32 bytes against those read at E: salts alone can be kept by a rewrite. `unknown` when this process has not
       * read the header before.
       */
      readonly bytes: 'same' | 'different' | 'unknown';
    };

/**
 * The frame that ends at E. `intact`: it has the old salts and the checksum remembered; at the start of a process, when none is
 * remembered, the old salts and a page equal to that of the level-0 file. `none`: E is 32, there is no such frame.
 */
export type LastFrameView = 'none' | 'intact' | 'changed' | 'missing';

/** What stands at E, judged with the old salts and the old checksum chain. */
export type EndView =
  /** a valid next frame of the old chain, committed or not */
  | 'nextFrame'
  /** a whole frame's worth of bytes that is no valid next frame of the old chain */
  | 'otherFrame'
  /** fewer bytes than a frame */
  | 'partOfFrame'
  /** nothing: the file ends exactly at E */
  | 'endOfFile'
  /** nothing: the file ends before E */
  | 'beyondEndOfFile';

/**
 * What this process knows of the time since E was read.
 * `held`: the pin was never given up and sat on a nonzero mark, so no restart can have happened.
 * `pending`: the generation was sealed at E under the barrier and the pin has held since, so at most one generation with
 * commits can follow it, whatever its salts (D-7). `broken`: everything else, a new process among it.
 */
export type PinView = 'held' | 'pending' | 'broken';

/** Everything the decision rests on. */
export interface ContinuityInput {
  /** Undefined when there is no local level-0 file. */
  readonly synced: SyncedEnd | undefined;
  readonly header: WalHeaderView;
  readonly lastFrame: LastFrameView;
  readonly atEnd: EndView;
  readonly pin: PinView;
  /** Frames in the log as SQLite counts them (`wal_checkpoint(NOOP)`), read between two equal looks at the header; undefined when not asked. */
  readonly logFrames?: number | undefined;
}

/** Why a full copy is needed: the text for the log and the facts. Where Litestream has the same reason, its words. */
export const snapshotReasons = {
  firstFile: '',
  noWalPosition: 'last ltx file has no wal position, snapshotting',
  misalignedEnd: 'last ltx file ends within a wal frame, snapshotting',
  pageSizeChanged: 'page size changed, snapshotting',
  fileShorter: 'wal truncated by another process',
  lastFrameChanged: 'last page does not exist in last ltx file, wal overwritten by another process',
  headerChangedNothingRead: 'wal header salt reset, snapshotting',
  headerRewritten: 'wal header rewritten with the same salts, snapshotting',
  severalRestarts: 'full or restart checkpoint detected, snapshotting',
  unreadFrames: 'wal restarted while transactions had not been read, snapshotting',
  cutAtEnd: 'wal restarted and cut where reading had ended, snapshotting',
  restartUnderPin: 'wal restarted in spite of the read lock, snapshotting',
} as const;

/** Name of a reason. */
export type SnapshotCause = keyof typeof snapshotReasons;

/** Where to read on, if at all. */
export type ContinuityDecision =
  /** Read on from `from`: E in the same generation, 32 in the next one. */
  | { readonly kind: 'incremental'; readonly from: number }
  | { readonly kind: 'snapshot'; readonly cause: SnapshotCause; readonly reason: string }
  /** Nothing can be said or read until somebody commits; look again. Nothing is adopted. */
  | { readonly kind: 'wait' };

/** The decision. Pure and total. */
export const decideContinuity = (input: ContinuityInput): ContinuityDecision => {
  const { synced, header, pin } = input;
  if (synced === undefined) return snapshot('firstFile');
  if (synced.endOffset < FRAMES_START) return snapshot('noWalPosition');
  const frameBytes = FRAME_HEADER_BYTES + synced.pageSize;
  if ((synced.endOffset - FRAMES_START) % frameBytes !== 0) return snapshot('misalignedEnd');
  if (header.kind !== 'valid') return WAIT;
  if (header.pageSize !== synced.pageSize) return snapshot('pageSizeChanged');
  // Who held the pin has read the header; without that memory a pin proves nothing.
  if (header.bytes === 'unknown') return withoutPin(input, synced, header);
  if (pin === 'pending') return whilePending(input, synced, header);
  if (pin === 'held') return whileHeld(input, synced, header);
  return withoutPin(input, synced, header);
};

type ValidHeader = Extract<WalHeaderView, { readonly kind: 'valid' }>;

const WAIT: ContinuityDecision = { kind: 'wait' };

const snapshot = (cause: SnapshotCause): ContinuityDecision => {
  return { kind: 'snapshot', cause, reason: snapshotReasons[cause] };
};

const hasSalts = (header: ValidHeader, { salt1, salt2 }: SyncedEnd): boolean =>
  header.salt1 === salt1 && header.salt2 === salt2;

const framesAt = ({ endOffset, pageSize }: SyncedEnd): number =>
  (endOffset - FRAMES_START) / (FRAME_HEADER_BYTES + pageSize);

/** Sealed at E: the next writer appends at E, or starts over at 32 (D-7). */
const whilePending = (
  { lastFrame, logFrames }: ContinuityInput,
  synced: SyncedEnd,
  header: ValidHeader,
): ContinuityDecision => {
  const isUnchanged = header.bytes === 'same';
  if (isUnchanged && (lastFrame === 'intact' || lastFrame === 'none')) return from(synced.endOffset);
  if (isUnchanged) return snapshot(lastFrame === 'missing' ? 'fileShorter' : 'lastFrameChanged');
  // A header without a committed frame behind it may be replaced again, with any salts.
  return logFrames === undefined || logFrames <= 0 ? WAIT : from(FRAMES_START);
};

/** Nobody can have restarted the WAL. What says otherwise is a broken promise, answered with a full copy. */
const whileHeld = (
  { lastFrame, logFrames }: ContinuityInput,
  synced: SyncedEnd,
  header: ValidHeader,
): ContinuityDecision => {
  if (header.bytes === 'different' || !hasSalts(header, synced)) return snapshot('restartUnderPin');
  if (logFrames !== undefined && logFrames >= 0 && logFrames < framesAt(synced)) return snapshot('restartUnderPin');
  if (lastFrame === 'missing') return snapshot('fileShorter');
  if (lastFrame === 'changed') return snapshot('lastFrameChanged');
  return from(synced.endOffset);
};

/** A new process, or lost locks: only the bytes can prove anything. */
const withoutPin = (
  { lastFrame, atEnd }: ContinuityInput,
  synced: SyncedEnd,
  header: ValidHeader,
): ContinuityDecision => {
  if (lastFrame === 'none') {
    // No frame of the old generation was read, so there is none whose survival could prove anything.
    if (hasSalts(header, synced) && header.bytes === 'same') return from(FRAMES_START);
    return snapshot(hasSalts(header, synced) ? 'headerRewritten' : 'headerChangedNothingRead');
  }
  if (lastFrame === 'missing') return snapshot('fileShorter');
  if (lastFrame === 'changed') return snapshot('lastFrameChanged');
  if (hasSalts(header, synced)) {
    return header.bytes === 'different' ? snapshot('headerRewritten') : from(synced.endOffset);
  }
  if (header.salt1 !== (synced.salt1 + 1) % 2 ** 32) return snapshot('severalRestarts');
  // Exactly one restart. Frames behind E that it left behind would still stand there, unless the file was cut.
  switch (atEnd) {
    case 'otherFrame':
      return from(FRAMES_START);
    case 'nextFrame':
      return snapshot('unreadFrames');
    case 'beyondEndOfFile':
      return snapshot('fileShorter');
    case 'endOfFile':
    case 'partOfFrame':
      return snapshot('cutAtEnd');
  }
};

const from = (offset: number): ContinuityDecision => {
  return { kind: 'incremental', from: offset };
};
