/** What lies in a file replica, or in a local metadata directory: the LTX files by level, as names and sizes. */
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';

/** One LTX file. TXIDs are 16 hex digits, as in its name. */
export interface ReplicaFile {
  readonly level: number;
  readonly minTxid: string;
  readonly maxTxid: string;
  readonly sizeBytes: number;
  readonly path: string;
}

const ltxName = /^([0-9a-f]{16})-([0-9a-f]{16})\.ltx$/;

/** Every LTX file below `<path>/ltx`, by level, then by name; none when nothing is there. Files that vanish are left out. */
export async function listReplicaFiles(path: string): Promise<readonly ReplicaFile[]> {
  const found: ReplicaFile[] = [];
  for (let level = 0; level <= 9; level++) {
    const folder = join(path, 'ltx', String(level));
    const names = await readdir(folder).catch(() => []);
    for (const name of names.toSorted()) {
      const [, minTxid, maxTxid] = ltxName.exec(name) ?? [];
      if (minTxid === undefined || maxTxid === undefined) continue;
      const info = await stat(join(folder, name)).catch(() => undefined);
      if (info !== undefined) found.push({ level, minTxid, maxTxid, sizeBytes: info.size, path: join(folder, name) });
    }
  }
  return found;
}

/** The highest TXID at any level, 0 for an empty replica. */
export async function newestTxid(path: string): Promise<bigint> {
  const files = await listReplicaFiles(path);
  return files.reduce((newest, { maxTxid }) => {
    const txid = BigInt(`0x${maxTxid}`);
    return txid > newest ? txid : newest;
  }, 0n);
}

/** Names of everything below a folder with the bytes of each file, to prove that nothing was changed. */
export async function contentOf(path: string): Promise<ReadonlyMap<string, string>> {
  const entries = await readdir(path, { recursive: true, withFileTypes: true }).catch(() => []);
  const content = new Map<string, string>();
  for (const entry of entries) {
    if (!entry.isFile()) continue;
    const full = join(entry.parentPath, entry.name);
    content.set(full.slice(path.length + 1), (await readFile(full)).toString('base64'));
  }
  return content;
}
