/**
 * Page frames of an LTX file (LTX format, "Page frames"), big-endian. Both forms begin alike:
 *
 * | offset | size | field          | meaning                                                                  |
 * |-------:|-----:|----------------|--------------------------------------------------------------------------|
 * |      0 |    4 | pgno           | at least 1; six zero bytes in all are the end-of-pages marker            |
 * |      4 |    2 | flags          | 1 = block form, 0 = frame form (Litestream 0.5.0 to 0.5.15)              |
 * |      6 |    4 | compressedSize | block form only; then one raw LZ4 block that expands to one page         |
 *
 * In frame form one LZ4 frame follows the six bytes directly.
 */
import type { PageNumber } from '#domain/page';
import { messageOf, type ReplicationError } from '#errors/replication-error';
import { lz4BlockSizeMax } from '../kernel/kernel.ts';
import { decodeLz4Frame } from '../lz4-frame.ts';
import { type LtxPlace, ltxError, truncated } from './ltx-error.ts';
import { whyBlockIsBad } from './lz4-diagnosis.ts';

/** Page number and flags; also the size of the end-of-pages marker. */
export const PAGE_HEADER_BYTES = 6;

/** Page header and size prefix of a block-form frame. */
export const BLOCK_FRAME_HEADER_BYTES = 10;

/** The longest block-form frame of a page size. */
export const blockFrameBytesMax = (pageSize: number): number => BLOCK_FRAME_HEADER_BYTES + lz4BlockSizeMax(pageSize);

/** The flags of the two forms. */
export const PAGE_FLAGS_FRAME_FORM = 0;
/** Flags of a page in block form: a size and one LZ4 block follow. */
export const PAGE_FLAGS_BLOCK_FORM = 1;

/** A page header read from six bytes; throws `LTX_BAD_PAGE_HEADER`. Both 0: the end-of-pages marker. */
export const readPageHeader = (
  bytes: Buffer,
  at: number,
  place: LtxPlace,
): { readonly pgno: PageNumber; readonly flags: number } => {
  const pgno = bytes.readUInt32BE(at);
  const flags = bytes.readUInt16BE(at + 4);
  if (pgno === 0 && flags !== 0) {
    throw ltxError('LTX_BAD_PAGE_HEADER', place, `page number zero with page flags 0x${flags.toString(16)}`);
  }
  if (flags > PAGE_FLAGS_BLOCK_FORM) {
    const what = `page ${pgno} has unknown page flags 0x${flags.toString(16).padStart(4, '0')}`;
    throw ltxError('LTX_BAD_PAGE_HEADER', place, what);
  }
  return { pgno, flags };
};

/** The size prefix of a block-form frame at `at`; `LTX_BAD_PAGE_DATA` when no page can have that size. */
export const readCompressedSize = (
  bytes: Buffer,
  at: number,
  { pgno, pageSize, place }: { readonly pgno: PageNumber; readonly pageSize: number; readonly place: LtxPlace },
): number => {
  const size = bytes.readUInt32BE(at + PAGE_HEADER_BYTES);
  const max = lz4BlockSizeMax(pageSize);
  if (size < 1 || size > max) {
    throw ltxError('LTX_BAD_PAGE_DATA', place, `page ${pgno} has a compressed size of ${size}, not 1 to ${max}`);
  }
  return size;
};

/** The error for a block the kernel refused. */
export const badBlock = (
  block: Uint8Array,
  { pgno, pageSize, place }: { readonly pgno: PageNumber; readonly pageSize: number; readonly place: LtxPlace },
): ReplicationError => ltxError('LTX_BAD_PAGE_DATA', place, `page ${pgno}: ${whyBlockIsBad(block, pageSize)}`);

/**
 * The longest frame-form frame that is read. Old releases wrote at most the page and 25 bytes; blocks cut small and block
 * checksums make frames longer, but none that is worth reading twice the page.
 */
export const frameFormBytesMax = (pageSize: number): number => PAGE_HEADER_BYTES + 2 * pageSize + 256;

/**
 * Decodes the frame-form frame `bytes` begins with into `page`, all of which it must fill. Returns the frame's size, or
 * `undefined` when `bytes` ends before the frame does. `LTX_BAD_PAGE_DATA` for anything but one whole LZ4 frame.
 */
export const decodeFrameForm = (
  bytes: Buffer,
  page: Uint8Array,
  { pgno, place }: { readonly pgno: PageNumber; readonly place: LtxPlace },
): number | undefined => {
  const max = frameFormBytesMax(page.length);
  let size: number | undefined;
  try {
    size = decodeLz4Frame(bytes.subarray(PAGE_HEADER_BYTES, max), page);
  } catch (cause) {
    throw ltxError('LTX_BAD_PAGE_DATA', place, `page ${pgno}: ${messageOf(cause)}`, cause);
  }
  if (size !== undefined) return PAGE_HEADER_BYTES + size;
  if (bytes.length < max) return undefined;
  throw ltxError('LTX_BAD_PAGE_DATA', place, `page ${pgno}: its LZ4 frame is longer than ${max} bytes`);
};

/** The error for a file that ends in the frame (or before the marker) of which `bytes` is all there is. */
export const truncatedFrame = (bytes: Buffer, pageSize: number, place: LtxPlace): ReplicationError => {
  if (bytes.length < PAGE_HEADER_BYTES) {
    return truncated(place, { section: 'page header', wanted: PAGE_HEADER_BYTES, got: bytes.length });
  }
  const { pgno, flags } = readPageHeader(bytes, 0, place);
  const payload = `payload of page ${pgno}`;
  if (flags === PAGE_FLAGS_FRAME_FORM) {
    const got = bytes.length - PAGE_HEADER_BYTES;
    return truncated(place, { section: `${payload} (an LZ4 frame)`, wanted: got + 1, got });
  }
  if (bytes.length < BLOCK_FRAME_HEADER_BYTES) {
    const got = bytes.length - PAGE_HEADER_BYTES;
    return truncated(place, { section: `size prefix of page ${pgno}`, wanted: 4, got });
  }
  const wanted = readCompressedSize(bytes, 0, { pgno, pageSize, place });
  return truncated(place, { section: payload, wanted, got: bytes.length - BLOCK_FRAME_HEADER_BYTES });
};
