/** Exports of the kernel. The caller has checked every range but the page addresses inside an encode table. */

import { crcRaw } from './crc64';
import { decodeBlock, writePatterns } from './lz4-decode';
import { encodeBlock } from './lz4-encode';

export { batchBytes, batchCrc, batchStop, decodePages, encodePages } from './pages';
export { scanWalFrames, walChecksum, walChecksum1, walChecksum2 } from './wal';

writePatterns();

export function crc64(crc: u64, at: usize, length: usize): u64 {
  return ~crcRaw(~crc, at, length);
}

export function lz4Encode(from: usize, length: usize, to: usize): usize {
  return encodeBlock(from, length, to);
}

export function lz4Decode(from: usize, length: usize, to: usize, expected: usize): bool {
  return decodeBlock(from, length, to, expected);
}
