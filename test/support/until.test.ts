import { describe, expect, test } from 'vitest';
import { until } from './until.ts';

describe('until', () => {
  test('hands out the first value that is there', async () => {
    let looks = 0;
    const value = await until('three looks', () => (++looks === 3 ? 'here' : undefined));
    expect({ value, looks }).toEqual({ value: 'here', looks: 3 });
  });

  test('takes zero and the empty text as values', async () => {
    expect(await until('zero', () => 0)).toBe(0);
    expect(await until('nothing in it', () => '')).toBe('');
  });

  test('says what it waited for and what was seen instead', async () => {
    const waiting = until('the impossible', () => false, { timeoutMs: 1, describe: () => 'only the possible' });
    await expect(waiting).rejects.toThrow(/in vain for: the impossible\nonly the possible/);
  });
});
