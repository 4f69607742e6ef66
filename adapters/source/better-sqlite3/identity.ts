/** Are the files at the paths still those we opened? (D-4) `stat` only: nothing is opened, no lock is lost. */
import fs from 'node:fs';
import { ReplicationError } from '#errors/replication-error';
import { isAbsent, toSourceError } from './errors.ts';

/** Device and inode of a file; undefined when there is none. */
export interface FileIdentity {
  readonly device: bigint;
  readonly inode: bigint;
}

/** The three files of one database. */
export interface DatabaseIdentity {
  readonly database: FileIdentity | undefined;
  readonly wal: FileIdentity | undefined;
  readonly sharedMemory: FileIdentity | undefined;
}

const identityOf = (path: string): FileIdentity | undefined => {
  try {
    const { dev, ino } = fs.statSync(path, { bigint: true });
    return { device: dev, inode: ino };
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw toSourceError(error, 'look at', path);
  }
};

/** What stands at the paths now. */
export const readIdentity = (path: string): DatabaseIdentity => ({
  database: identityOf(path),
  wal: identityOf(`${path}-wal`),
  sharedMemory: identityOf(`${path}-shm`),
});

/** Identity of an open file. */
export const descriptorIdentity = (fd: number): FileIdentity => {
  const { dev, ino } = fs.fstatSync(fd, { bigint: true });
  return { device: dev, inode: ino };
};

/** True for the same file, or for none twice. */
export const isSameFile = (a: FileIdentity | undefined, b: FileIdentity | undefined): boolean =>
  a?.device === b?.device && a?.inode === b?.inode;

/** `DATABASE_REPLACED`, naming the first of the three files that is another one than before. */
export const checkIdentity = (path: string, before: DatabaseIdentity): void => {
  const now = readIdentity(path);
  const suffixes = { database: '', wal: '-wal', sharedMemory: '-shm' } as const;
  for (const key of ['database', 'wal', 'sharedMemory'] as const) {
    if (isSameFile(before[key], now[key])) continue;
    const what = now[key] === undefined ? 'is gone' : 'is another file than before';
    throw new ReplicationError('DATABASE_REPLACED', `${path}${suffixes[key]} ${what}`, {
      retryable: true,
      hint: 'The database is opened again and a full copy is taken. Stop the daemon before replacing a database.',
      details: { path },
    });
  }
};
