/** Kernel memory of one merge, shared by all its files: frames being decoded, their table, and pages. */
import { InvariantViolation } from '#errors/replication-error';
import type { Kernel } from '../kernel/kernel.ts';
import { alignUp, type MemoryRegion, SLACK_BYTES, wordsOf } from './memory-region.ts';
import { blockFrameBytesMax } from './page-frame.ts';
import { PAGE_TABLE_ENTRY_BYTES } from './page-table.ts';

const SCRATCH_BYTES = 16;

/** Addresses and sizes; see {@link layOutMerge}. */
export interface MergeMemory {
  readonly kernel: Kernel;
  /** Kernel memory as u32. */
  readonly words: Uint32Array;
  readonly pageSize: number;
  readonly scratchAt: number;
  /** Compressed frames of the run being taken. */
  readonly framesAt: number;
  readonly framesBytesMax: number;
  /** Table of the run being taken. */
  readonly tableAt: number;
  /** Room for pages that win. */
  readonly pagesAt: number;
  readonly pageSlots: number;
  /** Room for pages that are read for the checksum only. */
  readonly lostPagesAt: number;
  /** Continues a CRC over bytes from outside; uses the room of the frames. */
  readonly crc64: (crc: bigint, bytes: Uint8Array) => bigint;
}

/** The least region a merge needs, an encoder not included; 1 to 8 MiB are good. */
export const mergeRegionBytesMin = (pageSize: number): number =>
  SCRATCH_BYTES + 2 * pageSize + blockFrameBytesMax(pageSize) + PAGE_TABLE_ENTRY_BYTES + 8 * SLACK_BYTES;

/** Divides a region: one page for those that lost, and the rest for pages and frames, one to one. */
export const layOutMerge = (kernel: Kernel, region: MemoryRegion, pageSize: number): MergeMemory => {
  if (region.length < mergeRegionBytesMin(pageSize)) {
    throw new InvariantViolation(
      `a merge of ${pageSize}-byte pages needs ${mergeRegionBytesMin(pageSize)} bytes, has ${region.length}`,
    );
  }
  const frameBytesMax = blockFrameBytesMax(pageSize);
  const scratchAt = alignUp(region.at);
  const lostPagesAt = scratchAt + SCRATCH_BYTES;
  const pagesAt = alignUp(lostPagesAt + pageSize + SLACK_BYTES);
  const rest = region.at + region.length - pagesAt - 4 * SLACK_BYTES;
  const pageSlots = Math.max(1, Math.floor(rest / (pageSize + frameBytesMax + PAGE_TABLE_ENTRY_BYTES)));
  const tableAt = alignUp(pagesAt + pageSlots * pageSize + SLACK_BYTES);
  const framesAt = alignUp(tableAt + pageSlots * PAGE_TABLE_ENTRY_BYTES);
  const framesBytesMax = region.at + region.length - SLACK_BYTES - framesAt;
  const crc64 = (crc: bigint, bytes: Uint8Array): bigint => {
    let sum = crc;
    for (let at = 0; at < bytes.length; at += framesBytesMax) {
      const piece = bytes.subarray(at, at + framesBytesMax);
      kernel.bytes.set(piece, framesAt);
      sum = kernel.crc64(sum, framesAt, piece.length);
    }
    return sum;
  };
  return {
    kernel,
    words: wordsOf(kernel),
    pageSize,
    scratchAt,
    framesAt,
    framesBytesMax,
    tableAt,
    pagesAt,
    pageSlots,
    lostPagesAt,
    crc64,
  };
};
