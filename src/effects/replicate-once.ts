/** One complete pass over one database without any machine: read, upload everywhere, close. For `replicate -once`. */
import { formatTxid, laterTxid, type Txid } from '#domain/txid';
import { ReplicationError } from '#errors/replication-error';
import { adoptLevelZero } from './adopt-level-zero.ts';
import { closeSource } from './close-source.ts';
import type { DatabaseScope, ReplicaScope } from './database-scope.ts';
import type { FullCopies } from './full-copies.ts';
import { type Inspection, inspectReplica } from './inspect-replica.ts';
import { openSource } from './open-source.ts';
import { requireSnapshot } from './require-snapshot.ts';
import { syncWal } from './sync-wal.ts';
import { uploadPending } from './upload-pending.ts';

/** What happened to one replica. */
interface Failed {
  readonly replica: string;
  readonly error: unknown;
}

/**
 * Syncs one database once. Every replica is tried; the failures of replicas come back, a failure of the database itself is
 * thrown. `DATABASE_NOT_FOUND` when there is no file. The source is closed in every case.
 */
export const replicateOnce = async (
  scope: DatabaseScope,
  fullCopies: FullCopies,
  signal: AbortSignal,
): Promise<readonly Failed[]> => {
  const opened = await openSource(scope);
  if (opened.kind === 'absent') {
    throw new ReplicationError('DATABASE_NOT_FOUND', `no position, waiting for data: ${scope.path} does not exist`, {
      retryable: true,
      hint: 'Create the database, or correct its path in the configuration.',
      details: { path: scope.path },
    });
  }
  try {
    const failed: Failed[] = [];
    const looked: { readonly replica: ReplicaScope; inspection: Inspection }[] = [];
    for (const replica of scope.replicas.values()) {
      try {
        looked.push({ replica, inspection: await inspectReplica(scope, replica, opened.position, signal) });
      } catch (error) {
        failed.push({ replica: replica.name, error });
      }
    }
    await continueAhead(scope, looked, opened.position, signal);
    const read = await readToTheEnd(scope);
    for (const { replica, inspection } of looked) {
      try {
        await uploadAll(scope, replica, inspection, read, fullCopies, signal);
      } catch (error) {
        failed.push({ replica: replica.name, error });
      }
    }
    return failed;
  } finally {
    await closeSource(scope, { finalPass: false });
  }
};

/** Numbering goes on above every replica (I-3): by its newest file where that is possible, else by a full copy. */
const continueAhead = async (
  scope: DatabaseScope,
  looked: { readonly replica: ReplicaScope; inspection: Inspection }[],
  localPosition: Txid,
  signal: AbortSignal,
): Promise<void> => {
  let position = localPosition;
  const ahead = looked
    .filter(({ inspection }) => inspection.verdict === 'ahead')
    .sort((a, b) => (a.inspection.highestTxid < b.inspection.highestTxid ? 1 : -1))[0];
  if (ahead !== undefined) {
    try {
      const request = { name: ahead.replica.name, txid: ahead.inspection.highestTxid };
      ({ position } = await adoptLevelZero(scope, request, signal));
    } catch (error) {
      if (!(error instanceof ReplicationError)) throw error;
      await requireSnapshot(scope, { after: ahead.inspection.highestTxid });
    }
    for (const look of looked) look.inspection = await inspectReplica(scope, look.replica, position, signal);
  }
  const isForeign = ({ inspection }: { inspection: Inspection }): boolean =>
    inspection.verdict === 'foreign' || inspection.verdict === 'unreachable' || inspection.verdict === 'ahead';
  const foreign = looked.filter(isForeign);
  if (foreign.length > 0) {
    const after = foreign.reduce((highest, { inspection }) => laterTxid(highest, inspection.highestTxid), position);
    await requireSnapshot(scope, { after });
  }
};

/** Where the passes ended, and the newest full copy among what they wrote. */
interface Read {
  readonly position: Txid;
  readonly snapshotTxid: Txid | undefined;
}

const readToTheEnd = async (scope: DatabaseScope): Promise<Read> => {
  let newest: Txid | undefined;
  for (;;) {
    const { position, snapshotTxid, isMoreWaiting } = await syncWal(scope);
    newest = snapshotTxid ?? newest;
    if (!isMoreWaiting) return { position, snapshotTxid: newest };
  }
};

const uploadAll = async (
  scope: DatabaseScope,
  replica: ReplicaScope,
  inspection: Inspection,
  { position: through, snapshotTxid }: Read,
  fullCopies: FullCopies,
  signal: AbortSignal,
): Promise<void> => {
  const isOurs = inspection.verdict === 'empty' || inspection.verdict === 'same' || inspection.verdict === 'behind';
  // What is not ours is continued by the full copy that was just written, and by nothing before it.
  let after = isOurs ? inspection.uploadedThrough : (snapshotTxid ?? through) - 1n;
  let coveredThrough = inspection.coveredThrough;
  while (after < through) {
    const result = await uploadPending(scope, replica, { after, through, coveredThrough }, fullCopies, signal);
    if (result.needsSnapshot) {
      // Asking again would write full copies without end.
      if (!isOurs) throw neverBridged(scope, replica, through);
      await requireSnapshot(scope, { after: laterTxid(through, inspection.highestTxid) });
      const read = await readToTheEnd(scope);
      await uploadAll(scope, replica, { ...inspection, verdict: 'foreign', coveredThrough }, read, fullCopies, signal);
      return;
    }
    after = result.uploadedThrough;
    coveredThrough = result.coveredThrough;
  }
};

const neverBridged = (scope: DatabaseScope, replica: ReplicaScope, through: Txid): ReplicationError =>
  new ReplicationError(
    'LTX_FILE_MISSING',
    `replica ${replica.name} of ${scope.path} cannot be continued: no local full copy leads to ${formatTxid(through)}`,
    {
      retryable: true,
      hint: 'Run the command again; something removes the local files.',
      details: { path: scope.path },
    },
  );
