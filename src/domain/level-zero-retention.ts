/** Which level-0 files may go, beside the database and on a replica (I-25 to I-28, I-31, D-5a, D-16). */
import { compareRanges, type Txid, type TxidRange } from './txid.ts';

/** A local level-0 file. */
export interface LocalLevelZeroFile {
  readonly txid: Txid;
  /** Milliseconds since the epoch. */
  readonly modifiedAtMs: number;
}

/** The local files, and how far the replicas are. */
export interface LocalRetentionInput {
  readonly files: readonly LocalLevelZeroFile[];
  /** Newest TXID acknowledged by each replica; 0 for one that has acknowledged nothing yet. */
  readonly acknowledged: readonly Txid[];
  readonly nowMs: number;
  /** Minimum age; 0: files go as soon as they are compacted, and only those (D-16). */
  readonly retentionMs: number;
  /** End of what every replica has compacted into level 1. Without it compaction is not asked for. */
  readonly compactedThrough?: Txid;
  /**
   * Most files kept beside the newest one for replicas that lag. What lies beyond goes although a replica lacks it; that
   * replica is continued by a full copy later. Without it a lagging replica keeps everything it lacks.
   */
  readonly backlogFilesMax?: number;
}

/**
 * TXIDs of the local files to delete: a prefix of the run, ascending (I-26). Never the newest file, never a file from the
 * newest one on that the slowest replica has acknowledged (D-5a: a common file must remain), nothing younger than the
 * minimum age, and nothing at all without replicas.
 */
export const planLocalRetention = (input: LocalRetentionInput): readonly Txid[] => {
  const files = [...input.files].sort((a, b) => compareTxids(a.txid, b.txid));
  const kept = files.slice(0, keptFrom(files, input)).findIndex((file) => !isDue(file, input));
  return files.slice(0, kept < 0 ? keptFrom(files, input) : kept).map(({ txid }) => txid);
};

/** Index of the first file that must stay whatever its age. */
const keptFrom = (
  files: readonly LocalLevelZeroFile[],
  { acknowledged, backlogFilesMax }: LocalRetentionInput,
): number => {
  if (acknowledged.length === 0) return 0;
  const slowest = acknowledged.reduce((least, txid) => (txid < least ? txid : least));
  const common = files.findLastIndex(({ txid }) => txid <= slowest);
  const beyondBacklog = backlogFilesMax === undefined ? 0 : files.length - 1 - backlogFilesMax;
  return Math.max(0, Math.min(files.length - 1, Math.max(common, beyondBacklog)));
};

const isDue = (
  { txid, modifiedAtMs }: LocalLevelZeroFile,
  { nowMs, retentionMs, compactedThrough }: LocalRetentionInput,
): boolean => {
  if (retentionMs === 0 && compactedThrough === undefined) return false;
  return nowMs - modifiedAtMs >= retentionMs && (compactedThrough === undefined || txid <= compactedThrough);
};

/** Why a level-0 file of a replica stays or goes. */
export type LevelZeroReason =
  /** older than the minimum age, and all of it is in level 1 or below a snapshot: goes */
  | 'compacted'
  | 'tooRecent'
  | 'notCompacted'
  /** due itself, but it goes together with a file that stays: an older one (I-26), or one of the same compacted file */
  | 'heldBack'
  | 'newestOfLevel'
  /** no minimum age is configured: level 0 is never deleted by time */
  | 'unlimited';

/** What becomes of one file. */
export interface LevelZeroDecision<File> {
  readonly file: File;
  readonly action: 'keep' | 'delete';
  readonly reason: LevelZeroReason;
}

/** Level 0 of a replica, and what else holds its TXIDs. */
export interface RemoteLevelZeroInput<File> {
  readonly files: readonly File[];
  /** Every file of level 1, as acknowledged by the replica. */
  readonly levelOne: readonly TxidRange[];
  /** End of the newest snapshot; 0 without one. */
  readonly snapshotTxid: Txid;
  readonly nowMs: number;
  /** Minimum age; 0: nothing is deleted. */
  readonly retentionMs: number;
}

