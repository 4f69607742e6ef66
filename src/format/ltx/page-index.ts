/**
 * Random access to the pages of an LTX file (LTX format, "Page index"): from the end of the file
 *
 * | offset from the end | size | field                                                    |
 * |--------------------:|-----:|----------------------------------------------------------|
 * |                  24 |    8 | size of the index, its zero byte included                |
 * |                  16 |   16 | trailer                                                  |
 *
 * and before them the index. No checksum covers a single page in block form: whoever needs certainty reads the whole file.
 */
import type { PageNumber } from '#domain/page';
import type { Kernel } from '../kernel/kernel.ts';
import { LTX_HEADER_BYTES } from './header.ts';
import { type LtxPlace, ltxError, truncated } from './ltx-error.ts';
import { alignUp, type MemoryRegion, SLACK_BYTES, wholeArena } from './memory-region.ts';
import {
  BLOCK_FRAME_HEADER_BYTES,
  badBlock,
  decodeFrameForm,
  PAGE_FLAGS_BLOCK_FORM,
  PAGE_HEADER_BYTES,
  readCompressedSize,
  readPageHeader,
} from './page-frame.ts';
import { INDEX_SIZE_BYTES, TRAILER_BYTES } from './trailer.ts';
import { VarintReader } from './varint.ts';

/** What to read of the end of a file first; nearly every index fits. */
export const INDEX_TAIL_BYTES = 32768;

/** The smallest file: header, marker, an index of one byte, its size, trailer. */
export const LTX_FILE_BYTES_MIN = LTX_HEADER_BYTES + PAGE_HEADER_BYTES + 1 + INDEX_SIZE_BYTES + TRAILER_BYTES;

const END_BYTES = INDEX_SIZE_BYTES + TRAILER_BYTES;

/** Where a page's frame lies in the file. */
export interface PageLocation {
  /** Byte offset of the page header. */
  readonly offset: number;
  /** Bytes of the whole frame. */
  readonly size: number;
}

/** The index of a file: pages ascending, frames one after the other. */
export class PageIndex {
  readonly #pgnos: Uint32Array;
  /** `offsets[i + 1]` is where frame i ends. */
  readonly #offsets: Float64Array;

  constructor(pgnos: Uint32Array, offsets: Float64Array) {
    this.#pgnos = pgnos;
    this.#offsets = offsets;
  }

  /** The pages of the file, ascending. */
  get pageNumbers(): Uint32Array {
    return this.#pgnos;
  }

