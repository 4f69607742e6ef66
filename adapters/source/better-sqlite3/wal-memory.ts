/**
 * What one process tells the next about the database, in `<meta>/wal-end.json`: the 32 header bytes of the WAL (salts alone can
 * be kept by a rewrite) and which file the database was (D-4). Absent or unreadable: nothing is known. A hint for more
 * caution, never a proof by itself.
 */
import fs from 'node:fs';
import { join } from 'node:path';
import type { SourceFiles } from './source-files.ts';

const FILE_NAME = 'wal-end.json';

export interface WalMemory {
  /** Hex of the header bytes. */
  readonly walHeader: string;
  /** Inode and time of birth of the database file. */
  readonly database: string;
}

/** Names the file at the path as well as the system can. */
export const describeDatabaseFile = (fd: number): string => {
  const { ino, birthtimeNs } = fs.fstatSync(fd, { bigint: true });
  return `${ino}@${birthtimeNs}`;
};

/** What the last process left. */
export const readWalMemory = (metaPath: string): WalMemory | undefined => {
  try {
    const value: unknown = JSON.parse(fs.readFileSync(join(metaPath, FILE_NAME), 'utf8'));
    if (typeof value !== 'object' || value === null) return undefined;
    if (!('walHeader' in value) || !('database' in value)) return undefined;
    const { walHeader, database } = value;
    return typeof walHeader === 'string' && typeof database === 'string' ? { walHeader, database } : undefined;
  } catch {
    return undefined;
  }
};

/** Replaces it. Not worth failing for: without it the next start knows less and takes a full copy more. */
export const writeWalMemory = (files: SourceFiles, metaPath: string, memory: WalMemory): void => {
  const path = join(metaPath, FILE_NAME);
  const temporary = `${path}.tmp`;
  try {
    const fd = files.open(temporary, 'w', 0o600);
    try {
      files.write(fd, Buffer.from(`${JSON.stringify(memory)}\n`));
    } finally {
      files.close(fd);
    }
    files.rename(temporary, path);
  } catch {
    // See above.
  }
};
