/** Batches of LTX page frames in block form: u32 page number, u16 flags, u32 size (all big-endian), LZ4 block. */

import { crcFrameHeader, crcRaw } from './crc64';
import { decodeBlock } from './lz4-decode';
import { encodeBlock } from './lz4-encode';
import { loadBe32, storeBe32 } from './memory';

/** Page number, flags and compressed size. */
const FRAME_HEADER: usize = 10;

export const STOP_NEED_INPUT: u32 = 0;
export const STOP_OUTPUT_FULL: u32 = 1;
export const STOP_MARKER: u32 = 2;
export const STOP_OTHER: u32 = 3;

/** Results of the last call: bytes written or consumed, the CRC after them, why a decode stopped. */
export let batchBytes: u32 = 0;
export let batchCrc: u64 = 0;
export let batchStop: u32 = 0;

@inline
function blockSizeMax(pageSize: usize): usize {
  return pageSize + pageSize / 255 + 16;
}

/** Number of pages encoded, or -1 when the table names page 0 or an address that is not readable as a page. */
export function encodePages(
  tableAt: usize,
  count: u32,
  pageSize: usize,
  to: usize,
  capacity: usize,
  crc: u64,
  arenaStart: usize,
  arenaEnd: usize,
): i32 {
  const end = to + capacity;
  const frameMax = FRAME_HEADER + blockSizeMax(pageSize);
  let c = ~crc;
  let op = to;
  let table = tableAt;
  let pages: u32 = 0;
  while (pages < count && end - op >= frameMax) {
    const page = load<u32>(table);
    const at = <usize>load<u32>(table, 4);
    if (page == 0 || at < arenaStart || at > arenaEnd - pageSize || (at < end && at + pageSize > to)) return -1;
    const size = encodeBlock(at, pageSize, op + FRAME_HEADER);
    storeBe32(op, page);
    store<u16>(op, 0x0100, 4);
    storeBe32(op + 6, <u32>size);
    store<u32>(table, <u32>(FRAME_HEADER + size), 8);
    c = crcRaw(crcFrameHeader(c, op), at, pageSize);
    op += FRAME_HEADER + size;
    table += 12;
    pages++;
  }
  batchBytes = <u32>(op - to);
  batchCrc = ~c;
  return pages;
}

/** Number of pages decoded. */
export function decodePages(
  from: usize,
  length: usize,
  pageSize: usize,
  to: usize,
  pagesMax: u32,
  tableAt: usize,
  crc: u64,
): u32 {
  const end = from + length;
  const sizeMax = blockSizeMax(pageSize);
  let c = ~crc;
  let ip = from;
  let op = to;
  let table = tableAt;
  let pages: u32 = 0;
  let stop = STOP_OUTPUT_FULL;
  while (pages < pagesMax) {
    if (end - ip < 6) {
      stop = STOP_NEED_INPUT;
      break;
    }
    const page = loadBe32(ip);
    const flags = load<u16>(ip, 4);
    if (page == 0 || flags != 0x0100) {
      stop = page == 0 && flags == 0 ? STOP_MARKER : STOP_OTHER;
      break;
    }
    if (end - ip < FRAME_HEADER) {
      stop = STOP_NEED_INPUT;
      break;
    }
    const size = <usize>loadBe32(ip + 6);
    if (size == 0 || size > sizeMax) {
      stop = STOP_OTHER;
      break;
    }
    if (end - ip - FRAME_HEADER < size) {
      stop = STOP_NEED_INPUT;
      break;
    }
    if (!decodeBlock(ip + FRAME_HEADER, size, op, pageSize)) {
      stop = STOP_OTHER;
      break;
    }
    c = crcRaw(crcFrameHeader(c, ip), op, pageSize);
    store<u32>(table, page);
    store<u32>(table, <u32>(FRAME_HEADER + size), 4);
    store<u32>(table, 0, 8);
    ip += FRAME_HEADER + size;
    op += pageSize;
    table += 12;
    pages++;
  }
  batchBytes = <u32>(ip - from);
  batchCrc = ~c;
  batchStop = stop;
  return pages;
}
