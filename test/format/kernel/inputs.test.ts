/** Arguments outside of the arena: every function refuses them by code, and the kernel goes on working. */
import { afterEach, describe, expect, test } from 'vitest';
import { createKernel } from '../../../src/format/kernel/load.ts';

const kernel = createKernel({ arenaBytes: 1 << 20 });
const { arenaStart, arenaEnd } = kernel;
const refused = expect.objectContaining({ name: 'ReplicationError', code: 'KERNEL_INPUT', retryable: false });

const badAddresses = [
  ...[-1, 0, arenaStart - 1, arenaEnd + 1, arenaStart + 0.5, 2 ** 32, 2 ** 32 + arenaStart, -(2 ** 31)],
  ...[Number.NaN, Number.POSITIVE_INFINITY],
];
const badLengths = [-1, 8.5, arenaEnd - arenaStart + 8, 2 ** 31, 2 ** 32, 2 ** 53, Number.NaN];
const badPageSizes = [0, 256, 511, 1000, 131072, -512, 4096.5, Number.NaN];
const badWords = [-1, 0.5, 2 ** 32, Number.NaN];
const badCrcs = [-1n, 1n << 64n];

const sums = { checksum1: 0, checksum2: 0 };
const tableAt = arenaEnd - 4096;
const scan = { at: arenaStart, frames: 2, pageSize: 512, salt1: 1, salt2: 2, ...sums, isBigEndian: false, tableAt };
const encode = { tableAt, count: 1, pageSize: 512, to: arenaStart + 4096, capacity: 4096, crc: 0n };
const decode = {
  ...{ at: arenaStart, length: 1000, pageSize: 512, to: arenaStart + 8192, pagesMax: 4 },
  ...{ tableAt, crc: 0n },
};

/** Every value of a list in one field of an argument object is refused. */
function refusesEach<T extends object>(
  call: (input: T) => unknown,
  good: T,
  bad: Partial<Record<keyof T, readonly unknown[]>>,
) {
  expect(() => call(good)).not.toThrow();
  for (const [field, values] of Object.entries(bad) as [string, readonly unknown[]][]) {
    for (const value of values) expect(() => call({ ...good, [field]: value }), `${field} = ${value}`).toThrow(refused);
  }
}

afterEach(() => {
  kernel.bytes.write('123456789', arenaStart);
  expect(kernel.crc64(0n, arenaStart, 9)).toBe(0xb90956c775a41001n);
});

describe('the arena', () => {
  test('has the size asked for and slack behind it', () => {
    for (const arenaBytes of [1, 65536, 65537, 8 << 20]) {
      const { bytes, arenaStart: start, arenaEnd: end } = createKernel({ arenaBytes });
      expect(end - start).toBeGreaterThanOrEqual(arenaBytes);
      expect(bytes.length - end).toBeGreaterThanOrEqual(32);
    }
  });

  test('of a size that cannot be is refused', () => {
    for (const arenaBytes of [0, -1, 1.5, 2 ** 31, Number.NaN]) {
      expect(() => createKernel({ arenaBytes }), `${arenaBytes}`).toThrow(refused);
    }
  });

  test('belongs to one kernel', () => {
    const other = createKernel({ arenaBytes: 100 });
    other.bytes.fill(1, other.arenaStart, other.arenaEnd);
    kernel.bytes.fill(0, arenaStart, arenaStart + 100);
    expect(other.bytes[other.arenaStart]).toBe(1);
  });
});

describe('out of range', () => {
  test('crc64', () => {
    refusesEach(
      ({ crc, at, length }) => kernel.crc64(crc, at, length),
      { crc: 0n, at: arenaStart, length: 8 },
      {
        crc: badCrcs,
        at: badAddresses,
        length: badLengths,
      },
    );
    expect(() => kernel.crc64(0n, arenaEnd - 7, 8)).toThrow(refused);
    expect(kernel.crc64(0n, arenaEnd, 0)).toBe(0n);
  });

  test('walChecksum', () => {
    refusesEach(
      ({ checksum1, checksum2, at, length }) => kernel.walChecksum({ checksum1, checksum2 }, at, length, true),
      { ...sums, at: arenaStart, length: 8 },
      { checksum1: badWords, checksum2: badWords, at: badAddresses, length: [...badLengths, 7, 12] },
    );
  });

  test('scanWalFrames', () => {
    refusesEach(kernel.scanWalFrames, scan, {
      at: badAddresses,
      frames: [-1, 1.5, Number.NaN, 2000, 2 ** 32 - 1],
      pageSize: badPageSizes,
      salt1: badWords,
      salt2: badWords,
      checksum1: badWords,
      checksum2: badWords,
      tableAt: [...badAddresses, arenaEnd - 15, arenaStart, arenaStart + 1071],
    });
  });

  test('lz4Encode', () => {
    const good = { from: arenaStart, length: 100, to: arenaStart + 1000, capacity: 116 };
    refusesEach(({ from, length, to, capacity }) => kernel.lz4Encode(from, length, to, capacity), good, {
      from: [...badAddresses, arenaStart + 901, arenaEnd - 99],
      length: [...badLengths, 101],
      to: [...badAddresses, arenaStart, arenaStart + 99, arenaEnd - 115],
      capacity: [...badLengths, 115],
    });
  });

  test('lz4Decode', () => {
    const good = { from: arenaStart, length: 100, to: arenaStart + 1000, expected: 512 };
    refusesEach(({ from, length, to, expected }) => kernel.lz4Decode(from, length, to, expected), good, {
      from: [...badAddresses, arenaStart + 901, arenaEnd - 99],
      length: badLengths,
      to: [...badAddresses, arenaStart, arenaEnd - 511],
      expected: badLengths,
    });
  });

  test('encodePages', () => {
    new Uint32Array(kernel.bytes.buffer, tableAt, 3).set([1, arenaStart, 0]);
    refusesEach(kernel.encodePages, encode, {
      tableAt: [...badAddresses, arenaEnd - 11, arenaStart + 4096],
      count: [-1, 0.5, Number.NaN, 2000, 2 ** 32 - 1],
      pageSize: badPageSizes,
      to: [...badAddresses, arenaEnd - 100],
      capacity: badLengths,
      crc: badCrcs,
    });
  });

  test('decodePages', () => {
    refusesEach(kernel.decodePages, decode, {
      at: [...badAddresses, arenaEnd - 999],
      length: badLengths,
      pageSize: badPageSizes,
      to: [...badAddresses, arenaStart, arenaEnd - 2047, tableAt],
      pagesMax: [-1, 0.5, Number.NaN, 5000, 2 ** 32 - 1],
      tableAt: [...badAddresses, arenaEnd - 47, arenaStart, arenaStart + 8192],
      crc: badCrcs,
    });
  });
});