/**
 * What becomes of the level-0 files of a replica, ascending. A file goes only when level 1 reaches it and holds it without a
 * hole (or a snapshot covers it), it is older than the minimum age, everything before it goes as well, and it is not the newest.
 */
export const planRemoteLevelZeroRetention = <File extends TxidRange & { readonly createdAtMs: number }>(
  input: RemoteLevelZeroInput<File>,
): readonly LevelZeroDecision<File>[] => {
  const files = [...input.files].sort(compareRanges);
  const runs = mergeRanges(input.levelOne);
  const reasons = files.map((file, index) => remoteReason(file, index === files.length - 1, runs, input));
  const prefix = reasons.findIndex((reason) => reason !== 'compacted');
  const end = lastBoundary(files, prefix < 0 ? files.length : prefix, input);
  return files.map((file, index) => {
    const reason = reasons[index] ?? 'notCompacted';
    if (index < end) return { file, action: 'delete', reason };
    return { file, action: 'keep', reason: reason === 'compacted' ? 'heldBack' : reason };
  });
};

/**
 * How many of the first `due` files may go. What is left must begin where a compacted file ends: the files left of one that
 * went in part could no longer be reached. The newest file, which stays in any case, may stand alone.
 */
const lastBoundary = <File extends TxidRange>(
  files: readonly File[],
  due: number,
  { levelOne, snapshotTxid }: Omit<RemoteLevelZeroInput<unknown>, 'files'>,
): number => {
  const ends = new Set([snapshotTxid, ...levelOne.map(({ maxTxid }) => maxTxid)]);
  if (due === files.length - 1 && ends.has(files.at(-1)?.maxTxid ?? 0n)) return due;
  return files.slice(0, due).findLastIndex(({ maxTxid }) => ends.has(maxTxid)) + 1;
};

const remoteReason = (
  file: TxidRange & { readonly createdAtMs: number },
  isNewest: boolean,
  runs: readonly TxidRange[],
  { nowMs, retentionMs, snapshotTxid }: Omit<RemoteLevelZeroInput<unknown>, 'files'>,
): LevelZeroReason => {
  if (retentionMs === 0) return 'unlimited';
  if (nowMs - file.createdAtMs < retentionMs) return 'tooRecent';
  const through = runs.at(-1)?.maxTxid ?? 0n;
  const isHeld = file.maxTxid <= snapshotTxid || isInside(file, runs);
  // Above the end of level 1 a file is the source of its next compaction, whatever a snapshot covers.
  if (file.maxTxid > through || !isHeld) return 'notCompacted';
  return isNewest ? 'newestOfLevel' : 'compacted';
};

/** The same TXIDs as disjoint runs, ascending: ranges that touch or overlap become one. */
export const mergeRanges = (ranges: readonly TxidRange[]): readonly TxidRange[] => {
  const runs: TxidRange[] = [];
  for (const range of [...ranges].sort(compareRanges)) {
    const last = runs.at(-1);
    if (last === undefined || range.minTxid > last.maxTxid + 1n) {
      runs.push({ minTxid: range.minTxid, maxTxid: range.maxTxid });
    } else if (range.maxTxid > last.maxTxid) {
      runs[runs.length - 1] = { minTxid: last.minTxid, maxTxid: range.maxTxid };
    }
  }
  return runs;
};

/** True when one of the runs (as of {@link mergeRanges}) holds the whole range. */
export const isInside = (range: TxidRange, runs: readonly TxidRange[]): boolean =>
  runs.some(({ minTxid, maxTxid }) => minTxid <= range.minTxid && range.maxTxid <= maxTxid);

const compareTxids = (a: Txid, b: Txid): number => (a < b ? -1 : a > b ? 1 : 0);
