/** A real round trip to a replica that rests: is the newest acknowledged file still there? (D-14) */
import { formatLtxName, type Txid } from '#domain/txid';
import { ReplicationError } from '#errors/replication-error';
import type { DatabaseScope, ReplicaScope } from './database-scope.ts';

/** Bytes of an LTX header. */
const PROBE_BYTES = 100;

/**
 * Reads the head of the newest acknowledged level-0 file. `REPLICA_DIVERGED` (retryable: a new look decides) when it is gone
 * or is another file, for then adding more would only look healthy. Asks nothing when no level-0 file of ours is known to be there.
 */
export const probeNewest = async (
  { path, clock }: Pick<DatabaseScope, 'path' | 'clock'>,
  { name, storage, memory }: ReplicaScope,
  signal: AbortSignal,
): Promise<void> => {
  const through = memory.newestLevelZero;
  if (through === 0n) return;
  const range = { minTxid: through, maxTxid: through };
  try {
    const body = await storage.openLtxFile(0, range, { lengthBytes: PROBE_BYTES }, signal);
    let read = 0;
    for await (const chunk of body) read += chunk.length;
    if (read < PROBE_BYTES) throw missing(path, name, through, `only ${read} of ${PROBE_BYTES} bytes of its header`);
  } catch (error) {
    if (error instanceof ReplicationError && error.code === 'STORAGE_NOT_FOUND') {
      throw missing(path, name, through, 'nothing under that name', error);
    }
    throw error;
  }
  memory.lastProbeMs = clock.nowMs();
  memory.lastContactMs = memory.lastProbeMs;
};

const missing = (path: string, replica: string, txid: Txid, found: string, cause?: unknown): ReplicationError =>
  new ReplicationError(
    'REPLICA_DIVERGED',
    `replica ${replica} of ${path} no longer holds the newest file it acknowledged: expected ` +
      `${formatLtxName({ minTxid: txid, maxTxid: txid })}, found ${found}`,
    {
      retryable: true,
      hint: 'Find out who removes files there; what is missing is sent again.',
      details: { replica },
      cause,
    },
  );
