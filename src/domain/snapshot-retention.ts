/** Which level-9 files may go (D-10, I-25, B-34). */
import { compareRanges, type Txid, type TxidRange, ZERO_TXID } from './txid.ts';

/** Why a snapshot stays or goes. */
export type SnapshotReason =
  /** younger than the retention */
  | 'withinWindow'
  /** the newest one older than the window: the earliest moments of the window need it as a base */
  | 'baseOfWindow'
  | 'newestSnapshot'
  /** goes: no moment of the window needs it */
  | 'beyondWindow';

/** What becomes of one snapshot. */
export interface SnapshotDecision<File> {
  readonly file: File;
  readonly action: 'keep' | 'delete';
  readonly reason: SnapshotReason;
}

export interface SnapshotRetention<File> {
  /** Ascending by TXID. */
  readonly decisions: readonly SnapshotDecision<File>[];
  /**
   * Level files that end below this TXID are of no use; 0: none are. It is the end of the last snapshot that goes, not of the
   * first that stays, so that a restore planned from the former still finds what follows it.
   */
  readonly floor: Txid;
}

/** Snapshots older than `retentionMs` go, but for the newest of those (D-10) and the newest of all. A prefix only. */
export const planSnapshotRetention = <File extends TxidRange & { readonly createdAtMs: number }>(
  files: readonly File[],
  { nowMs, retentionMs }: { readonly nowMs: number; readonly retentionMs: number },
): SnapshotRetention<File> => {
  const snapshots = [...files].sort(compareRanges);
  const isWithin = ({ createdAtMs }: File): boolean => createdAtMs >= nowMs - retentionMs;
  const firstWithin = snapshots.findIndex(isWithin);
  const base = (firstWithin < 0 ? snapshots.length : firstWithin) - 1;
  const decisions = snapshots.map((file, index): SnapshotDecision<File> => {
    if (index < base) return { file, action: 'delete', reason: 'beyondWindow' };
    if (index === snapshots.length - 1) return { file, action: 'keep', reason: 'newestSnapshot' };
    // With a clock that was put back, an old time may follow a young one: it stays with those around it.
    return { file, action: 'keep', reason: index === base ? 'baseOfWindow' : 'withinWindow' };
  });
  return { decisions, floor: snapshots[base - 1]?.maxTxid ?? ZERO_TXID };
};
