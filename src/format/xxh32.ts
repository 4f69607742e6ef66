/** XXH32 with seed 0, the checksum of LZ4 frames (xxHash specification, section "XXH32 algorithm"). */

/** A running XXH32. */
export interface Xxh32 {
  /** Adds bytes; they may come in pieces of any size. */
  update(bytes: Uint8Array): void;
  /** The sum of everything added so far, 0 to 2^32 - 1. More may be added afterwards. */
  digest(): number;
}

const PRIME_1 = 0x9e3779b1;
const PRIME_2 = 0x85ebca77;
const PRIME_3 = 0xc2b2ae3d;
const PRIME_4 = 0x27d4eb2f;
const PRIME_5 = 0x165667b1;
const STRIPE_BYTES = 16;

const rotateLeft = (value: number, bits: number): number => (value << bits) | (value >>> (32 - bits));

const round = (lane: number, word: number): number =>
  Math.imul(rotateLeft((lane + Math.imul(word, PRIME_2)) | 0, 13), PRIME_1);

/** Starts a sum. Memory: 16 bytes. */
export function createXxh32(): Xxh32 {
  let lane1 = (PRIME_1 + PRIME_2) | 0;
  let lane2 = PRIME_2 | 0;
  let lane3 = 0;
  let lane4 = -PRIME_1 | 0;
  let totalBytes = 0;
  let heldBytes = 0;
  const held = new Uint8Array(STRIPE_BYTES);

  /** Adds all whole stripes of `bytes` from `start`; returns where the rest begins. */
  const addStripes = (bytes: Uint8Array, start: number): number => {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    let at = start;
    for (; at + STRIPE_BYTES <= bytes.length; at += STRIPE_BYTES) {
      lane1 = round(lane1, view.getInt32(at, true));
      lane2 = round(lane2, view.getInt32(at + 4, true));
      lane3 = round(lane3, view.getInt32(at + 8, true));
      lane4 = round(lane4, view.getInt32(at + 12, true));
    }
    return at;
  };

  return {
    update: (bytes) => {
      totalBytes += bytes.length;
      let at = 0;
      if (heldBytes > 0) {
        at = Math.min(STRIPE_BYTES - heldBytes, bytes.length);
        held.set(bytes.subarray(0, at), heldBytes);
        heldBytes += at;
        if (heldBytes < STRIPE_BYTES) return;
        addStripes(held, 0);
        heldBytes = 0;
      }
      at = addStripes(bytes, at);
      held.set(bytes.subarray(at));
      heldBytes = bytes.length - at;
    },

    digest: () => {
      let sum =
        totalBytes >= STRIPE_BYTES
          ? rotateLeft(lane1, 1) + rotateLeft(lane2, 7) + rotateLeft(lane3, 12) + rotateLeft(lane4, 18)
          : PRIME_5;
      sum = (sum + totalBytes) | 0;
      const view = new DataView(held.buffer);
      let at = 0;
      for (; at + 4 <= heldBytes; at += 4) {
        sum = Math.imul(rotateLeft((sum + Math.imul(view.getInt32(at, true), PRIME_3)) | 0, 17), PRIME_4);
      }
      for (; at < heldBytes; at += 1) {
        sum = Math.imul(rotateLeft((sum + Math.imul(view.getUint8(at), PRIME_5)) | 0, 11), PRIME_1);
      }
      sum = Math.imul(sum ^ (sum >>> 15), PRIME_2);
      sum = Math.imul(sum ^ (sum >>> 13), PRIME_3);
      return (sum ^ (sum >>> 16)) >>> 0;
    },
  };
}

/** XXH32 of one piece, seed 0: 0 to 2^32 - 1. */
export function xxh32(bytes: Uint8Array): number {
  const sum = createXxh32();
  sum.update(bytes);
  return sum.digest();
}
