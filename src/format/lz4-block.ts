/**
 * LZ4 blocks that may refer to blocks before them, as frames hold them (LZ4 block format). Pages of LTX files are blocks of
 * their own and go through the kernel instead, which is faster.
 */

const MATCH_MIN = 4;
/** End-of-block rules: no match starts in the last 12 bytes, the last 5 are literals. */
const MATCH_START_GAP = 12;
const LAST_LITERALS = 5;
const OFFSET_MAX = 65535;
const HASH_BITS = 14;

/**
 * Decodes one block into `output` from `start`, at most to `end`; matches may reach back to the start of `output`.
 * Returns where the output ends, or -1 when the block is malformed or does not fit. Nothing outside `start` to `end` is
 * written, whatever the block holds.
 */
export function decodeLz4Block(
  block: Uint8Array,
  output: Uint8Array,
  { start, end }: { readonly start: number; readonly end: number },
): number {
  let ip = 0;
  let op = start;
  while (ip < block.length) {
    const token = block[ip++] ?? 0;

    let literals = token >> 4;
    if (literals === 15) {
      let more: number;
      do {
        if (ip >= block.length) return -1;
        more = block[ip++] ?? 0;
        literals += more;
      } while (more === 255);
    }
    if (literals > block.length - ip || literals > end - op) return -1;
    if (literals > 32) {
      output.set(block.subarray(ip, ip + literals), op);
      op += literals;
      ip += literals;
    } else {
      for (const stop = ip + literals; ip < stop; ) output[op++] = block[ip++] ?? 0;
    }
    if (ip === block.length) return op;

    if (block.length - ip < 2) return -1;
    const offset = (block[ip] ?? 0) | ((block[ip + 1] ?? 0) << 8);
    ip += 2;
    if (offset === 0 || offset > op) return -1;
    let length = token & 15;
    if (length === 15) {
      let more: number;
      do {
        if (ip >= block.length) return -1;
        more = block[ip++] ?? 0;
        length += more;
      } while (more === 255);
    }
    length += MATCH_MIN;
    if (length > end - op) return -1;
    if (offset >= length && length > 32) {
      output.copyWithin(op, op - offset, op - offset + length);
      op += length;
    } else {
      for (const stop = op + length; op < stop; op += 1) output[op] = output[op - offset] ?? 0;
    }
  }
  return -1;
}

/** Appends `value - 15` in steps of 255 to `out`, as lengths above 14 are written. */
function writeLength(out: Uint8Array, at: number, value: number): number {
  let rest = value - 15;
  let op = at;
  for (; rest >= 255; rest -= 255) out[op++] = 255;
  out[op++] = rest;
  return op;
}

/**
 * Encodes `input` from `start` to `end` as one block; matches may refer to bytes from `history` (at most `start`) on.
 * The block is at most `length + length / 255 + 16` bytes.
 */
export function encodeLz4Block(
  input: Uint8Array,
  { history, start, end }: { readonly history: number; readonly start: number; readonly end: number },
): Uint8Array {
  const view = new DataView(input.buffer, input.byteOffset, input.byteLength);
  const out = new Uint8Array(end - start + Math.floor((end - start) / 255) + 16);
  const slotOf = (word: number): number => Math.imul(word, 0x9e3779b1) >>> (32 - HASH_BITS);
  /** Position + 1 of the last place a hash was seen; 0 for none. */
  const table = new Uint32Array(1 << HASH_BITS);
  let op = 0;

  /** One sequence; no match when `length` is 0, which only the last may be. */
  const writeSequence = (from: number, to: number, offset: number, length: number): void => {
    const literals = to - from;
    const extra = length === 0 ? 0 : length - MATCH_MIN;
    out[op++] = (Math.min(literals, 15) << 4) | Math.min(extra, 15);
    if (literals >= 15) op = writeLength(out, op, literals);
    out.set(input.subarray(from, to), op);
    op += literals;
    if (length === 0) return;
    out[op++] = offset & 255;
    out[op++] = offset >> 8;
    if (extra >= 15) op = writeLength(out, op, extra);
  };

  for (let at = Math.max(history, start - OFFSET_MAX); at < start && at + 4 <= end; at += 1) {
    table[slotOf(view.getInt32(at, true))] = at + 1;
  }
  let anchor = start;
  let ip = start;
  while (ip <= end - MATCH_START_GAP - 1) {
    const word = view.getInt32(ip, true);
    const slot = slotOf(word);
    const candidate = (table[slot] ?? 0) - 1;
    table[slot] = ip + 1;
    if (candidate < 0 || ip - candidate > OFFSET_MAX || view.getInt32(candidate, true) !== word) {
      ip += 1;
      continue;
    }
    let length = MATCH_MIN;
    while (ip + length < end - LAST_LITERALS && input[ip + length] === input[candidate + length]) length += 1;
    writeSequence(anchor, ip, ip - candidate, length);
    ip += length;
    anchor = ip;
  }
  writeSequence(anchor, end, 0, 0);
  return out.subarray(0, op);
}
