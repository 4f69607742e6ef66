/** Listing a level of a file replica: names from the directory, sizes and times from the files. */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Level } from '#domain/level';
import { compareRanges, parseLtxName, type Txid, type TxidRange } from '#domain/txid';
import { messageOf, throwIfAborted } from '#errors/replication-error';
import type { Clock } from '#ports/clock';
import type { Log } from '#ports/log';
import type { ListingMode, LtxFileInfo } from '#ports/storage';
import { withGrace } from '../abort.ts';
import { mapBounded } from '../bounded.ts';
import { LTX_HEADER_BYTES, readLtxCreationTime } from '../ltx-body.ts';
import { errnoOf, onDisk } from './errors.ts';
import { readHead } from './read.ts';

const BATCH_FILES = 256;
const PARALLEL_FILES = 16;
const CACHED_TIMES_MAX = 20_000;

/** Times of headers already read. Files are immutable, so a name with the same inode, size and mtime has the same header. */
export type HeaderTimeCache = Map<string, { readonly identity: string; readonly createdAtMs: number }>;

/** A listing's surroundings. */
export interface FileListing {
  readonly directory: string;
  readonly level: Level;
  readonly from: Txid;
  readonly mode: ListingMode;
  readonly signal: AbortSignal;
  readonly headerTimes: HeaderTimeCache;
  readonly log: Log | undefined;
  readonly clock: Clock | undefined;
}

interface NamedRange extends TxidRange {
  readonly name: string;
}

/** Names of a directory; none when the directory does not exist. */
export const readNames = (directory: string): Promise<readonly string[]> =>
  onDisk({ verb: 'list', path: directory }, async () => {
    try {
      return await readdir(directory);
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return [];
      throw error;
    }
  });

/** Every LTX file from `from`, ascending; at most 256 files are looked at ahead of the consumer. */
export async function* listFiles(listing: FileListing): AsyncGenerator<LtxFileInfo, void, undefined> {
  const { directory, from, signal, clock } = listing;
  const waiting = { signal, clock, what: `listing ${directory}` };
  throwIfAborted(signal, waiting.what);
  const ranges: NamedRange[] = [];
  for (const name of await withGrace(readNames(directory), waiting)) {
    const range = parseLtxName(name);
    if (range !== undefined && range.minTxid >= from) ranges.push({ ...range, name });
  }
  ranges.sort(compareRanges);
  for (let start = 0; start < ranges.length; start += BATCH_FILES) {
    throwIfAborted(signal, waiting.what);
    const batch = ranges.slice(start, start + BATCH_FILES);
    const looks = mapBounded(batch, PARALLEL_FILES, (range) => inspect(listing, range));
    const infos = await withGrace(looks, waiting);
    for (const info of infos) if (info !== undefined) yield info;
  }
}

/** One file, or `undefined` when it vanished meanwhile or is not a file. */
const inspect = async (listing: FileListing, range: NamedRange): Promise<LtxFileInfo | undefined> => {
  const path = join(listing.directory, range.name);
  const stats = await onDisk({ verb: 'look at', path }, () => stat(path)).catch((error: unknown) => {
    if (errnoOf((error as Error).cause) === 'ENOENT') return undefined;
    throw error;
  });
  if (stats === undefined || !stats.isFile()) return undefined;
  const mtimeMs = Math.round(stats.mtimeMs);
  const file = {
    level: listing.level,
    minTxid: range.minTxid,
    maxTxid: range.maxTxid,
    sizeBytes: stats.size,
    createdAtMs: mtimeMs,
  };
  if (listing.mode === 'fast') return file;
  const identity = `${stats.ino}:${stats.size}:${stats.mtimeMs}`;
  return { ...file, createdAtMs: await headerTime(listing, { path, identity, mtimeMs }) };
};

/**
 * The header's time wins over the modification time (a copy or a checkout loses that); the modification time stands in
 * for a header that cannot be read, with a warning: whoever restores the file meets the real error.
 */
const headerTime = async (
  { headerTimes, log }: FileListing,
  { path, identity, mtimeMs }: { readonly path: string; readonly identity: string; readonly mtimeMs: number },
): Promise<number> => {
  const cached = headerTimes.get(path);
  if (cached?.identity === identity) return cached.createdAtMs;
  let createdAtMs: number | undefined;
  try {
    createdAtMs = readLtxCreationTime(await readHead(path, LTX_HEADER_BYTES));
  } catch (error) {
    log?.write('warn', 'cannot read ltx header, using modification time', { path, error: messageOf(error) });
    return mtimeMs;
  }
  if (headerTimes.size >= CACHED_TIMES_MAX) headerTimes.clear();
  headerTimes.set(path, { identity, createdAtMs: createdAtMs ?? mtimeMs });
  if (createdAtMs === undefined) {
    log?.write('warn', 'no ltx header, using modification time', { path });
    return mtimeMs;
  }
  if (Math.abs(createdAtMs - mtimeMs) > 1) {
    log?.write('warn', 'modification time differs from ltx header, using the header', {
      path,
      mtime: new Date(mtimeMs).toISOString(),
    });
  }
  return createdAtMs;
};
