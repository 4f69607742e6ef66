/**
 * Repeatable chance: sfc32 (Chris Doty-Humphrey's small fast counting generator, 128 bits of state), seeded through a
 * mixing function. A fork depends on the seed and the path of concerns alone, never on draws made before it.
 */
import type { Random } from '#ports/random';

/** Draws thrown away so that similar seeds have nothing in common. */
const WARM_UP_DRAWS = 16;

/** A bijective mix of 32 bits (the finalizer of MurmurHash3). */
const mix = (value: number): number => {
  let bits = value | 0;
  bits = Math.imul(bits ^ (bits >>> 16), 0x85eb_ca6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2_ae35);
  return (bits ^ (bits >>> 16)) >>> 0;
};

/** FNV-1a over UTF-16 units, from a starting value. */
const hashText = (start: number, text: string): number => {
  let hash = start;
  for (let index = 0; index < text.length; index += 1) hash = Math.imul(hash ^ text.charCodeAt(index), 0x0100_0193);
  return hash >>> 0;
};

interface Seed {
  readonly low: number;
  readonly high: number;
}

const createFromSeed = ({ low, high }: Seed): Random => {
  let a = mix(low ^ 0x9e37_79b9);
  let b = mix(high ^ 0x243f_6a88);
  let c = mix((low ^ high) + 0x7f4a_7c15);
  let counter = 1;
  const draw32 = (): number => {
    const sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + sum;
    c |= 0;
    return sum >>> 0;
  };
  for (let draw = 0; draw < WARM_UP_DRAWS; draw += 1) draw32();
  return {
    next: () => {
      const upper = draw32() >>> 5;
      const lower = draw32() >>> 6;
      return (upper * 0x400_0000 + lower) / 0x20_0000_0000_0000;
    },
    fork: (concern) =>
      createFromSeed({
        low: mix(hashText(low ^ 0x811c_9dc5, concern)),
        high: mix(hashText(high ^ 0x51ed_270b, concern)),
      }),
  };
};

/** A generator from a seed: any integer up to 2^53 in size; the same seed gives the same draws on every machine. */
export const createSeededRandom = (seed: number): Random => {
  if (!Number.isSafeInteger(seed)) throw new RangeError(`a seed is a whole number below 2^53, not ${seed}`);
  const size = Math.abs(seed);
  const high = Math.floor(size / 0x1_0000_0000) | (seed < 0 ? 0x8000_0000 : 0);
  return createFromSeed({ low: mix(size >>> 0), high: mix(high ^ 0x5bd1_e995) });
};
