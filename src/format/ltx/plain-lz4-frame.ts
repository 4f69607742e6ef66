/**
 * The one kind of LZ4 frame that releases up to v0.5.15 wrote a page as, decoded by the kernel: about twice as fast as
 * the general decoder, which stays the judge of everything else and of everything wrong.
 *
 * | offset | size | field                                                    |
 * |-------:|-----:|----------------------------------------------------------|
 * |      0 |    7 | magic `04 22 4d 18`, descriptor `64 40`, its check `a7`  |
 * |      7 |    4 | size of the only block, little-endian, bit 31 clear      |
 * |     11 |    n | LZ4 block                                                |
 * | 11 + n |    4 | zero                                                     |
 * | 15 + n |    4 | XXH32 of the page, little-endian                         |
 */
import type { Kernel } from '../kernel/kernel.ts';
import { lz4BlockSizeMax } from '../kernel/kernel.ts';
import { xxh32 } from '../xxh32.ts';

const PREFIX = Buffer.of(0x04, 0x22, 0x4d, 0x18, 0x64, 0x40, 0xa7);
const BLOCK_OFFSET = 11;
const END_BYTES = 8;

/**
 * Decodes the frame at `at`, of which `length` bytes are there, to `to`. Returns its size, or `undefined` when it is not
 * whole, not of this kind, or not right; part of a page may then lie at `to`.
 */
export const decodePlainLz4Frame = (
  { bytes, lz4Decode }: Kernel,
  {
    at,
    length,
    to,
    pageSize,
  }: { readonly at: number; readonly length: number; readonly to: number; readonly pageSize: number },
): number | undefined => {
  if (length < BLOCK_OFFSET || bytes.compare(PREFIX, 0, PREFIX.length, at, at + PREFIX.length) !== 0) return undefined;
  const blockBytes = bytes.readUInt32LE(at + PREFIX.length);
  const frameBytes = BLOCK_OFFSET + blockBytes + END_BYTES;
  if (blockBytes < 1 || blockBytes > lz4BlockSizeMax(pageSize) || frameBytes > length) return undefined;
  const end = at + BLOCK_OFFSET + blockBytes;
  if (bytes.readUInt32LE(end) !== 0 || lz4Decode(at + BLOCK_OFFSET, blockBytes, to, pageSize) !== pageSize) {
    return undefined;
  }
  return bytes.readUInt32LE(end + 4) === xxh32(bytes.subarray(to, to + pageSize)) ? frameBytes : undefined;
};