  /** Where a page is, or `undefined` when the file does not hold it. */
  find(pgno: PageNumber): PageLocation | undefined {
    let low = 0;
    let high = this.#pgnos.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#pgnos[middle] ?? 0) < pgno) low = middle + 1;
      else high = middle;
    }
    if (this.#pgnos[low] !== pgno) return undefined;
    const offset = this.#offsets[low] ?? 0;
    return { offset, size: (this.#offsets[low + 1] ?? 0) - offset };
  }
}

/** The index, or how many bytes of the end of the file are needed to read it. */
export type PageIndexTail =
  | { readonly kind: 'index'; readonly index: PageIndex }
  | { readonly kind: 'needsMore'; readonly tailBytes: number };

/**
 * Reads the index from the last bytes of a file of `fileSize` bytes, {@link INDEX_TAIL_BYTES} of them or the whole file if
 * that is shorter. `LTX_TRUNCATED` when the file is too short to be one, `LTX_BAD_INDEX` unless the index describes
 * ascending pages in frames that fill the file from the header to the marker.
 */
export const parsePageIndexTail = (bytes: Uint8Array, fileSize: number, name = '(unnamed)'): PageIndexTail => {
  if (fileSize < LTX_FILE_BYTES_MIN) {
    throw truncated({ name, offset: 0 }, { section: 'file', wanted: LTX_FILE_BYTES_MIN, got: fileSize });
  }
  if (bytes.length < END_BYTES) return { kind: 'needsMore', tailBytes: Math.min(fileSize, INDEX_TAIL_BYTES) };
  const tail = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const stored = tail.readBigUInt64BE(tail.length - END_BYTES);
  const max = fileSize - (LTX_FILE_BYTES_MIN - 1);
  if (stored < 1n || stored > BigInt(max)) {
    const what = `page index size ${stored}, not 1 to ${max} in a file of ${fileSize} bytes`;
    throw ltxError('LTX_BAD_INDEX', { name, offset: fileSize - END_BYTES }, what);
  }
  const indexSize = Number(stored);
  const tailBytes = indexSize + END_BYTES;
  if (tailBytes > tail.length) return { kind: 'needsMore', tailBytes };
  const index = tail.subarray(tail.length - tailBytes, tail.length - END_BYTES);
  return { kind: 'index', index: parseIndex(index, { name, offset: fileSize - tailBytes }) };
};

const parseIndex = (bytes: Buffer, place: { readonly name: string; readonly offset: number }): PageIndex => {
  const fail = (what: string): never => {
    throw ltxError('LTX_BAD_INDEX', place, what);
  };
  if (bytes[bytes.length - 1] !== 0) fail('page index does not end with a zero byte');
  const values: number[] = [];
  const varint = new VarintReader();
  for (let i = 0; i < bytes.length - 1; i++) {
    const value = varint.take(bytes[i] ?? 0);
    if (value === undefined) continue;
    if (value < 0) fail(`page index entry ${Math.floor(values.length / 3) + 1} holds a number too large`);
    values.push(value);
  }
  const count = Math.floor(values.length / 3);
  if (varint.pendingBytes > 0 || values.length !== 3 * count) fail(`page index ends inside entry ${count + 1}`);
  const pgnos = new Uint32Array(count);
  const offsets = new Float64Array(count + 1);
  let end = LTX_HEADER_BYTES;
  let last = 0;
  for (let i = 0; i < count; i++) {
    const [pgno = 0, offset = 0, size = 0] = values.slice(3 * i, 3 * i + 3);
    if (pgno <= last || pgno > 0xffff_ffff) fail(`page index entry ${i + 1}: page ${pgno} after page ${last}`);
    if (offset !== end) fail(`page index entry ${i + 1}: expected offset ${end}, found ${offset}`);
    if (size <= PAGE_HEADER_BYTES) fail(`page index entry ${i + 1}: a frame of ${size} bytes`);
    pgnos[i] = pgno;
    offsets[i] = offset;
    last = pgno;
    end += size;
  }
  offsets[count] = end;
  if (end + PAGE_HEADER_BYTES !== place.offset) {
    fail(`page index: frames end at ${end}, the index begins at ${place.offset}`);
  }
  return new PageIndex(pgnos, offsets);
};

/** What {@link decodePageFrame} needs. */
export interface PageFrameOptions {
  readonly kernel: Kernel;
  /** Kernel memory that is free for the call; default: the whole arena. */
  readonly region?: MemoryRegion;
  readonly pgno: PageNumber;
  readonly pageSize: number;
  /** The file's name, and the frame's offset in it, for messages. */
  readonly place: LtxPlace;
}

/**
 * The page in one whole frame, which must be that of page `pgno` and nothing more. The result is a copy.
 * `LTX_BAD_PAGE_HEADER`, `LTX_BAD_PAGE_DATA`, `LTX_TRUNCATED`; `LTX_BAD_INDEX` when the frame is not what the index promised.
 */
export const decodePageFrame = (
  bytes: Uint8Array,
  { kernel, region = wholeArena(kernel), pgno, pageSize, place }: PageFrameOptions,
): Buffer => {
  const frame = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (frame.length < BLOCK_FRAME_HEADER_BYTES) {
    throw truncated(place, { section: 'page frame', wanted: BLOCK_FRAME_HEADER_BYTES, got: frame.length });
  }
  const found = readPageHeader(frame, 0, place);
  if (found.pgno !== pgno) throw ltxError('LTX_BAD_INDEX', place, `page ${pgno} expected, page ${found.pgno} found`);
  const checkSize = (size: number): void => {
    if (size === frame.length) return;
    const what = `page ${pgno}: its frame has ${size} bytes, the page index says ${frame.length}`;
    throw ltxError('LTX_BAD_INDEX', place, what);
  };
  if (found.flags !== PAGE_FLAGS_BLOCK_FORM) {
    const page = Buffer.alloc(pageSize);
    const size = decodeFrameForm(frame, page, { pgno, place });
    checkSize(size ?? frame.length + 1);
    return page;
  }
  const size = readCompressedSize(frame, 0, { pgno, pageSize, place });
  checkSize(BLOCK_FRAME_HEADER_BYTES + size);
  const block = frame.subarray(BLOCK_FRAME_HEADER_BYTES);
  const from = alignUp(region.at);
  const to = alignUp(from + size + SLACK_BYTES);
  kernel.bytes.set(block, from);
  if (kernel.lz4Decode(from, size, to, pageSize) !== pageSize) throw badBlock(block, { pgno, pageSize, place });
  return Buffer.from(kernel.bytes.subarray(to, to + pageSize));
};
