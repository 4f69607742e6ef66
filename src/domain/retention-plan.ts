/** What becomes of every file of a replica, level by level, with the reason: for pruning, and for showing it first. */
import { COMPACTION_LEVEL_MAX, type Level, SNAPSHOT_LEVEL } from './level.ts';
import type { LevelReason } from './level-retention.ts';
import { planLevelRetention } from './level-retention.ts';
import { type LevelZeroReason, planRemoteLevelZeroRetention } from './level-zero-retention.ts';
import { planSnapshotRetention, type SnapshotReason } from './snapshot-retention.ts';
import { laterTxid, type TxidRange, ZERO_TXID } from './txid.ts';

/** A file of a replica as listed. */
export interface RetainableFile extends TxidRange {
  readonly level: Level;
  /** Milliseconds since the epoch. */
  readonly createdAtMs: number;
}

/** Every reason; `retentionDisabled`: nothing is deleted at all. */
export type RetentionReason = SnapshotReason | LevelReason | LevelZeroReason | 'retentionDisabled';

/** What becomes of one file. */
export interface RetentionDecision<File> {
  readonly file: File;
  readonly action: 'keep' | 'delete';
  readonly reason: RetentionReason;
}

/** What is configured for the replica. */
export interface RetentionSettings {
  /** False: the replica's provider deletes by rules of its own; we delete nothing there. */
  readonly isEnabled: boolean;
  /** Age up to which every moment stays restorable, > 0. */
  readonly snapshotRetentionMs: number;
  /** Minimum age of a level-0 file before it goes; 0: level 0 stays. */
  readonly levelZeroRetentionMs: number;
  /** Compaction levels in use, with a limit of age where one is configured. */
  readonly levels: readonly { readonly level: Level; readonly retentionMs?: number | undefined }[];
}

/**
 * Decisions for all files: level 9 first, then 8 down to 0, each ascending. The listing must be complete: a level that could
 * not be listed must not be passed as empty (I-28).
 */
export const retentionPlan = <File extends RetainableFile>(
  files: readonly File[],
  settings: RetentionSettings,
  nowMs: number,
): readonly RetentionDecision<File>[] => {
  const atLevel = (level: number): readonly File[] => files.filter((file) => file.level === level);
  const snapshots = planSnapshotRetention(atLevel(SNAPSHOT_LEVEL), {
    nowMs,
    retentionMs: settings.snapshotRetentionMs,
  });
  const keptSnapshots = snapshots.decisions.filter(({ action }) => action === 'keep').map(({ file }) => file);
  const plan: RetentionDecision<File>[] = [...snapshots.decisions];
  for (let level = COMPACTION_LEVEL_MAX; level >= 1; level -= 1) {
    const configured = settings.levels.find((entry) => entry.level === level);
    const next = settings.levels.map((entry) => entry.level).filter((other) => other > level);
    plan.push(
      ...planLevelRetention({
        files: atLevel(level),
        floor: snapshots.floor,
        nowMs,
        retentionMs: configured?.retentionMs,
        covering: next.length === 0 ? keptSnapshots : atLevel(Math.min(...next)),
      }),
    );
  }
  plan.push(
    ...planRemoteLevelZeroRetention({
      files: atLevel(0),
      levelOne: atLevel(1),
      snapshotTxid: keptSnapshots.reduce((txid, { maxTxid }) => laterTxid(txid, maxTxid), ZERO_TXID),
      nowMs,
      retentionMs: settings.levelZeroRetentionMs,
    }),
  );
  if (settings.isEnabled) return plan;
  return plan.map(({ file }) => {
    return { file, action: 'keep', reason: 'retentionDisabled' };
  });
};
