/**
 * CRC-64/GO-ISO without tables. The polynomial x^64 + x^4 + x^3 + x + 1 is sparse, so multiplying by x^64 and by x^512
 * (= x^32 + x^24 + x^8 + 1) takes a few shifts. All values here are raw: the complement at both ends is the caller's.
 */

/** v * x^64, reflected: what 64 zero bits do to the register. */
@inline
function timesX64(v: u64): u64 {
  const over = (v << 60) ^ (v << 61) ^ (v << 63);
  const s = v ^ over;
  return s ^ (s >> 1) ^ (s >> 3) ^ (s >> 4);
}

/** The same by x^512, two lanes at a time. */
@inline
function timesX512(v: v128): v128 {
  const over = v128.xor(v128.xor(i64x2.shl(v, 32), i64x2.shl(v, 40)), i64x2.shl(v, 56));
  const low = v128.xor(v128.xor(v, i64x2.shr_u(v, 8)), v128.xor(i64x2.shr_u(v, 24), i64x2.shr_u(v, 32)));
  const high = v128.xor(v128.xor(over, i64x2.shr_u(over, 1)), v128.xor(i64x2.shr_u(over, 3), i64x2.shr_u(over, 4)));
  return v128.xor(low, high);
}

/** Up to 7 bytes, given in the low end of `word`: the register keeps its rest, the bytes pass through as whole words do. */
@inline
export function crcShort(c: u64, word: u64, bytes: u64): u64 {
  const bits = bytes << 3;
  return (c >> bits) ^ timesX64((c ^ word) << (64 - bits));
}

/** The ten bytes in front of a page in block form: page number, flags and compressed size. */
export function crcFrameHeader(c: u64, at: usize): u64 {
  return crcShort(timesX64(c ^ load<u64>(at)), load<u16>(at, 8), 2);
}

export function crcRaw(crc: u64, from: usize, length: usize): u64 {
  let c = crc;
  let at = from;
  const end = from + length;
  if (length >= 128) {
    // Eight lanes of 64 bits, each 64 bytes apart; the running value enters through the first.
    let a = v128.xor(v128.load(at), i64x2.replace_lane(i64x2.splat(0), 0, c));
    let b = v128.load(at, 16);
    let d = v128.load(at, 32);
    let e = v128.load(at, 48);
    at += 64;
    const last = end - 64;
    while (at <= last) {
      a = v128.xor(timesX512(a), v128.load(at));
      b = v128.xor(timesX512(b), v128.load(at, 16));
      d = v128.xor(timesX512(d), v128.load(at, 32));
      e = v128.xor(timesX512(e), v128.load(at, 48));
      at += 64;
    }
    c = timesX64(i64x2.extract_lane(a, 0));
    c = timesX64(c ^ i64x2.extract_lane(a, 1));
    c = timesX64(c ^ i64x2.extract_lane(b, 0));
    c = timesX64(c ^ i64x2.extract_lane(b, 1));
    c = timesX64(c ^ i64x2.extract_lane(d, 0));
    c = timesX64(c ^ i64x2.extract_lane(d, 1));
    c = timesX64(c ^ i64x2.extract_lane(e, 0));
    c = timesX64(c ^ i64x2.extract_lane(e, 1));
  }
  while (at + 8 <= end) {
    c = timesX64(c ^ load<u64>(at));
    at += 8;
  }
  const rest = end - at;
  if (rest > 0) {
    // Reads up to 7 bytes too many; the shift in crcShort drops them. The arena has slack behind its end.
    c = crcShort(c, load<u64>(at), rest);
  }
  return c;
}
