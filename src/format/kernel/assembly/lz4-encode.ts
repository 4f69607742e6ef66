/**
 * LZ4 block encoder, greedy with one hash table of addresses.
 *
 * The table is not cleared from block to block: an address below the block's own start is no candidate. Only when a block
 * begins below an address that may be in the table is it cleared. So the same block gives the same bytes, wherever it lies
 * and whatever was encoded before.
 */

import { HASH_TABLE } from './memory';

const HASH_BITS: u64 = 12;
const HASH_TABLE_BYTES: usize = 4 << 12;
/** End-of-block rules of the format: no match starts in the last 12 bytes, the last 5 are literals. */
const MATCH_START_GAP: usize = 12;
const LAST_LITERALS: usize = 5;
const OFFSET_MAX: usize = 65535;
/** After every 32 failures in a row the search takes longer steps. */
const SKIP_SHIFT: u32 = 5;

/** One past the highest address the table may hold. */
let tableEnd: usize = 0;

/** Byte offset of the table entry for the first five bytes of `word`. */
@inline
function slotOf(word: u64): usize {
  return <usize>((((word << 24) * 889523592379) >> (64 - HASH_BITS)) << 2);
}

/** End of the common run of `a` and `b`, not beyond `limit`, as an address in `a`. */
@inline
function matchEnd(a: usize, b: usize, limit: usize): usize {
  while (a + 8 <= limit) {
    const difference = load<u64>(a) ^ load<u64>(b);
    if (difference != 0) return a + (<usize>ctz(difference) >> 3);
    a += 8;
    b += 8;
  }
  while (a < limit && load<u8>(a) == load<u8>(b)) {
    a++;
    b++;
  }
  return a;
}

/** The rest of a length after the 15 in its token. */
@inline
function writeLength(at: usize, length: usize): usize {
  while (length >= 255) {
    store<u8>(at++, 255);
    length -= 255;
  }
  store<u8>(at, length);
  return at + 1;
}

/** Writes a block of at most `length + length / 255 + 16` bytes, touches nothing beyond those; returns its size. */
export function encodeBlock(from: usize, length: usize, to: usize): usize {
  const end = from + length;
  let op = to;
  let anchor = from;
  if (length > MATCH_START_GAP) {
    if (from < tableEnd) memory.fill(HASH_TABLE, 0, HASH_TABLE_BYTES);
    tableEnd = end;
    op = encodeSequences(from, end, to);
    anchor = literalsFrom;
  }
  const literals = end - anchor;
  if (literals < 15) {
    store<u8>(op++, literals << 4);
  } else {
    store<u8>(op, 0xf0);
    op = writeLength(op + 1, literals - 15);
  }
  memory.copy(op, anchor, literals);
  return op + literals - to;
}

/** Where the literals begin that {@link encodeSequences} left. */
let literalsFrom: usize = 0;

function encodeSequences(from: usize, end: usize, to: usize): usize {
  const startMax = end - MATCH_START_GAP;
  const limit = end - LAST_LITERALS;
  let op = to;
  let anchor = from;
  store<u32>(slotOf(load<u64>(from)), from, HASH_TABLE);
  let ip = from + 1;
  while (true) {
    let next = ip;
    let attempts: u32 = 1 << SKIP_SHIFT;
    let candidate: usize = 0;
    while (true) {
      ip = next;
      if (ip > startMax) {
        literalsFrom = anchor;
        return op;
      }
      const word = load<u64>(ip);
      const slot = slotOf(word);
      candidate = load<u32>(slot, HASH_TABLE);
      store<u32>(slot, ip, HASH_TABLE);
      // The rare condition first: the branch predicts well. Any address in the table may be read, 0 as well.
      if (load<u32>(candidate) == <u32>word && candidate >= from && ip - candidate <= OFFSET_MAX) break;
      next = ip + (attempts++ >> SKIP_SHIFT);
    }
    while (ip > anchor && candidate > from && load<u8>(ip - 1) == load<u8>(candidate - 1)) {
      ip--;
      candidate--;
    }
    const literals = ip - anchor;
    let tokenAt = op++;
    let token: usize = literals << 4;
    if (literals < 15) {
      v128.store(op, v128.load(anchor));
    } else {
      token = 0xf0;
      op = writeLength(op, literals - 15);
      // Rounded up to 16 bytes: at least 12 source bytes follow, so this stays within the bound.
      let done: usize = 0;
      do {
        v128.store(op + done, v128.load(anchor + done));
        done += 16;
      } while (done < literals);
    }
    op += literals;
    while (true) {
      store<u16>(op, ip - candidate);
      op += 2;
      const afterMatch = matchEnd(ip + 4, candidate + 4, limit);
      const extra = afterMatch - ip - 4;
      if (extra < 15) {
        store<u8>(tokenAt, token | extra);
      } else {
        store<u8>(tokenAt, token | 15);
        op = writeLength(op, extra - 15);
      }
      ip = afterMatch;
      anchor = ip;
      if (ip > startMax) {
        literalsFrom = anchor;
        return op;
      }
      store<u32>(slotOf(load<u64>(ip - 2)), ip - 2, HASH_TABLE);
      const word = load<u64>(ip);
      const slot = slotOf(word);
      candidate = load<u32>(slot, HASH_TABLE);
      store<u32>(slot, ip, HASH_TABLE);
      if (load<u32>(candidate) != <u32>word || candidate < from || ip - candidate > OFFSET_MAX) break;
      // Another match follows at once: a sequence without literals.
      tokenAt = op++;
      token = 0;
    }
    ip++;
  }
}
