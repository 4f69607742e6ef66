/** Directories of a file replica: made with the mode and owner of the database's directory, and synced into their parent. */
import { chown, mkdir, open, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { ReplicationError } from '#errors/replication-error';
import { errnoOf, onDisk } from './errors.ts';

/** What new directories and files get; `umask` still applies to modes, a refused change of owner is ignored. */
export interface Ownership {
  readonly directoryMode: number;
  readonly fileMode: number;
  readonly uid: number | undefined;
  readonly gid: number | undefined;
}

const CANNOT_SYNC_DIRECTORY = new Set(['EPERM', 'EINVAL', 'EISDIR', 'EACCES', 'ENOTSUP', 'ENOSYS', 'EBADF']);

/** fsync of a directory; file systems that cannot do it are not an error. */
export const syncDirectory = async (path: string): Promise<void> => {
  try {
    const handle = await open(path, 'r');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (!CANNOT_SYNC_DIRECTORY.has(errnoOf(error) ?? '')) throw error;
  }
};

/** Only root may give files away; everybody else keeps what was made. */
export const ignoreRefusedChown = async (call: Promise<void>): Promise<void> => {
  try {
    await call;
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
  }
};

/** Owner to pass to `chown`; -1 leaves a part as it is. `undefined`: nothing to change. */
export const ownerOf = ({ uid, gid }: Ownership): { readonly uid: number; readonly gid: number } | undefined =>
  uid === undefined && gid === undefined ? undefined : { uid: uid ?? -1, gid: gid ?? -1 };

/** Makes the directory and its missing parents; each new one is durable in its parent when this resolves. */
export const makeDirectories = async (path: string, ownership: Ownership): Promise<void> => {
  try {
    await mkdir(path, { mode: ownership.directoryMode });
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === 'EEXIST') return assertDirectory(path);
    if (errno !== 'ENOENT' || dirname(path) === path) throw error;
    await makeDirectories(dirname(path), ownership);
    return makeDirectories(path, ownership);
  }
  const owner = ownerOf(ownership);
  if (owner !== undefined) await ignoreRefusedChown(chown(path, owner.uid, owner.gid));
  await syncDirectory(dirname(path));
};

/** `STORAGE_UNAVAILABLE` when something that is not a directory stands at the path; a missing path is fine. */
export const assertDirectory = async (path: string): Promise<void> => {
  const stats = await onDisk({ verb: 'look at', path }, () =>
    stat(path).catch((error: unknown) => {
      if (errnoOf(error) === 'ENOENT') return undefined;
      throw error;
    }),
  );
  if (stats === undefined || stats.isDirectory()) return;
  throw new ReplicationError('STORAGE_UNAVAILABLE', `${path} is not a directory: expected one, found a file`, {
    retryable: true,
    hint: 'Correct "path" of the replica, or move the file away.',
    details: { path },
  });
};
