/** LZ4 block decoder for hostile input: reads within the block (and 16 bytes of slack), writes exactly within the output. */

import { PATTERNS } from './memory';

/** For each offset below 16 the swizzle that repeats that many bytes over 16. */
export function writePatterns(): void {
  for (let offset: u32 = 1; offset < 16; offset++) {
    for (let i: u32 = 0; i < 16; i++) store<u8>(PATTERNS + (offset << 4) + i, i % offset);
  }
}

/** True when the block at `from` expands to exactly `expected` bytes, which are then at `to`. */
export function decodeBlock(from: usize, length: usize, to: usize, expected: usize): bool {
  let ip = from;
  let op = to;
  const inputEnd = from + length;
  const end = to + expected;
  while (ip < inputEnd) {
    const token = <usize>load<u8>(ip++);

    let literals = token >> 4;
    if (literals == 15) {
      let more: usize;
      do {
        if (ip >= inputEnd || literals > expected) return false;
        more = load<u8>(ip++);
        literals += more;
      } while (more == 255);
    }
    if (literals > inputEnd - ip || literals > end - op) return false;
    if (end - op >= literals + 16) {
      let done: usize = 0;
      do {
        v128.store(op + done, v128.load(ip + done));
        done += 16;
      } while (done < literals);
    } else {
      memory.copy(op, ip, literals);
    }
    op += literals;
    ip += literals;
    if (ip == inputEnd) return op == end;

    if (inputEnd - ip < 2) return false;
    const offset = <usize>load<u16>(ip);
    ip += 2;
    if (offset == 0 || offset > op - to) return false;
    let match = (token & 15) + 4;
    if (match == 19) {
      let more: usize;
      do {
        if (ip >= inputEnd || match > expected) return false;
        more = load<u8>(ip++);
        match += more;
      } while (more == 255);
    }
    if (match > end - op) return false;
    const matchEnd = op + match;
    if (end - matchEnd >= 16) {
      let source = op - offset;
      if (offset >= 16) {
        do {
          v128.store(op, v128.load(source));
          op += 16;
          source += 16;
        } while (op < matchEnd);
      } else {
        // The match overlaps itself: its first bytes, repeated over a register, advance by whole repetitions.
        const pattern = v128.swizzle(v128.load(source), v128.load(PATTERNS + (offset << 4)));
        const stride: usize = 16 - (<usize>16 % offset);
        do {
          v128.store(op, pattern);
          op += stride;
        } while (op < matchEnd);
      }
      op = matchEnd;
    } else if (offset >= match) {
      memory.copy(op, op - offset, match);
      op = matchEnd;
    } else {
      while (op < matchEnd) {
        store<u8>(op, load<u8>(op - offset));
        op++;
      }
    }
  }
  return false;
}
