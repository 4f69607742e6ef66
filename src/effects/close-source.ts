/** Ends the work on the source: a last pass when asked for, then everything is given back. */
import type { DatabaseScope } from './database-scope.ts';
import { recordWritten } from './record.ts';
import { newestSnapshot } from './sync-wal.ts';

/** Closes the source; also right when it was never opened. */
export const closeSource = async (
  scope: DatabaseScope,
  { finalPass }: { readonly finalPass: boolean },
): Promise<{ readonly position: bigint; readonly snapshotTxid: bigint | undefined }> => {
  const outcome = await scope.source.close({ finalPass });
  await recordWritten(scope, outcome.written);
  return { position: outcome.position, snapshotTxid: newestSnapshot(outcome.written) };
};
