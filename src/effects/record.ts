/** Facts and log lines about work done on the source. */
import { formatTxid } from '#domain/txid';
import { databaseStream } from '#events/streams';
import type { CheckpointOutcome, WrittenFile } from '#ports/source';
import type { DatabaseScope } from './database-scope.ts';

/** Says which files were written; a full copy is a fact with its reason. */
export const recordWritten = async (scope: DatabaseScope, written: readonly WrittenFile[]): Promise<void> => {
  for (const file of written) {
    scope.log.write('debug', 'ltx file written', { txid: formatTxid(file.txid), size: file.sizeBytes });
    if (file.snapshotReason === undefined) continue;
    if (file.snapshotReason !== '') {
      scope.log.write('info', 'full copy of the database', {
        txid: formatTxid(file.txid),
        reason: file.snapshotReason,
        size: file.sizeBytes,
      });
    }
    await scope.facts.append(databaseStream(scope.path), {
      type: 'snapshot.forced',
      txid: file.txid,
      reason: file.snapshotReason,
    });
  }
};

/** Says how a checkpoint ended. A restart is a fact; a reader in the way is a warning once it lasts. */
export const recordCheckpoint = async (scope: DatabaseScope, outcome: CheckpointOutcome): Promise<void> => {
  if (outcome.result === 'restarted') {
    await scope.facts.append(databaseStream(scope.path), {
      type: 'wal.checkpointed',
      mode: 'sealed',
      frames: outcome.checkpointedFrames,
      heldMs: roundedMs(outcome.heldMs),
    });
  }
  scope.log.write('debug', 'checkpoint', {
    result: outcome.result,
    frames: outcome.logFrames,
    checkpointed: outcome.checkpointedFrames,
    'held-ms': roundedMs(outcome.heldMs),
    'blocked-by-reader': outcome.isReaderBlocking,
  });
};

/** To a tenth of a millisecond: more digits say nothing. */
const roundedMs = (ms: number): number => Math.round(ms * 10) / 10;
