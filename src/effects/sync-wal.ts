/** One pass over the WAL: what was committed becomes a local level-0 file. */
import type { PassOutcome, WrittenFile } from '#ports/source';
import type { DatabaseScope } from './database-scope.ts';
import { recordCheckpoint, recordWritten } from './record.ts';

/** What the machine needs to know of a pass. */
export interface SyncResult {
  readonly position: bigint;
  readonly snapshotTxid: bigint | undefined;
  readonly isMoreWaiting: boolean;
  readonly walBytes: number;
  readonly isCheckpointOwed: boolean;
}

/** TXID of the newest full copy among the files of a pass. */
export const newestSnapshot = (written: readonly WrittenFile[]): bigint | undefined =>
  written.findLast((file) => file.snapshotReason !== undefined)?.txid;

/** Runs one bounded pass and records what it did. */
export const syncWal = async (scope: DatabaseScope): Promise<SyncResult> => {
  const outcome: PassOutcome = await scope.source.pass();
  await recordWritten(scope, outcome.written);
  if (outcome.sealed !== undefined) await recordCheckpoint(scope, outcome.sealed);
  if (outcome.violations > 0) {
    scope.log.write('error', 'the WAL changed in a way that should be impossible; a full copy was taken', {
      violations: outcome.violations,
    });
  }
  return {
    position: outcome.position,
    snapshotTxid: newestSnapshot(outcome.written),
    isMoreWaiting: outcome.isMoreWaiting,
    walBytes: outcome.checkpointInput.walBytes,
    isCheckpointOwed: outcome.checkpointInput.hasSyncedSinceCheckpoint,
  };
};
