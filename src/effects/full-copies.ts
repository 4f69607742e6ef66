/** Local level-0 files that hold every page of the database: what a replica with a hole is continued from. */
import { snapshotPageCount } from '#domain/page';
import { formatLtxName, type Txid } from '#domain/txid';
import type { Kernel } from '#format/kernel/kernel';
import { createKernel } from '#format/kernel/load';
import { decodeLtxHeader, LTX_HEADER_BYTES } from '#format/ltx/header';
import { INDEX_TAIL_BYTES, parsePageIndexTail } from '#format/ltx/page-index';
import { reheadLtx } from '#format/ltx/rehead';
import type { LevelZeroFiles, LocalLtxFile } from '#ports/level-zero';
import type { ByteStream } from '#ports/storage';

/** Full copies among local files, and the snapshots they make. */
export interface FullCopies {
  /** Does this level-0 file hold every page of the database? False when it is gone. */
  isFullCopy(levelZero: LevelZeroFiles, file: LocalLtxFile): Promise<boolean>;
  /**
   * Has this level-0 file another page size than the one before it? Then no restore can put the two together: the history
   * begins anew and needs a base. False when one of them is gone.
   */
  hasOtherPageSize(levelZero: LevelZeroFiles, txid: Txid): Promise<boolean>;
  /** The bytes of the level-9 file `1-N` with the content of the full copy N; verified when it ends. */
  asSnapshot(levelZero: LevelZeroFiles, txid: Txid, signal: AbortSignal): ByteStream;
}

/** Memory of one copy under way: pages are passed through, a few at a time. */
const ARENA_BYTES = 8 * 1024 * 1024;

/** Full copies read with kernels that are kept for the next one. */
export const createFullCopies = (): FullCopies => {
  const idle: Kernel[] = [];
  return {
    isFullCopy: async (levelZero, file) => {
      let tailBytes = INDEX_TAIL_BYTES;
      for (;;) {
        const ends = await levelZero.readEnds(file.maxTxid, { headBytes: LTX_HEADER_BYTES, tailBytes });
        if (ends === undefined) return false;
        const name = formatLtxName(file);
        const { commit, pageSize } = decodeLtxHeader(ends.head, name);
        const tail = parsePageIndexTail(ends.tail, ends.sizeBytes, name);
        if (tail.kind === 'index') return tail.index.pageNumbers.length === snapshotPageCount(commit, pageSize);
        tailBytes = tail.tailBytes;
      }
    },
    hasOtherPageSize: async (levelZero, txid) => {
      const pageSize = await pageSizeOf(levelZero, txid);
      const before = await pageSizeOf(levelZero, txid - 1n);
      return pageSize !== undefined && before !== undefined && pageSize !== before;
    },
    asSnapshot: async function* (levelZero, txid, signal) {
      const kernel = idle.pop() ?? createKernel({ arenaBytes: ARENA_BYTES });
      try {
        const range = { minTxid: txid, maxTxid: txid };
        const copy = { name: formatLtxName(range), range, open: () => levelZero.open(txid, signal) };
        yield* reheadLtx(copy, { kernel, signal });
      } finally {
        idle.push(kernel);
      }
    },
  };
};

const pageSizeOf = async (levelZero: LevelZeroFiles, txid: Txid): Promise<number | undefined> => {
  if (txid === 0n) return undefined;
  const ends = await levelZero.readEnds(txid, { headBytes: LTX_HEADER_BYTES, tailBytes: 0 });
  if (ends === undefined) return undefined;
  return decodeLtxHeader(ends.head, formatLtxName({ minTxid: txid, maxTxid: txid })).pageSize;
};
