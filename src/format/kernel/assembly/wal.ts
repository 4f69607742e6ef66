/** The checksum of SQLite's WAL and the scan of its frames. */

import { loadBe32 } from './memory';

/** Results of the last call. */
export let walChecksum1: u32 = 0;
export let walChecksum2: u32 = 0;

/** Sums of little-endian words; length is a multiple of 8. */
function sumLittle(from: usize, length: usize): void {
  let s0 = walChecksum1;
  let s1 = walChecksum2;
  let at = from;
  const end = from + length;
  const unrolled = from + (length & ~31);
  while (at < unrolled) {
    const w0 = load<u64>(at);
    const w1 = load<u64>(at, 8);
    const w2 = load<u64>(at, 16);
    const w3 = load<u64>(at, 24);
    s0 = s0 + <u32>w0 + s1;
    s1 = s1 + <u32>(w0 >> 32) + s0;
    s0 = s0 + <u32>w1 + s1;
    s1 = s1 + <u32>(w1 >> 32) + s0;
    s0 = s0 + <u32>w2 + s1;
    s1 = s1 + <u32>(w2 >> 32) + s0;
    s0 = s0 + <u32>w3 + s1;
    s1 = s1 + <u32>(w3 >> 32) + s0;
    at += 32;
  }
  while (at < end) {
    s0 = s0 + load<u32>(at) + s1;
    s1 = s1 + load<u32>(at, 4) + s0;
    at += 8;
  }
  walChecksum1 = s0;
  walChecksum2 = s1;
}

/** Sums of big-endian words; WASM has no byte swap, a shuffle turns four words at once. */
function sumBig(from: usize, length: usize): void {
  let s0 = walChecksum1;
  let s1 = walChecksum2;
  let at = from;
  const end = from + length;
  const unrolled = from + (length & ~15);
  while (at < unrolled) {
    const raw = v128.load(at);
    const w = v128.shuffle<u8>(raw, raw, 3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12);
    const low = i64x2.extract_lane(w, 0);
    const high = i64x2.extract_lane(w, 1);
    s0 = s0 + <u32>low + s1;
    s1 = s1 + <u32>(low >>> 32) + s0;
    s0 = s0 + <u32>high + s1;
    s1 = s1 + <u32>(high >>> 32) + s0;
    at += 16;
  }
  while (at < end) {
    s0 = s0 + loadBe32(at) + s1;
    s1 = s1 + loadBe32(at + 4) + s0;
    at += 8;
  }
  walChecksum1 = s0;
  walChecksum2 = s1;
}

@inline
function sum(from: usize, length: usize, isBigEndian: bool): void {
  if (isBigEndian) sumBig(from, length);
  else sumLittle(from, length);
}

export function walChecksum(checksum1: u32, checksum2: u32, at: usize, length: usize, isBigEndian: bool): void {
  walChecksum1 = checksum1;
  walChecksum2 = checksum2;
  sum(at, length, isBigEndian);
}

/** Number of valid frames from `at`; the sums after the last of them are left in the globals. */
export function scanWalFrames(
  from: usize,
  frames: u32,
  pageSize: u32,
  salt1: u32,
  salt2: u32,
  checksum1: u32,
  checksum2: u32,
  isBigEndian: bool,
  tableAt: usize,
): u32 {
  walChecksum1 = checksum1;
  walChecksum2 = checksum2;
  let at = from;
  let table = tableAt;
  let valid: u32 = 0;
  while (valid < frames) {
    const page = loadBe32(at);
    if (page == 0 || loadBe32(at + 8) != salt1 || loadBe32(at + 12) != salt2) break;
    const before1 = walChecksum1;
    const before2 = walChecksum2;
    sum(at, 8, isBigEndian);
    sum(at + 24, pageSize, isBigEndian);
    if (loadBe32(at + 16) != walChecksum1 || loadBe32(at + 20) != walChecksum2) {
      walChecksum1 = before1;
      walChecksum2 = before2;
      break;
    }
    store<u32>(table, page);
    store<u32>(table, loadBe32(at + 4), 4);
    table += 8;
    at += 24 + pageSize;
    valid++;
  }
  return valid;
}
