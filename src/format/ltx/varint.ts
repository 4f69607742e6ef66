/** Unsigned LEB128 as in the page index: 7 bits a byte, low group first, bit 7 = more follow; at most 64 bits. */

/** The longest a varint of 64 bits may be. */
export const VARINT_BYTES_MAX = 10;

/** Writes `value` (0 to 2^53 - 1) in the fewest bytes at `at`; returns the address after it. */
export const writeVarint = (bytes: Uint8Array, at: number, value: number): number => {
  let rest = value;
  let p = at;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes[p++] = (rest % 0x80) | 0x80;
  bytes[p++] = rest;
  return p;
};

/** Takes bytes one at a time; for input that arrives in pieces. */
export class VarintReader {
  #value = 0;
  #scale = 1;
  #length = 0;

  /** Bytes of the varint begun and not yet finished. */
  get pendingBytes(): number {
    return this.#length;
  }

  /**
   * The next byte. `undefined`: more are needed. -1: longer than 64 bits, or above 2^53 - 1. Otherwise the value; padding
   * with zero groups is accepted.
   */
  take(byte: number): number | undefined {
    this.#length++;
    this.#value += (byte & 0x7f) * this.#scale;
    if (this.#length === VARINT_BYTES_MAX && byte > 1) return -1;
    if ((byte & 0x80) !== 0) {
      this.#scale *= 0x80;
      return undefined;
    }
    const value = this.#value;
    this.#value = 0;
    this.#scale = 1;
    this.#length = 0;
    return Number.isSafeInteger(value) ? value : -1;
  }
}
