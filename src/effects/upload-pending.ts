/** Sends local level-0 files to one replica in TXID order, and bridges a hole with a snapshot made of a local full copy. */
import { SNAPSHOT_LEVEL } from '#domain/level';
import { formatTxid, type Txid } from '#domain/txid';
import { errorCodeOf } from '#errors/replication-error';
import type { LocalLtxFile } from '#ports/level-zero';
import type { DatabaseScope, ReplicaScope } from './database-scope.ts';
import type { FullCopies } from './full-copies.ts';
import { probeNewest } from './probe-replica.ts';

/** Which local files a replica lacks. */
export interface UploadRequest {
  /** Newest acknowledged TXID. */
  readonly after: Txid;
  /** Newest local TXID. */
  readonly through: Txid;
  /** Newest TXID a restore from the replica reaches. */
  readonly coveredThrough: Txid;
}

/** Where the replica stands afterwards; `needsSnapshot`: a hole that no local full copy bridges. */
export interface UploadResult {
  readonly uploadedThrough: Txid;
  readonly coveredThrough: Txid;
  readonly needsSnapshot: boolean;
}

/** A resting replica is asked again after this long; cheap destinations before every batch. */
const PROBE_EVERY_MS = 300_000;

/**
 * Uploads at most one batch. Invariants I-20 (in order), I-17 (the storage's promise), R1. A local file that is missing is
 * looked for once more in the listing: only a later full copy can bridge the hole, else the answer is `needsSnapshot`.
 */
export const uploadPending = async (
  scope: DatabaseScope,
  replica: ReplicaScope,
  { after, through, coveredThrough }: UploadRequest,
  fullCopies: FullCopies,
  signal: AbortSignal,
): Promise<UploadResult> => {
  if (through <= after) return { uploadedThrough: after, coveredThrough, needsSnapshot: false };
  if (after > 0n && coveredThrough === after && isProbeDue(scope, replica)) {
    await probeNewest(scope, replica, signal);
  }
  let uploaded = after;
  let covered = coveredThrough;
  const limit = replica.maxSyncLtxFiles === 0 ? Number.POSITIVE_INFINITY : replica.maxSyncLtxFiles;
  for (let count = 0; count < limit && uploaded < through; count += 1) {
    const isContinued = covered === uploaded && !(await fullCopies.hasOtherPageSize(scope.levelZero, uploaded + 1n));
    const next = isContinued ? uploaded + 1n : undefined;
    if (next !== undefined && (await uploadFile(scope, replica, next, signal))) {
      uploaded = next;
      covered = next;
    } else {
      const bridge = await findFullCopy(scope, fullCopies, uploaded);
      if (bridge === undefined) return { uploadedThrough: uploaded, coveredThrough: covered, needsSnapshot: true };
      await uploadBridge(scope, replica, bridge, fullCopies, signal);
      uploaded = bridge.maxTxid;
      covered = bridge.maxTxid;
    }
    replica.memory.acknowledged = uploaded;
    replica.memory.newestLevelZero = uploaded;
  }
  return { uploadedThrough: uploaded, coveredThrough: covered, needsSnapshot: false };
};

const isProbeDue = ({ clock }: DatabaseScope, { storage, memory }: ReplicaScope): boolean =>
  storage.hasCheapReads === true ||
  memory.lastProbeMs === undefined ||
  clock.nowMs() - memory.lastProbeMs >= PROBE_EVERY_MS;

/** False when the local file is gone. */
const uploadFile = async (
  scope: DatabaseScope,
  replica: ReplicaScope,
  txid: Txid,
  signal: AbortSignal,
): Promise<boolean> => {
  try {
    const info = await replica.uploads.run(async () => {
      const body = await scope.levelZero.open(txid, signal);
      return replica.storage.writeLtxFile(0, { minTxid: txid, maxTxid: txid }, body, signal);
    }, signal);
    noteContact(scope, replica);
    replica.log.write('debug', 'ltx file uploaded', {
      level: 0,
      minTXID: formatTxid(txid),
      maxTXID: formatTxid(txid),
      size: info.sizeBytes,
    });
    return true;
  } catch (error) {
    if (errorCodeOf(error) === 'LTX_FILE_MISSING') return false;
    throw error;
  }
};

/** The first local full copy above `after`, if any. */
const findFullCopy = async (
  { levelZero }: DatabaseScope,
  fullCopies: FullCopies,
  after: Txid,
): Promise<LocalLtxFile | undefined> => {
  for (const file of await levelZero.list()) {
    if (file.minTxid > after && (await fullCopies.isFullCopy(levelZero, file))) return file;
  }
  return undefined;
};

/** First the base, then the increment of the same content: whoever sees the second can restore. */
const uploadBridge = async (
  scope: DatabaseScope,
  replica: ReplicaScope,
  file: LocalLtxFile,
  fullCopies: FullCopies,
  signal: AbortSignal,
): Promise<void> => {
  const txid = file.maxTxid;
  if (txid > 1n) {
    await replica.uploads.run(async () => {
      const body = fullCopies.asSnapshot(scope.levelZero, txid, signal);
      await replica.storage.writeLtxFile(SNAPSHOT_LEVEL, { minTxid: 1n, maxTxid: txid }, body, signal);
    }, signal);
  }
  const info = await replica.uploads.run(async () => {
    const body = await scope.levelZero.open(txid, signal);
    return replica.storage.writeLtxFile(0, { minTxid: txid, maxTxid: txid }, body, signal);
  }, signal);
  noteContact(scope, replica);
  replica.log.write('info', 'snapshot complete', { txid: formatTxid(txid), size: info.sizeBytes });
};

const noteContact = ({ clock }: DatabaseScope, { memory }: ReplicaScope): void => {
  memory.lastContactMs = clock.nowMs();
  memory.lastProbeMs = memory.lastContactMs;
};
