/** Removes local level-0 files that nobody needs any more. */
import { planLocalRetention } from '#domain/level-zero-retention';
import type { DatabaseScope } from './database-scope.ts';

/** Keeps what is not uploaded everywhere, what is young, and the newest acknowledged file of each replica (D-5a, I-26). */
export const trimLocal = async (scope: DatabaseScope): Promise<void> => {
  if (scope.l0RetentionMs === 0) return;
  const files = await scope.levelZero.list();
  const txids = planLocalRetention({
    files: files.map((file) => ({ txid: file.maxTxid, modifiedAtMs: file.modifiedAtMs })),
    acknowledged: [...scope.replicas.values()].map((replica) => replica.memory.acknowledged),
    nowMs: scope.clock.nowMs(),
    retentionMs: scope.l0RetentionMs,
  });
  if (txids.length > 0) await scope.source.trim(txids);
};
