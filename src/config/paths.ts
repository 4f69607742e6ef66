/** Local paths as users write them in files, flags and arguments. */
import { resolve } from 'node:path';
import { ReplicationError } from '#errors/replication-error';

/** What relative paths and `~` mean. */
export interface PathContext {
  /** Absolute working directory. */
  readonly cwd: string;
  /** Home directory of the user; undefined when there is none. */
  readonly homeDirectory: string | undefined;
}

/**
 * Absolute path: a leading `sqlite3://` or `sqlite://` is dropped, `~` and `~/` become the home directory, the rest is
 * resolved against the working directory and cleaned lexically; symbolic links stay. `CONFIG_INVALID` when `~` is used
 * without a home directory.
 */
export const expandPath = (text: string, { cwd, homeDirectory }: PathContext): string => {
  const path = text.replace(/^sqlite3?:\/\//, '');
  if (path !== '~' && !path.startsWith('~/')) {
    return resolve(cwd, path);
  }
  if (homeDirectory === undefined || homeDirectory === '') {
    throw new ReplicationError('CONFIG_INVALID', `cannot expand ${path}: there is no home directory`, {
      retryable: false,
      hint: 'Set HOME or write the absolute path.',
    });
  }
  return resolve(homeDirectory, path.slice(2));
};

/** True when the text is a URL of any scheme, `sqlite://` included. */
export const isUrl = (text: string): boolean => /^\w+:\/\//.test(text);

/** True when the text names a replica, not a database path: a URL of a scheme other than `sqlite`. */
export const isReplicaUrl = (text: string): boolean => isUrl(text) && !/^sqlite3?:\/\//.test(text);
