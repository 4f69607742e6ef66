/**
 * Looks at the place of the output before anything is fetched. Nothing is deleted here: a restore that fails leaves the
 * old database as it was; what has to go is returned, and goes right before the rename.
 */
import { ReplicationError } from '#errors/replication-error';
import type { OutputFiles, OutputOwnership } from '#ports/output-files';

/** Files SQLite keeps beside a database; one left behind would be replayed into the restored file. */
const SIDECAR_SUFFIXES = ['-wal', '-shm', '-journal'] as const;

/** A temporary file of Litestream's own restore, with its sidecars. */
const FOREIGN_TEMP_SUFFIX = '.tmp';

/** TXID note of a follower; says nothing about a database restored anew. */
const TXID_NOTE_SUFFIX = '-txid';

const DEFAULT_MODE = 0o600;

/** A place that may be restored to. */
export interface PreparedOutput {
  readonly path: string;
  /** An old file is there and may be replaced. */
  readonly mayReplace: boolean;
  /** That of the old file; 0600 when there is none. */
  readonly ownership: OutputOwnership;
  /** To be removed right before the rename. */
  readonly obstacles: readonly string[];
}

/** True when anything is at the path; what `-if-db-not-exists` asks. */
export const isOutputThere = async (files: OutputFiles, path: string): Promise<boolean> =>
  (await files.inspect(path)) !== undefined;

/**
 * Checks the output. `OUTPUT_INVALID` for a directory; without `force` `OUTPUT_EXISTS` for a file that is not empty and
 * for any sidecar, main file or not.
 */
export const prepareOutput = async (files: OutputFiles, path: string, force: boolean): Promise<PreparedOutput> => {
  const entry = await files.inspect(path);
  if (entry !== undefined && entry.kind !== 'file') throw notAFile(path, entry.kind);
  if (entry !== undefined && entry.sizeBytes > 0 && !force) throw outputExists(path);
  const sidecars: string[] = [];
  for (const candidate of sidecarsOf(path)) {
    if ((await files.inspect(candidate)) === undefined) continue;
    if (!force) throw sidecarExists(candidate);
    sidecars.push(candidate);
  }
  return {
    path,
    mayReplace: entry !== undefined,
    ownership: entry === undefined ? { mode: DEFAULT_MODE } : { mode: entry.mode, uid: entry.uid, gid: entry.gid },
    obstacles: [...sidecars, `${path}${TXID_NOTE_SUFFIX}`],
  };
};

const sidecarsOf = (path: string): readonly string[] => {
  const foreign = `${path}${FOREIGN_TEMP_SUFFIX}`;
  return [...SIDECAR_SUFFIXES.map((suffix) => path + suffix), foreign, ...SIDECAR_SUFFIXES.map((s) => foreign + s)];
};

const notAFile = (path: string, kind: string): ReplicationError =>
  new ReplicationError(
    'OUTPUT_INVALID',
    kind === 'directory'
      ? `cannot restore, output path is a directory: ${path}`
      : `cannot restore, output path is not a regular file: ${path}`,
    { retryable: false, hint: 'Name a file with -o.', details: { path } },
  );

const outputExists = (path: string): ReplicationError =>
  new ReplicationError(
    'OUTPUT_EXISTS',
    `cannot restore, output path already exists and is not empty: ${path}. Use -force to overwrite`,
    { retryable: false, details: { path } },
  );

const sidecarExists = (path: string): ReplicationError =>
  new ReplicationError(
    'OUTPUT_EXISTS',
    `cannot restore, SQLite sidecar path already exists: ${path}. Use -force to overwrite`,
    { retryable: false, details: { path } },
  );
