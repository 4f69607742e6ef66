/**
 * Writes a local level-0 file: temporary name, content, fsync, rename, fsync of the directory (I-17, I-18). Whatever fails,
 * no name is left that was not there before (I-19).
 */
import fs from 'node:fs';
import { dirname, join } from 'node:path';
import { formatLtxName, type Txid } from '#domain/txid';
import { isReplicationError } from '#errors/replication-error';
import { LtxEncoder } from '#format/ltx/encoder';
import { type LtxHeader, untrackedHeader } from '#format/ltx/header';
import { foreignCodeOf, isAbsent, onSource, toSourceError } from './errors.ts';
import type { SourceFiles } from './source-files.ts';
import type { SourceContext } from './state.ts';

/** Modes when nothing can be learnt from the database. */
const DIRECTORY_MODE = 0o700;
const FILE_MODE = 0o600;

/** The directory of local level-0 files. */
export const levelZeroDirectory = (metaPath: string): string => join(metaPath, 'ltx', '0');

/** Path of one file. */
export const levelZeroPath = (metaPath: string, txid: Txid): string =>
  join(levelZeroDirectory(metaPath), formatLtxName({ minTxid: txid, maxTxid: txid }));

/** What a file says of itself. */
export interface LevelZeroHeader {
  readonly txid: Txid;
  readonly pageSize: number;
  readonly commit: number;
  readonly timestampMs: number;
  /** At least 32: less would stop Litestream for good when it takes over. */
  readonly walOffset: number;
  readonly walSize: number;
  readonly salt1: number;
  readonly salt2: number;
}

/** The header of the file on disk. */
export const toLtxHeader = (header: LevelZeroHeader): LtxHeader =>
  untrackedHeader({
    pageSize: header.pageSize,
    commit: header.commit,
    minTxid: header.txid,
    maxTxid: header.txid,
    timestampMs: header.timestampMs,
    wal: {
      offset: BigInt(header.walOffset),
      size: BigInt(header.walSize),
      salt1: header.salt1,
      salt2: header.salt2,
    },
  });

interface Ownership {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

const ownershipOf = (path: string): Ownership | undefined => {
  try {
    const { mode, uid, gid } = fs.statSync(path);
    return { mode: mode & 0o777, uid, gid };
  } catch {
    return undefined;
  }
};

/** Gives a new file or directory the owner of another one; a refusal changes nothing. */
const adoptOwner = (path: string, owner: Ownership | undefined): void => {
  if (owner === undefined) return;
  try {
    const { uid, gid } = fs.statSync(path);
    if (uid !== owner.uid || gid !== owner.gid) fs.chownSync(path, owner.uid, owner.gid);
  } catch {
    // Only root may give files away; the mode still holds.
  }
};

/** Makes a directory and its missing parents durable, with mode and owner of the database's directory. */
export const makeMetadataDirectory = (files: SourceFiles, path: string, databasePath: string): void => {
  if (fs.existsSync(path) && fs.statSync(path).isDirectory()) return;
  const parent = dirname(path);
  if (parent !== path) makeMetadataDirectory(files, parent, databasePath);
  const owner = ownershipOf(dirname(databasePath));
  onSource('make directory', path, () => {
    try {
      files.mkdir(path, owner?.mode ?? DIRECTORY_MODE);
    } catch (error) {
      if (foreignCodeOf(error) !== 'EEXIST' || !fs.statSync(path).isDirectory()) throw error;
    }
    adoptOwner(path, owner);
    files.syncDirectory(parent);
  });
};

/** Writes one file and publishes it. `feed` adds the pages; `confirm` is asked last, and throws when they must not count. */
export const writeLevelZero = (
  { settings, files, workspace }: SourceContext,
  header: LevelZeroHeader,
  { feed, confirm }: { readonly feed: (encoder: LtxEncoder) => void; readonly confirm: () => void },
): { readonly sizeBytes: number } => {
  const directory = levelZeroDirectory(settings.metaPath);
  const path = levelZeroPath(settings.metaPath, header.txid);
  const temporary = `${path}.tmp`;
  makeMetadataDirectory(files, directory, settings.databasePath);
  let visible: string | undefined;
  try {
    const owner = ownershipOf(settings.databasePath);
    const fd = files.open(temporary, 'w', owner?.mode ?? FILE_MODE);
    visible = temporary;
    let sizeBytes = 0;
    try {
      adoptOwner(temporary, owner);
      const write = (chunk: Uint8Array): void => files.write(fd, chunk);
      const encoder = new LtxEncoder({
        kernel: workspace.kernel,
        region: workspace.encoder,
        header: toLtxHeader(header),
        write,
        name: path,
      });
      feed(encoder);
      sizeBytes = encoder.finish().sizeBytes;
      confirm();
      files.fsync(fd);
    } finally {
      files.close(fd);
    }
    files.rename(temporary, path);
    visible = path;
    files.syncDirectory(directory);
    return { sizeBytes };
  } catch (error) {
    if (visible !== undefined) removeQuietly(files, visible);
    throw isReplicationError(error) ? error : toSourceError(error, 'write', path);
  }
};

/** After a failure the first error counts. */
const removeQuietly = (files: SourceFiles, path: string): void => {
  try {
    files.unlink(path);
  } catch (error) {
    // A temporary file that cannot be removed now is removed at the next start.
    if (!isAbsent(error)) return;
  }
};
