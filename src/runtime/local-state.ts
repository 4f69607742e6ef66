/** The local replication state of a database, read from files only: no daemon, no replica, no lock. */
import { stat } from 'node:fs/promises';
import { createLevelZeroFiles } from '#adapters/level-zero/node/level-zero-files';
import type { DatabaseSettings } from '#config/types';
import type { Txid } from '#domain/txid';
import { isReplicationError } from '#errors/replication-error';

/** `txid` is the highest local one; `walBytes` is 0 without a WAL and undefined when it cannot be looked at. */
export interface LocalState {
  readonly status: 'ok' | 'not initialized' | 'no database' | 'error';
  readonly txid: Txid | undefined;
  readonly walBytes: number | undefined;
}

const isAbsent = (error: unknown): boolean => error instanceof Error && 'code' in error && error.code === 'ENOENT';

const sizeOf = async (path: string): Promise<number | 'absent' | undefined> => {
  try {
    return (await stat(path)).size;
  } catch (error) {
    return isAbsent(error) ? 'absent' : undefined;
  }
};

/** `error` when the metadata directory cannot be read; never throws for what it finds. */
export const readLocalState = async ({
  path,
  metaPath,
}: Pick<DatabaseSettings, 'path' | 'metaPath'>): Promise<LocalState> => {
  if ((await sizeOf(path)) === 'absent') return { status: 'no database', txid: undefined, walBytes: undefined };
  const wal = await sizeOf(`${path}-wal`);
  const walBytes = wal === 'absent' ? 0 : wal;
  try {
    const txid = (await createLevelZeroFiles(metaPath, 'status').list()).at(-1)?.maxTxid;
    return { status: txid === undefined ? 'not initialized' : 'ok', txid, walBytes };
  } catch (error) {
    if (!isReplicationError(error)) throw error;
    return { status: 'error', txid: undefined, walBytes };
  }
};
