/** Which files of one compaction level, 1 to 8, may go: those below the floor of the snapshots, and those past a limit of age. */
import { compareRanges, type Txid, type TxidRange } from './txid.ts';

/** Why a file of a level stays or goes. */
export type LevelReason =
  /** goes: it ends below the last snapshot that went */
  | 'belowFloor'
  /** goes: older than the limit of its level, and the next level holds all of it */
  | 'expired'
  | 'inUse'
  | 'newestOfLevel'
  /** older than the limit, but the next level does not hold all of it */
  | 'notCovered';

/** What becomes of one file. */
export interface LevelDecision<File> {
  readonly file: File;
  readonly action: 'keep' | 'delete';
  readonly reason: LevelReason;
}

/** One level, and what may stand in for its files. */
export interface LevelRetentionInput<File> {
  readonly files: readonly File[];
  /** From the plan of the snapshots; 0: nothing is below it. */
  readonly floor: Txid;
  readonly nowMs: number;
  /** Limit of age of this level; undefined: none. */
  readonly retentionMs?: number | undefined;
  /** Files of the next higher level in use, or the snapshots that stay for the highest one. */
  readonly covering: readonly TxidRange[];
}

/**
 * Decisions in ascending order; the newest file of the level always stays. A limit of age shortens fine-grained history, but
 * only where one coarser file holds the same TXIDs, so the newest state and every snapshot that stays remain restorable.
 */
export const planLevelRetention = <File extends TxidRange & { readonly createdAtMs: number }>({
  files,
  floor,
  nowMs,
  retentionMs,
  covering,
}: LevelRetentionInput<File>): readonly LevelDecision<File>[] =>
  [...files].sort(compareRanges).map((file, index, { length }): LevelDecision<File> => {
    if (index === length - 1) return { file, action: 'keep', reason: 'newestOfLevel' };
    if (file.maxTxid < floor) return { file, action: 'delete', reason: 'belowFloor' };
    const isExpired = retentionMs !== undefined && nowMs - file.createdAtMs > retentionMs;
    if (!isExpired) return { file, action: 'keep', reason: 'inUse' };
    const isCovered = covering.some(({ minTxid, maxTxid }) => minTxid <= file.minTxid && file.maxTxid <= maxTxid);
    return isCovered ? { file, action: 'delete', reason: 'expired' } : { file, action: 'keep', reason: 'notCovered' };
  });
