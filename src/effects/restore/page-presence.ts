/**
 * Which pages beyond the first file's database a chain has brought. The first file is a snapshot, so everything up to its
 * own size is there; only growth can leave holes.
 */
import { lockPageNumber } from '#domain/page';
import { ReplicationError } from '#errors/replication-error';

const PAGES_PER_CHUNK = 32_768;

export interface PagePresence {
  /** Marks ascending page numbers. */
  mark(pageNumbers: Uint32Array): void;
  /** `LTX_SNAPSHOT_INCOMPLETE` when a page up to `commit`, but for the lock page, never came. */
  requireThrough(commit: number): void;
}

/** Memory: one bit for each page beyond `baseCommit`, in chunks of 4 KiB where pages are. */
export const createPagePresence = (baseCommit: number, pageSize: number): PagePresence => {
  const chunks = new Map<number, Uint8Array>();
  const lockPage = lockPageNumber(pageSize);
  const has = (pageNumber: number): boolean => {
    if (pageNumber <= baseCommit || pageNumber === lockPage) return true;
    const offset = pageNumber - baseCommit - 1;
    const bits = chunks.get(Math.floor(offset / PAGES_PER_CHUNK));
    const bit = offset % PAGES_PER_CHUNK;
    return bits !== undefined && ((bits[bit >>> 3] ?? 0) & (1 << (bit & 7))) !== 0;
  };
  return {
    mark: (pageNumbers) => {
      if ((pageNumbers[pageNumbers.length - 1] ?? 0) <= baseCommit) return;
      for (const pageNumber of pageNumbers) {
        if (pageNumber <= baseCommit) continue;
        const offset = pageNumber - baseCommit - 1;
        const chunk = Math.floor(offset / PAGES_PER_CHUNK);
        const bits = chunks.get(chunk) ?? new Uint8Array(PAGES_PER_CHUNK / 8);
        chunks.set(chunk, bits);
        const bit = offset % PAGES_PER_CHUNK;
        bits[bit >>> 3] = (bits[bit >>> 3] ?? 0) | (1 << (bit & 7));
      }
    },
    requireThrough: (commit) => {
      for (let pageNumber = baseCommit + 1; pageNumber <= commit; pageNumber += 1) {
        if (has(pageNumber)) continue;
        let next = pageNumber + 1;
        while (next <= commit && !has(next)) next += 1;
        throw holeBetween(pageNumber - 1, next);
      }
    },
  };
};

const holeBetween = (before: number, after: number): ReplicationError =>
  new ReplicationError(
    'LTX_SNAPSHOT_INCOMPLETE',
    `nonsequential page numbers in snapshot transaction: ${before},${after}`,
    {
      retryable: false,
      hint: 'The database grew by pages no file of the replica holds: restore an older state, or reset and snapshot again.',
      details: { before, after },
    },
  );
