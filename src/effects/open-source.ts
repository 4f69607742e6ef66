/** Opens the database: connections, pin, lock; and says so once. */
import { formatTxid } from '#domain/txid';
import { databaseStream } from '#events/streams';
import type { OpenOutcome } from '#ports/source';
import type { DatabaseScope } from './database-scope.ts';

/** Opens the source, or finds that there is no file yet. Everything opened so far is given back on failure. */
export const openSource = async ({ source, facts, log, path }: DatabaseScope): Promise<OpenOutcome> => {
  const outcome = await source.open();
  if (outcome.kind === 'opened') {
    await facts.append(databaseStream(path), {
      type: 'database.opened',
      verdict: outcome.position === 0n ? 'new' : 'known',
      position: outcome.position,
    });
    log.write('debug', 'database opened', { path, txid: formatTxid(outcome.position), 'wal-bytes': outcome.walBytes });
  }
  return outcome;
};
