/** The LTX files of replicas, for commands that show them. */
import { setMaxListeners } from 'node:events';
import { createSystemClock } from '#adapters/clock/system/system-clock';
import { createSeededRandom } from '#adapters/random/seeded/seeded-random';
import type { ReplicaSettings } from '#config/replica-types';
import type { Level } from '#domain/level';
import { type TxidRange, ZERO_TXID } from '#domain/txid';
import type { Log } from '#ports/log';
import { createStorage } from './storage-registry.ts';

/** One file of one replica. */
export interface ListedFile extends TxidRange {
  /** Name of the replica. */
  readonly replica: string;
  readonly level: number;
  readonly sizeBytes: number;
  readonly createdAtMs: number;
}

/** Files by replica, in the order given, then by level and TXID. A replica that holds nothing gives none. `STORAGE_*`. */
export const listReplicaFiles = async (
  replicas: readonly ReplicaSettings[],
  levels: readonly Level[],
  log: Log,
  signal: AbortSignal,
): Promise<readonly ListedFile[]> => {
  // Every file being looked at listens; their number is bounded, but above Node's idea of a leak.
  setMaxListeners(0, signal);
  const clock = createSystemClock();
  const random = createSeededRandom((clock.nowMs() ^ (process.pid << 8)) >>> 0);
  const found: ListedFile[] = [];
  for (const replica of replicas) {
    const storage = await createStorage(replica, { clock, random, log });
    try {
      // Reading the head of every remote file only to print its time would take too long.
      const mode = storage.hasCheapReads === true ? 'exact' : 'fast';
      for (const level of levels) {
        for await (const { minTxid, maxTxid, sizeBytes, createdAtMs } of storage.listLtxFiles(
          level,
          ZERO_TXID,
          mode,
          signal,
        )) {
          found.push({ replica: replica.name, level, minTxid, maxTxid, sizeBytes, createdAtMs });
        }
      }
    } finally {
      await storage.close();
    }
  }
  return found;
};
