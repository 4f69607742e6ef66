/** What the operating system's errors mean for the output of a restore; the only place where they become ours. */
import { ReplicationError } from '#errors/replication-error';

/** The errno name of an error of `node:fs`, or `undefined` for anything else. */
export const errnoOf = (error: unknown): string | undefined => {
  if (!(error instanceof Error) || !('code' in error) || !('syscall' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
};

/** Runs a call of the file system; its errors arrive as `DISK_FULL` or `OUTPUT_INVALID`, naming what was done to which path. */
export const onOutput = async <T>(verb: string, path: string, call: () => Promise<T>): Promise<T> => {
  try {
    return await call();
  } catch (error) {
    throw toOutputError(error, verb, path);
  }
};

const toOutputError = (error: unknown, verb: string, path: string): unknown => {
  const errno = errnoOf(error);
  if (errno === undefined) return error;
  const details = { path, errno };
  if (errno === 'ENOSPC' || errno === 'EDQUOT') {
    return new ReplicationError('DISK_FULL', `cannot ${verb} ${path}: no space left (${errno})`, {
      retryable: false,
      hint: 'Free space at the output, or restore to another place with -o.',
      details,
      cause: error,
    });
  }
  return new ReplicationError('OUTPUT_INVALID', `cannot ${verb} ${path}: ${(error as Error).message}`, {
    retryable: false,
    hint: 'Choose another output with -o, or correct the path and its permissions.',
    details,
    cause: error,
  });
};
