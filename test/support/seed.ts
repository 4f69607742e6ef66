/** Seeds of generated tests: one printed number repeats a run. */
import { randomInt } from 'node:crypto';

/** The number in the environment's SEED, or a fresh one. Printed, so that a failed run can be repeated. */
export function chooseSeed(what: string): number {
  const { SEED: given } = process.env;
  if (given !== undefined && given !== '') {
    const seed = Number(given);
    if (!Number.isSafeInteger(seed) || seed < 0) throw new Error(`SEED must be a whole number from 0, not "${given}"`);
    console.info(`${what}: SEED=${seed} (given)`);
    return seed;
  }
  const seed = randomInt(1, 2 ** 31);
  console.info(`${what}: SEED=${seed}`);
  return seed;
}

/** A generator of numbers in [0, 1) with a whole state of 32 bits (mulberry32). */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let z = Math.imul(state ^ (state >>> 15), state | 1);
    z ^= z + Math.imul(z ^ (z >>> 7), z | 61);
    return ((z ^ (z >>> 14)) >>> 0) / 2 ** 32;
  };
}
