/**
 * Where the kernel keeps its own data: below the arena, in the first 64 KiB.
 *
 *   0x1000  swizzle patterns for LZ4 matches of offset 1..15, 16 bytes each
 *   0x4000  hash table of the LZ4 encoder
 *  0x10000  the arena begins
 */
export const PATTERNS: usize = 0x1000;
export const HASH_TABLE: usize = 0x4000;
export const ARENA_START: usize = 0x10000;

/** A big-endian u32 of the file formats. */
@inline
export function loadBe32(at: usize): u32 {
  return bswap<u32>(load<u32>(at));
}

@inline
export function storeBe32(at: usize, value: u32): void {
  store<u32>(at, bswap<u32>(value));
}
