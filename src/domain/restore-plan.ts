/**
 * Which LTX files give a state, and what state that is (R-3, R-4, RI-3).
 *
 * Start at the newest snapshot the target allows. From there always take the file, of any level from 8 to 0, that leads
 * furthest without leaving a gap: one that begins at or below the next TXID. Overlap is fine.
 */
import { ReplicationError } from '#errors/replication-error';
import { COMPACTION_LEVEL_MAX, type Level, SNAPSHOT_LEVEL } from './level.ts';
import { compareRanges, formatTxid, type Txid, type TxidRange, ZERO_TXID } from './txid.ts';

/** What planning must know of a file. Times are those of the headers when the target is a time. */
export interface PlannableFile extends TxidRange {
  readonly level: Level;
  readonly sizeBytes: number;
  /** Milliseconds since the epoch. */
  readonly createdAtMs: number;
}

/** Which state: the newest when empty, else one of the two. Both at once is the caller's error. */
export interface LtxTarget {
  /** Exactly this TXID; 0 means none. */
  readonly txid?: Txid | undefined;
  /** Only files strictly older than this instant, ms since the epoch. */
  readonly timestampMs?: number | undefined;
}

/** Files in the order they are applied; the first begins at TXID 1. */
export interface RestorePlan<File> {
  readonly files: readonly File[];
  /** TXID the plan ends at. */
  readonly reachedTxid: Txid;
  /** Time of the newest file used, ms since the epoch: the state is that of this moment. */
  readonly reachedMs: number;
}

/** Header and trailer alone are 116 bytes; the limit is the header, as in Litestream. */
const FILE_BYTES_MIN = 100;

/** One level being walked: what was passed is summed up in its best candidate. */
interface Cursor<File> {
  readonly files: readonly File[];
  next: number;
  best: File | undefined;
}

/**
 * The plan for a target. Needs the listing of all levels in any order, and memory in proportion to the number of files.
 *
 * `RESTORE_NOT_AVAILABLE`: nothing leads to the target. `RESTORE_GAP`: files the target asks for lie beyond a hole
 * (newest state, or a time). `LTX_TRUNCATED`: a file of the plan is too small to be one.
 */
export const planRestore = <File extends PlannableFile>(
  files: readonly File[],
  target: LtxTarget,
): RestorePlan<File> => {
  const txid = target.txid ?? ZERO_TXID;
  const timestampMs = target.timestampMs ?? Number.POSITIVE_INFINITY;
  const eligible = files
    .filter((file) => (txid === ZERO_TXID || file.maxTxid <= txid) && file.createdAtMs < timestampMs)
    .sort(compareRanges);
  const plan = walk(eligible, txid);
  const reachedTxid = plan.at(-1)?.maxTxid ?? ZERO_TXID;
  if (txid === ZERO_TXID && !(target.timestampMs !== undefined && isThinned(files, reachedTxid))) {
    refuseGap(eligible, reachedTxid);
  }
  if (plan.length === 0 || (txid !== ZERO_TXID && reachedTxid !== txid)) throw notAvailable(reachedTxid, target);
  plan.forEach(refuseTiny);
  const reachedMs = plan.reduce((newest, { createdAtMs }) => Math.max(newest, createdAtMs), Number.NEGATIVE_INFINITY);
  return { files: plan, reachedTxid, reachedMs };
};

/** `eligible` ascends by (min, max); `through` 0 means as far as it goes. */
const walk = <File extends PlannableFile>(eligible: readonly File[], through: Txid): readonly File[] => {
  // A snapshot that does not begin at TXID 1 cannot be a base; nobody writes such, but a listing may hold anything.
  const base = eligible.findLast(({ level, minTxid }) => level === SNAPSHOT_LEVEL && minTxid === 1n);
  const plan = base === undefined ? [] : [base];
  let reached = base?.maxTxid ?? ZERO_TXID;
  const cursors = Array.from({ length: COMPACTION_LEVEL_MAX + 1 }, (_, level): Cursor<File> => {
    return { files: eligible.filter((file) => file.level === level), next: 0, best: undefined };
  });
  while (through === ZERO_TXID || reached < through) {
    const best = cursors.reduce<File | undefined>((sofar, cursor) => {
      const candidate = advance(cursor, reached);
      return candidate !== undefined && (sofar === undefined || isBetter(candidate, sofar)) ? candidate : sofar;
    }, undefined);
    if (best === undefined) break;
    plan.push(best);
    reached = best.maxTxid;
  }
  return plan;
};

