/** XXH32 against its check values and another implementation. */
import { createXXHash32, xxhash32 } from 'hash-wasm';
import { expect, test } from 'vitest';
import { createXxh32, xxh32 } from '../../src/format/xxh32.ts';
import { randomFrom } from '../support/seed.ts';

const hex = (sum: number): string => sum.toString(16).padStart(8, '0');

test('gives the check values', () => {
  expect(hex(xxh32(Buffer.alloc(0)))).toBe('02cc5d05');
  expect(hex(xxh32(Buffer.from('123456789')))).toBe('937bad67');
  expect(hex(xxh32(Buffer.of(0x64, 0x40)))).toBe('95c0a77c');
});

test('equals another implementation at every length up to 200', async () => {
  const random = randomFrom(4);
  const data = Buffer.from(Array.from({ length: 200 }, () => Math.floor(random() * 256)));
  for (let length = 0; length <= data.length; length += 1) {
    expect(hex(xxh32(data.subarray(0, length)))).toBe(await xxhash32(data.subarray(0, length)));
  }
});

test('does not depend on how the data is cut', async () => {
  const random = randomFrom(5);
  const data = Buffer.from(Array.from({ length: 20_000 }, () => Math.floor(random() * 256)));
  const expected = (await createXXHash32()).update(data).digest();
  for (let round = 0; round < 20; round += 1) {
    const sum = createXxh32();
    for (let at = 0; at < data.length; ) {
      const end = at + Math.floor(random() * 40);
      sum.update(data.subarray(at, end));
      at = Math.min(end, data.length);
    }
    expect(hex(sum.digest())).toBe(expected);
    expect(hex(sum.digest())).toBe(expected);
  }
});
