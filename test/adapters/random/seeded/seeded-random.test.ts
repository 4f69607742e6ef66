import { describe, expect, it } from 'vitest';
import { createSeededRandom } from '#adapters/random/seeded/seeded-random';
import type { Random } from '#ports/random';

const draws = (random: Random, count = 5): number[] => Array.from({ length: count }, () => random.next());

describe('seeded chance', () => {
  it('one seed gives the same draws for ever', () => {
    expect(draws(createSeededRandom(42))).toEqual(draws(createSeededRandom(42)));
    // Recorded once: a failing seed printed by an older version must still repeat its run.
    expect(draws(createSeededRandom(42), 3)).toEqual(RECORDED);
  });

  it('neighbouring, negative and large seeds give different draws', () => {
    const seeds = [0, 1, 2, -1, -2, 2 ** 32, 2 ** 32 + 1, Number.MAX_SAFE_INTEGER];
    expect(new Set(seeds.map((seed) => createSeededRandom(seed).next())).size).toBe(seeds.length);
  });

  it('a seed that is not a whole number is refused', () => {
    for (const seed of [0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53]) {
      expect(() => createSeededRandom(seed)).toThrow(RangeError);
    }
  });

  it('a fork does not depend on draws made before it, nor on other forks', () => {
    const early = createSeededRandom(7);
    const fork = draws(early.fork('store'));
    const late = createSeededRandom(7);
    draws(late, 100);
    draws(late.fork('crash'), 3);
    expect(draws(late.fork('store'))).toEqual(fork);
    expect(draws(createSeededRandom(8).fork('store'))).not.toEqual(fork);
  });

  it('forks of different concerns, and forks of forks, differ from each other and from their root', () => {
    const root = createSeededRandom(7);
    const all = [
      root,
      root.fork('a'),
      root.fork('b'),
      root.fork('a').fork('b'),
      root.fork('b').fork('a'),
      root.fork('ab'),
    ];
    expect(new Set(all.map((random) => random.next())).size).toBe(all.length);
  });

  it('draws fill [0, 1) evenly', () => {
    const random = createSeededRandom(3);
    const buckets = new Array<number>(16).fill(0);
    let previous = 0.5;
    let product = 0;
    for (let draw = 0; draw < 160_000; draw += 1) {
      const value = random.next();
      if (value < 0 || value >= 1) expect.unreachable(`drew ${value}`);
      const bucket = Math.floor(value * 16);
      buckets[bucket] = (buckets[bucket] ?? 0) + 1;
      product += (value - 0.5) * (previous - 0.5);
      previous = value;
    }
    for (const count of buckets) expect(Math.abs(count - 10_000)).toBeLessThan(500);
    expect(Math.abs(product / 160_000)).toBeLessThan(0.002);
  });
});

const RECORDED = [0.4183039166855528, 0.1715749225800033, 0.5601287375045512];
