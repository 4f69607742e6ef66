/** Makes the next pass a full copy above everything a replica holds, because that replica cannot go on otherwise. */
import { formatTxid, type Txid } from '#domain/txid';
import type { DatabaseScope } from './database-scope.ts';

/** Never overwrites what is on a replica: the copy gets a TXID above `after` (I-2, I-3). */
export const requireSnapshot = async (scope: DatabaseScope, { after }: { readonly after: Txid }): Promise<void> => {
  await scope.source.requireSnapshot({ after, reason: `a replica cannot continue below ${formatTxid(after)}` });
};
