/** Bytes arrive where they belong, whichever way they are written. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createNodeOutputFiles } from '#adapters/output/node/output-files';
import { createSeededRandom } from '#adapters/random/seeded/seeded-random';
import { temporaryDirectory } from '../../../effects/restore/support.ts';

const files = createNodeOutputFiles({ random: createSeededRandom(1) });

const fill = (bytes: Uint8Array, seed: number): Uint8Array => {
  for (let index = 0; index < bytes.length; index += 1) bytes[index] = (index * 31 + (index >>> 8) * 7 + seed) & 255;
  return bytes;
};

test.each([0, 8])(
  'large writes from aligned memory and others (memory shifted by %i bytes) give the same file',
  async (shift) => {
    await using directory = await temporaryDirectory();
    const output = join(directory.path, 'a.db');
    const file = await files.createTemporary(output, { mode: 0o600 });
    const size = 1024 * 1024;
    const memory = file.allocate(size + shift).subarray(shift);
    fill(memory, 3);
    const wanted = Buffer.alloc(3 * size + 5000);
    wanted.set(memory, 0);
    wanted.set(memory, size + 5000);
    wanted.set(memory, 2 * size + 5000);
    await Promise.all([file.write(memory, 0), file.write(memory, size + 5000), file.write(memory, 2 * size + 5000)]);
    // Small, into the middle of what was written large.
    await file.write(Buffer.from('small'), 777);
    wanted.write('small', 777);
    await file.flush();
    await file.sync();
    expect(Buffer.compare(await file.read(770, 20), wanted.subarray(770, 790))).toBe(0);
    await file.close();
    await file.close();
    expect(Buffer.compare(await readFile(file.path), wanted)).toBe(0);
  },
);

test('memory that only looks aligned is written all the same', async () => {
  await using directory = await temporaryDirectory();
  const file = await files.createTemporary(join(directory.path, 'a.db'), { mode: 0o600 });
  const memory = fill(new Uint8Array(1024 * 1024), 4);
  await Promise.all([file.write(memory, 0), file.write(memory, memory.length)]);
  await file.write(memory, 2 * memory.length);
  await file.close();
  expect(Buffer.compare(await readFile(file.path), Buffer.concat([memory, memory, memory]))).toBe(0);
});

test('a large write over a small one over a large one leaves the last', async () => {
  await using directory = await temporaryDirectory();
  const file = await files.createTemporary(join(directory.path, 'a.db'), { mode: 0o600 });
  const memory = fill(file.allocate(512 * 1024), 1);
  await file.write(memory, 0);
  await file.write(Buffer.alloc(10_000, 9), 4096);
  fill(memory, 2);
  await file.write(memory, 0);
  await file.close();
  expect(Buffer.compare(await readFile(file.path), memory)).toBe(0);
});

test.each([512, 4096, 65_536])('pages of %i bytes in any distance go to their places', async (pageSize) => {
  await using directory = await temporaryDirectory();
  const file = await files.createTemporary(join(directory.path, 'a.db'), { mode: 0o600 });
  const pageNumbers = Uint32Array.of(1, 2, 3, 5, 9, 10, 40);
  const bytes = fill(file.allocate(pageNumbers.length * pageSize), 5);
  await file.writePages({ bytes, pageSize, pageNumbers });
  await file.truncate(41 * pageSize);
  await file.close();
  const wanted = Buffer.alloc(41 * pageSize);
  for (const [index, pageNumber] of pageNumbers.entries()) {
    wanted.set(bytes.subarray(index * pageSize, (index + 1) * pageSize), (pageNumber - 1) * pageSize);
  }
  expect(Buffer.compare(await readFile(file.path), wanted)).toBe(0);
});
