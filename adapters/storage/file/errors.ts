/** What the operating system's errors mean for a file replica; the only place where they become ours. */
import { ReplicationError } from '#errors/replication-error';

/** The errno name of an error of `node:fs`, or `undefined` for anything else. */
export const errnoOf = (error: unknown): string | undefined => {
  if (!(error instanceof Error) || !('code' in error) || !('syscall' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
};

const UNAVAILABLE_HINTS: Readonly<Record<string, string>> = {
  ENOTDIR:
    'A part of the path is a file where a directory is expected: correct "path" of the replica, or move the file away.',
  EISDIR: 'A directory stands where a file is expected: move it away.',
  ENAMETOOLONG: 'Use a shorter "path" for the replica.',
  ELOOP: 'A symbolic link in the path points back to itself: correct the link.',
  EMFILE: 'Raise the limit of open files of the process (LimitNOFILE, ulimit -n).',
  ENFILE: 'The system is out of file descriptors: raise fs.file-max.',
  EIO: 'The device or the network file system reports an input/output error: check it.',
  ESTALE: 'The network file system lost the directory: check the mount.',
};

/** What was being done to which path; `verb` in the form "write", "list". */
export interface FileWork {
  readonly verb: string;
  readonly path: string;
}

/** The error to throw for `error`; anything that is not an error of the file system comes back as it is. */
export const toStorageError = (error: unknown, { verb, path }: FileWork): unknown => {
  const errno = errnoOf(error);
  if (errno === undefined) return error;
  const details = { path, errno };
  switch (errno) {
    case 'ENOENT':
      return new ReplicationError('STORAGE_NOT_FOUND', `cannot ${verb} ${path}: the file does not exist`, {
        retryable: false,
        details,
        cause: error,
      });
    case 'ENOSPC':
    case 'EDQUOT':
      return new ReplicationError(
        'DISK_FULL',
        `cannot ${verb} ${path}: ${errno === 'ENOSPC' ? 'no space left on the device' : 'the disk quota is exhausted'}`,
        { retryable: true, hint: 'Free space or raise the quota; the upload is repeated.', details, cause: error },
      );
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return new ReplicationError(
        'STORAGE_ACCESS_DENIED',
        `cannot ${verb} ${path}: ${errno === 'EROFS' ? 'the file system is read-only' : 'permission denied'} (${errno})`,
        {
          retryable: true,
          hint: 'Give the user of this process read and write access to the directory; the work is repeated.',
          details,
          cause: error,
        },
      );
    default:
      return new ReplicationError(
        'STORAGE_UNAVAILABLE',
        `cannot ${verb} ${path}: ${errno === 'ENOTDIR' ? 'expected a directory, found something else' : (error as Error).message}`,
        { retryable: true, hint: UNAVAILABLE_HINTS[errno] ?? 'Check the file system.', details, cause: error },
      );
  }
};

/** Runs one call of the file system and translates what it throws. */
export const onDisk = async <T>(work: FileWork, call: () => Promise<T>): Promise<T> => {
  try {
    return await call();
  } catch (error) {
    throw toStorageError(error, work);
  }
};
