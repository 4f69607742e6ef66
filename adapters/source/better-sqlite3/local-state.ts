/** Changes of the local level 0 from outside: a file fetched from a replica becomes ours, old files go. */
import { join } from 'node:path';
import { formatLtxName, formatTxid, type Txid } from '#domain/txid';
import { InvariantViolation } from '#errors/replication-error';
import { isAbsent, onSource } from './errors.ts';
import { levelZeroDirectory, levelZeroPath, makeMetadataDirectory } from './level-zero-writer.ts';
import { listLevelZero, verifyFile } from './local-files.ts';
import { pinAndFindStart, publishedOf } from './reopen.ts';
import type { FollowedDatabase } from './state.ts';

/**
 * The staged file replaces the local level 0; where to read on is proven against it, or a full copy is required. A damaged
 * file is refused (`LTX_*`) and nothing changes.
 */
export const adoptStaged = (
  db: FollowedDatabase,
  { stagedPath, txid }: { readonly stagedPath: string; readonly txid: Txid },
): void => {
  const { settings, files, workspace } = db.context;
  const range = { minTxid: txid, maxTxid: txid };
  const { header } = verifyFile(workspace, { path: stagedPath, range, files });
  const directory = levelZeroDirectory(settings.metaPath);
  const path = levelZeroPath(settings.metaPath, txid);
  makeMetadataDirectory(files, directory, settings.databasePath);
  onSource('adopt', path, () => {
    files.rename(stagedPath, path);
    for (const other of listLevelZero(settings.metaPath)) {
      if (other.minTxid !== txid || other.maxTxid !== txid) files.unlink(join(directory, formatLtxName(other)));
    }
    files.syncDirectory(directory);
  });
  const newest = { path, header };
  db.published = publishedOf(newest);
  db.required = undefined;
  db.pinned.rollback();
  db.lostPin = 'the read lock could not be taken again, snapshotting';
  pinAndFindStart(db, newest);
  db.lostPin = undefined;
};

/** Deletes local files by TXID; already gone is fine. The newest stays: it is our position. */
export const trimLocal = (db: FollowedDatabase, txids: readonly Txid[]): void => {
  const { settings, files } = db.context;
  for (const txid of txids) {
    if (txid >= db.published.position) {
      throw new InvariantViolation(
        `the newest local file ${formatTxid(db.published.position)} must stay, ${formatTxid(txid)} was to go`,
      );
    }
  }
  for (const txid of txids) {
    const path = levelZeroPath(settings.metaPath, txid);
    onSource('remove', path, () => {
      try {
        files.unlink(path);
      } catch (error) {
        if (!isAbsent(error)) throw error;
      }
    });
  }
};
