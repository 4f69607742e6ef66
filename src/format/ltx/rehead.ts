/**
 * A full copy as a snapshot: a level-0 file N-N that holds every page becomes the level-9 file 1-N with the same pages.
 * The WAL position is the snapshot's: the last frame the copy accounts for, or 32 / 0 when there is none.
 */

import { transformLtx } from './compactor.ts';
import { type LtxHeader, untrackedHeader } from './header.ts';
import type { MergeOptions } from './merge.ts';
import type { LtxInput } from './merge-input.ts';

const WAL_HEADER_BYTES = 32n;
const WAL_FRAME_HEADER_BYTES = 24n;

/** The header of a snapshot made from a full copy: TXIDs 1 to the copy's last, everything else as the copy says. */
export const snapshotHeaderOf = (copy: LtxHeader): LtxHeader => {
  const { pageSize, commit, maxTxid, timestampMs, walOffset, walSize, walSalt1: salt1, walSalt2: salt2 } = copy;
  const fields = { pageSize, commit, minTxid: 1n, maxTxid, timestampMs };
  if (walOffset === 0n) return untrackedHeader(fields);
  const frameBytes = WAL_FRAME_HEADER_BYTES + BigInt(pageSize);
  const position =
    walSize >= frameBytes
      ? { offset: walOffset + walSize - frameBytes, size: frameBytes }
      : { offset: WAL_HEADER_BYTES, size: 0n };
  return untrackedHeader({ ...fields, wal: { ...position, salt1, salt2 } });
};

/**
 * The snapshot of a full copy, as chunks that belong to the receiver. `LTX_SNAPSHOT_INCOMPLETE` when the copy lacks a
 * page, and everything that reading it may throw; the last bytes come only after it was verified.
 */
export const reheadLtx = (copy: LtxInput, options: MergeOptions): AsyncGenerator<Buffer, void, undefined> =>
  transformLtx([copy], { ...options, toHeader: (_merged, first) => snapshotHeaderOf(first) });
