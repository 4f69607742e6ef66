/** Stands in until the real one is there. */
import { formatTxid } from '#domain/txid';
import { ReplicationError } from '#errors/replication-error';
import type { LtxFileInfo } from '#ports/storage';
export const planInterim = (
  all: readonly LtxFileInfo[],
  t: { txid?: bigint | undefined; timestampMs?: number | undefined },
) => {
  const X = t.txid ?? 0n;
  const T = t.timestampMs ?? Infinity;
  const ok = (f: LtxFileInfo) => (X === 0n || f.maxTxid <= X) && f.createdAtMs < T;
  const base = all.filter((f) => f.level === 9 && ok(f)).at(-1);
  const plan = base ? [base] : [];
  let cur = base?.maxTxid ?? 0n;
  const later = (a: LtxFileInfo, b: LtxFileInfo) =>
    a.maxTxid !== b.maxTxid
      ? a.maxTxid > b.maxTxid
      : a.minTxid !== b.minTxid
        ? a.minTxid < b.minTxid
        : a.level > b.level;
  while (!(X && cur >= X)) {
    let best: LtxFileInfo | undefined;
    for (const f of all)
      if (f.level < 9 && f.minTxid <= cur + 1n && f.maxTxid > cur && ok(f) && (!best || later(f, best))) best = f;
    if (!best) break;
    plan.push(best);
    cur = best.maxTxid;
  }
  if (X === 0n) {
    const gap = all.find((f) => f.level < 9 && f.minTxid > cur + 1n && f.createdAtMs < T);
    if (gap && plan.length)
      throw new ReplicationError(
        'RESTORE_GAP',
        `cannot calc restore plan: non-contiguous ltx files: have up to ${formatTxid(cur)} but next file starts at ${formatTxid(gap.minTxid)}`,
        { retryable: false },
      );
  }
  if (!plan.length || (X && cur !== X))
    throw new ReplicationError('RESTORE_NOT_AVAILABLE', 'no matching backup files available', { retryable: false });
  return { files: plan, reachedTxid: cur, reachedMs: Math.max(...plan.map((f) => f.createdAtMs)) };
};
