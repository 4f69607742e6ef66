/** Mode and owner that the files of a replica take over from the database (as Litestream does). */
import { stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { StorageTemplate } from './storage-registry.ts';

const PERMISSION_BITS = 0o777;

/**
 * Files like the database file, directories with the mode of its directory; the owner is that of the database file. `undefined`
 * when there is no database yet or it cannot be looked at: then files are private to the user of this process.
 */
export const readStorageTemplate = async (databasePath: string): Promise<StorageTemplate | undefined> => {
  try {
    const [file, directory] = await Promise.all([stat(databasePath), stat(dirname(databasePath))]);
    return {
      fileMode: file.mode & PERMISSION_BITS,
      directoryMode: directory.mode & PERMISSION_BITS,
      uid: file.uid,
      gid: file.gid,
    };
  } catch {
    return undefined;
  }
};
