/**
 * Frames of a WAL file (SQLite file format, "WAL File Format"). Frame n, from 1, begins at 32 + (n - 1) x (24 + page size).
 * All fields big-endian u32.
 *
 * | offset | field | meaning |
 * |---|---|---|
 * | 0 | page number | at least 1 |
 * | 4 | commit | pages of the database after this transaction in its last frame, else 0 |
 * | 8, 12 | salt-1, salt-2 | those of the header |
 * | 16, 20 | checksum | of bytes 0 to 7 and the page, continued from the frame before |
 * | 24 | page | |
 *
 * A WAL may exceed 4 GiB: offsets are plain numbers, exact to 2^53.
 */
import type { ChecksumPair } from './checksum.ts';
import { WAL_HEADER_BYTES } from './header.ts';

/** Bytes of a frame before its page. */
export const FRAME_HEADER_BYTES = 24;

/** The head of a frame as it stands; whether it is valid only the chain tells. */
export interface WalFrameHeader extends ChecksumPair {
  readonly pageNumber: number;
  /** Pages of the database after the transaction, 0 unless the frame ends one. */
  readonly commit: number;
  readonly salt1: number;
  readonly salt2: number;
}

/** Reads the 24 bytes at `at`; a RangeError when they are not there. */
export const parseFrameHeader = (bytes: Uint8Array, at = 0): WalFrameHeader => {
  const view = new DataView(bytes.buffer, bytes.byteOffset + at, FRAME_HEADER_BYTES);
  return {
    pageNumber: view.getUint32(0),
    commit: view.getUint32(4),
    salt1: view.getUint32(8),
    salt2: view.getUint32(12),
    checksum1: view.getUint32(16),
    checksum2: view.getUint32(20),
  };
};

/** Bytes of one frame. */
export const frameBytes = (pageSize: number): number => FRAME_HEADER_BYTES + pageSize;

/** Offset after so many frames: the logical size of such a WAL. */
export const walOffsetAfter = (frames: number, pageSize: number): number =>
  WAL_HEADER_BYTES + frames * frameBytes(pageSize);

/** Frames before an offset; undefined when no frame ends there. */
export const framesBefore = (offset: number, pageSize: number): number | undefined => {
  const frames = (offset - WAL_HEADER_BYTES) / frameBytes(pageSize);
  return Number.isInteger(frames) && frames >= 0 ? frames : undefined;
};