/** Passes every file that begins at or below the next TXID; the best of those that lead on, if any. */
const advance = <File extends PlannableFile>(cursor: Cursor<File>, reached: Txid): File | undefined => {
  for (; cursor.next < cursor.files.length; cursor.next += 1) {
    const file = cursor.files[cursor.next];
    if (file === undefined || file.minTxid > reached + 1n) break;
    if (cursor.best === undefined || isBetter(file, cursor.best)) cursor.best = file;
  }
  if (cursor.best !== undefined && cursor.best.maxTxid <= reached) cursor.best = undefined;
  return cursor.best;
};

/** Further; then from further back; then the higher level; then the older file. */
const isBetter = (a: PlannableFile, b: PlannableFile): boolean => {
  if (a.maxTxid !== b.maxTxid) return a.maxTxid > b.maxTxid;
  if (a.minTxid !== b.minTxid) return a.minTxid < b.minTxid;
  if (a.level !== b.level) return a.level > b.level;
  return a.createdAtMs < b.createdAtMs;
};

/**
 * True when nothing is lost, only too new for the target: before the first base, and where compaction has put the next TXID
 * into a file of a later time. Then the state reached is the nearest one that was kept, not a consequence of damage.
 */
const isThinned = (files: readonly PlannableFile[], reached: Txid): boolean =>
  reached === ZERO_TXID || files.some(({ minTxid, maxTxid }) => minTxid <= reached + 1n && maxTxid > reached);

const refuseGap = (eligible: readonly PlannableFile[], reached: Txid): void => {
  const beyond = eligible.find(({ level, minTxid }) => level !== SNAPSHOT_LEVEL && minTxid > reached + 1n);
  if (beyond === undefined) return;
  const [upTo, next] = [formatTxid(reached), formatTxid(beyond.minTxid)];
  throw new ReplicationError(
    'RESTORE_GAP',
    `cannot calc restore plan: non-contiguous ltx files: have up to ${upTo} but next file starts at ${next}`,
    {
      retryable: false,
      hint: `Restore the state before the gap with -txid ${upTo}, or from another replica.`,
      details: { reached: upTo, next },
    },
  );
};

const refuseTiny = ({ level, minTxid, maxTxid, sizeBytes }: PlannableFile): void => {
  if (sizeBytes >= FILE_BYTES_MIN) return;
  const [min, max] = [formatTxid(minTxid), formatTxid(maxTxid)];
  throw new ReplicationError(
    'LTX_TRUNCATED',
    `invalid ltx file: level=${level} min=${min} max=${max} has size ${sizeBytes} bytes (minimum ${FILE_BYTES_MIN})`,
    {
      retryable: false,
      hint: 'Restore from another replica, or to a TXID before this file with -txid.',
      details: { level, minTxid, maxTxid, sizeBytes },
    },
  );
};

const notAvailable = (reached: Txid, { txid, timestampMs }: LtxTarget): ReplicationError =>
  new ReplicationError('RESTORE_NOT_AVAILABLE', 'no matching backup files available', {
    retryable: false,
    hint: 'Look at what there is with "ltx -level all", or choose another -txid or -timestamp.',
    details: {
      reached: formatTxid(reached),
      ...(txid === undefined ? {} : { txid: formatTxid(txid) }),
      ...(timestampMs === undefined ? {} : { timestampMs }),
    },
  });
