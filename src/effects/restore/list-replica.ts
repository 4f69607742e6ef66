/** Everything a replica holds, in one look: the files of all levels, and v0.3 backups where the kind can hold them. */
import { ALL_LEVELS, type Level } from '#domain/level';
import { ZERO_TXID } from '#domain/txid';
import { isReplicationError, isRetryableError, messageOf, ReplicationError } from '#errors/replication-error';
import type { ListingMode, LtxFileInfo, ReplicaStorage, V03SegmentInfo, V03SnapshotInfo } from '#ports/storage';
import { inParallel } from './in-parallel.ts';
import { READ_RETRY_DELAY_MS, type ReaderServices } from './resuming-reader.ts';
import { sleep } from './waiting.ts';

const PARALLEL_LISTINGS = 5;
const LISTING_TRIES_MAX = 4;

/** v0.3 backups of all generations; both lists empty when there are none. */
export interface V03Listing {
  readonly snapshots: readonly V03SnapshotInfo[];
  readonly segments: readonly V03SegmentInfo[];
}

/** What a replica held when it was listed. */
export interface ReplicaListing {
  /** By level, ascending; within a level in listing order. */
  readonly files: readonly LtxFileInfo[];
  readonly v03: V03Listing;
}

/** No v0.3 backups. */
export const EMPTY_V03_LISTING: V03Listing = { snapshots: [], segments: [] };

/**
 * Lists all levels in parallel, and v0.3 data when `includesV03`. `exact` delivers the times a restore to a moment needs. A
 * listing that fails in a way that may pass is repeated; then its error is rethrown as "cannot calc restore plan: ...".
 */
export const listReplica = async (
  services: ReaderServices,
  storage: ReplicaStorage,
  { mode, includesV03 }: { readonly mode: ListingMode; readonly includesV03: boolean },
  signal: AbortSignal,
): Promise<ReplicaListing> => {
  const repeat = <T>(what: string, list: () => Promise<T>): Promise<T> => repeated(services, signal, what, list);
  await repeat('replica', () => storage.init(signal));
  const levels = await inParallel(ALL_LEVELS, PARALLEL_LISTINGS, (level) =>
    repeat(`level ${level}`, () => listLevel(storage, level, mode, signal)),
  );
  const v03 = includesV03 ? await repeat('v0.3 backups', () => listV03(storage, signal)) : EMPTY_V03_LISTING;
  return { files: levels.flat(), v03 };
};

const listLevel = async (
  storage: ReplicaStorage,
  level: Level,
  mode: ListingMode,
  signal: AbortSignal,
): Promise<readonly LtxFileInfo[]> => {
  const files: LtxFileInfo[] = [];
  for await (const file of storage.listLtxFiles(level, ZERO_TXID, mode, signal)) files.push(file);
  return files;
};

const listV03 = async ({ v03 }: ReplicaStorage, signal: AbortSignal): Promise<V03Listing> => {
  if (v03 === undefined) return EMPTY_V03_LISTING;
  const generations = await v03.listGenerations(signal);
  const snapshots = await inParallel(generations, PARALLEL_LISTINGS, (name) => v03.listSnapshots(name, signal));
  const segments = await inParallel(generations, PARALLEL_LISTINGS, (name) => v03.listSegments(name, signal));
  return { snapshots: snapshots.flat(), segments: segments.flat() };
};

const repeated = async <T>(
  { clock, random, log }: ReaderServices,
  signal: AbortSignal,
  what: string,
  list: () => Promise<T>,
): Promise<T> => {
  for (let tries = 1; ; tries += 1) {
    try {
      return await list();
    } catch (error) {
      if (!isRetryableError(error) || signal.aborted || tries >= LISTING_TRIES_MAX) throw listingFailed(error);
      log.write('debug', 'repeating listing', { what, tries, error: messageOf(error) });
      await sleep(clock, random.next() * READ_RETRY_DELAY_MS * 2 ** tries, signal, `listing ${what}`);
    }
  }
};

const listingFailed = (error: unknown): unknown => {
  if (!isReplicationError(error) || error.code === 'ABORTED') return error;
  const { code, retryable, hint, details } = error;
  return new ReplicationError(code, `cannot calc restore plan: ${error.message}`, {
    retryable,
    details,
    cause: error,
    ...(hint === undefined ? {} : { hint }),
  });
};
