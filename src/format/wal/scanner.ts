/**
 * Reads whole transactions from a WAL: which frames are committed, and which of them holds the newest copy of each page.
 *
 * Uncommitted frames are read but never kept or counted: SQLite rewrites them in place while a large transaction spills. The
 * next scan begins at the end of the last commit, with the checksums stored there.
 */
import { InvariantViolation } from '#errors/replication-error';
import type { Kernel } from '../kernel/kernel.ts';
import type { ChecksumPair } from './checksum.ts';
import { frameBytes, framesBefore, parseFrameHeader } from './frame.ts';
import type { WalHeader } from './header.ts';

/** Bytes of the kernel's table for each frame: page number and commit. */
export const SCAN_TABLE_ENTRY_BYTES = 8;

const CAPACITY_START = 256;

/** Reads `length` bytes of the WAL at offset `at` to kernel address `into`; the bytes read, fewer only at the end of the file. */
export type ReadWal = (at: number, length: number, into: number) => number;

/** Where to read on, and the memory to do it in. */
export interface WalScanRequest {
  readonly kernel: Kernel;
  readonly header: WalHeader;
  /** E: 32, or the end of the last frame read. */
  readonly from: number;
  /** K: checksums stored in the frame that ends at E, those of the header when E is 32. */
  readonly chain: ChecksumPair;
  readonly read: ReadWal;
  /** Room for frames, at least one; address and bytes. Frames stay there while all fit. */
  readonly room: { readonly at: number; readonly length: number };
  /** Room for the kernel's table, outside of `room`, a multiple of 4. */
  readonly table: { readonly at: number; readonly length: number };
  /** Stop at the first commit after so many bytes; 0: never. */
  readonly maxBytes?: number;
  /** Stop before the frame with this number (from 1), if any: frames that SQLite has not published yet. */
  readonly framesMax?: number;
}

/** What a scan found: whole transactions of one generation, none when `frameCount` is 0. */
export interface WalScan {
  /** New E and K; those of the request when nothing was committed. */
  readonly end: number;
  readonly chain: ChecksumPair;
  /** Frames of whole transactions, and the page number of each. */
  readonly frameCount: number;
  readonly pageNumbers: Uint32Array;
  /** Pages of the database after the last transaction; 0 when there is none. */
  readonly commit: number;
  /** Stopped by `maxBytes`: more committed frames may follow. */
  readonly isCut: boolean;
  /** All frames of the scan lie at `room.at`, one after the other, in the bytes that were checked. */
  readonly isInRoom: boolean;
}

/** Reads on from `from`. Never throws for what it reads: a frame that is not valid ends the log. */
export const scanWal = (request: WalScanRequest): WalScan => {
  const { kernel, header, from, read, room, table, maxBytes = 0 } = request;
  const size = frameBytes(header.pageSize);
  const before = framesBefore(from, header.pageSize);
  const perRead = Math.min(Math.floor(room.length / size), Math.floor(table.length / SCAN_TABLE_ENTRY_BYTES));
  if (before === undefined || perRead < 1) {
    throw new InvariantViolation(`WAL scan from ${from} with room for ${perRead} frames of ${size} bytes`);
  }
  const framesMax = Math.max(0, (request.framesMax ?? Number.POSITIVE_INFINITY) - before);
  const words = new Uint32Array(kernel.bytes.buffer, kernel.bytes.byteOffset + table.at, perRead * 2);
  let pageNumbers = new Uint32Array(CAPACITY_START);
  let running = request.chain;
  let result = { end: from, chain: request.chain, frameCount: 0, commit: 0 };
  let at = room.at;
  let isInRoom = true;
  let isCut = false;
  for (let scanned = 0; scanned < framesMax && !isCut; ) {
    let fitting = Math.floor((room.at + room.length - at) / size);
    if (fitting === 0) {
      // Start over in the room. Until now everything fitted; from here on only page numbers are kept.
      [at, isInRoom, fitting] = [room.at, false, Math.floor(room.length / size)];
    }
    const wanted = Math.min(perRead, fitting, framesMax - scanned);
    const whole = Math.floor(read(from + scanned * size, wanted * size, at) / size);
    const { validFrames, ...sums } = kernel.scanWalFrames({
      at,
      frames: whole,
      pageSize: header.pageSize,
      salt1: header.salt1,
      salt2: header.salt2,
      ...running,
      isBigEndian: header.isBigEndian,
      tableAt: table.at,
    });
    running = sums;
    pageNumbers = withRoomFor(pageNumbers, scanned + validFrames);
    for (let index = 0; index < validFrames && !isCut; index += 1) {
      pageNumbers[scanned + index] = words[2 * index] ?? 0;
      const commit = words[2 * index + 1] ?? 0;
      if (commit === 0) continue;
      const { checksum1, checksum2 } = parseFrameHeader(kernel.bytes, at + index * size);
      const frameCount = scanned + index + 1;
      result = { end: from + frameCount * size, chain: { checksum1, checksum2 }, frameCount, commit };
      isCut = maxBytes > 0 && frameCount * size >= maxBytes;
    }
    scanned += validFrames;
    at += validFrames * size;
    if (validFrames < wanted) break;
  }
  return { ...result, pageNumbers: pageNumbers.slice(0, result.frameCount), isCut, isInRoom };
};

const withRoomFor = (array: Uint32Array<ArrayBuffer>, count: number): Uint32Array<ArrayBuffer> => {
  if (count <= array.length) return array;
  const larger = new Uint32Array(Math.max(count, 2 * array.length));
  larger.set(array);
  return larger;
};

/** Newest copies, ascending by page number; frames are counted from 0 at the start of the scan. */
export interface NewestPages {
  readonly pageNumbers: Uint32Array;
  readonly frames: Uint32Array;
}

/** The newest frame of each page, without pages above the last commit: the database shrank within the scan (B-12, I-8). */
export const newestPages = ({ pageNumbers, frameCount, commit }: WalScan): NewestPages => {
  const newest = new Map<number, number>();
  for (let frame = 0; frame < frameCount; frame += 1) {
    const pageNumber = pageNumbers[frame] ?? 0;
    if (pageNumber <= commit) newest.set(pageNumber, frame);
  }
  const sorted = Uint32Array.from(newest.keys()).sort();
  return { pageNumbers: sorted, frames: sorted.map((pageNumber) => newest.get(pageNumber) ?? 0) };
};
