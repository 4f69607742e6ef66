/** What SQLite's and the operating system's errors mean for a source; the only place where they become ours. */
import { isReplicationError, messageOf, ReplicationError } from '#errors/replication-error';

/** The errno name or SQLite's extended result code of a foreign error; empty for anything else. */
export const foreignCodeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' && !isReplicationError(error)
    ? error.code
    : '';

/** True when a lock is held by somebody else: an answer, not a failure. */
export const isBusy = (error: unknown): boolean => /^SQLITE_(?:BUSY|LOCKED)/.test(foreignCodeOf(error));

/** True when something does not exist. */
export const isAbsent = (error: unknown): boolean => foreignCodeOf(error) === 'ENOENT';

interface Meaning {
  readonly code: ConstructorParameters<typeof ReplicationError>[0];
  readonly retryable: boolean;
  readonly hint: string;
}

const DISK_FULL: Meaning = {
  code: 'DISK_FULL',
  retryable: true,
  hint: 'Free space on the device; replication goes on by itself.',
};
const READ_ONLY: Meaning = {
  code: 'DATABASE_READ_ONLY',
  retryable: true,
  hint: 'Replication writes beside the database: make file, directory and file system writable.',
};
const UNREADABLE: Meaning = {
  code: 'DATABASE_UNREADABLE',
  retryable: true,
  hint: 'Check owner, mode and kind of the path and its directory.',
};

/** By errno or by the beginning of SQLite's code, first match wins; everything else is {@link UNREADABLE}. */
const meanings: readonly (readonly [RegExp, Meaning])[] = [
  [/^(?:ENOSPC|EDQUOT|SQLITE_FULL)$/, DISK_FULL],
  [/^(?:EROFS|SQLITE_READONLY.*)$/, READ_ONLY],
  [
    /^SQLITE_(?:BUSY|LOCKED)/,
    {
      code: 'DATABASE_BUSY',
      retryable: true,
      hint: 'It is tried again; a transaction of the application may be long.',
    },
  ],
  [
    /^SQLITE_NOTADB/,
    {
      code: 'DATABASE_NOT_A_DATABASE',
      retryable: true,
      hint: 'Check the path; encrypted databases cannot be replicated.',
    },
  ],
  [
    /^SQLITE_CORRUPT/,
    { code: 'DATABASE_CORRUPT', retryable: true, hint: 'Run "PRAGMA integrity_check", or restore the database.' },
  ],
];

const diskFullTexts =
  /no space left on device|disk quota exceeded|database or disk is full|not enough space on the disk/i;

/** A foreign error as ours, naming what was done to which path; errors that are ours already pass through. */
export const toSourceError = (error: unknown, doing: string, path: string): unknown => {
  const code = foreignCodeOf(error);
  if (code === '') return error;
  const meaning = diskFullTexts.test(messageOf(error))
    ? DISK_FULL
    : (meanings.find(([pattern]) => pattern.test(code))?.[1] ?? UNREADABLE);
  return new ReplicationError(meaning.code, `cannot ${doing} ${path}: ${messageOf(error)} (${code})`, {
    retryable: meaning.retryable,
    hint: meaning.hint,
    details: { path, cause: code },
    cause: error,
  });
};

/** Runs a call; foreign errors arrive as ours. */
export const onSource = <T>(doing: string, path: string, call: () => T): T => {
  try {
    return call();
  } catch (error) {
    throw toSourceError(error, doing, path);
  }
};
