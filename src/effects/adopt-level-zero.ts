/** Continues the numbering of a replica that is ahead of the local files: its newest level-0 file becomes ours. */
import { formatTxid, type Txid } from '#domain/txid';
import { ReplicationError } from '#errors/replication-error';
import { databaseStream } from '#events/streams';
import type { DatabaseScope } from './database-scope.ts';

/**
 * Fetches the replica's newest level-0 file, verified by the engine when it reads it, and hands it over. The next pass
 * proves continuity against it or writes a full copy. `STORAGE_NOT_FOUND` when the replica has no level-0 file at that TXID.
 */
export const adoptLevelZero = async (
  scope: DatabaseScope,
  { name, txid }: { readonly name: string; readonly txid: Txid },
  signal: AbortSignal,
): Promise<{ readonly position: Txid }> => {
  const replica = scope.replicas.get(name);
  if (replica === undefined) {
    throw new ReplicationError('STORAGE_NOT_FOUND', `replica ${name} of ${scope.path} does not exist`, {
      retryable: true,
    });
  }
  scope.log.write('info', 'detected database behind replica', { replica: name, txid: formatTxid(txid) });
  const range = { minTxid: txid, maxTxid: txid };
  const body = await replica.storage.openLtxFile(0, range, {}, signal);
  const stagedPath = await scope.levelZero.stage(body, signal);
  try {
    await scope.source.adopt({ stagedPath, txid });
  } catch (error) {
    await scope.levelZero.discard(stagedPath);
    throw error;
  }
  await scope.facts.append(databaseStream(scope.path), { type: 'local.adopted', replica: name, txid });
  scope.log.write('info', 'fetched latest L0 file from replica', { replica: name, txid: formatTxid(txid) });
  return { position: txid };
};
