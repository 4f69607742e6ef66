/** CRC-64/GO-ISO of the kernel against the check values of the format and a bytewise table. */
import { describe, expect, test } from 'vitest';
import { createKernel } from '../../../src/format/kernel/load.ts';
import { randomFrom } from '../../support/seed.ts';

const kernel = createKernel({ arenaBytes: 1 << 20 });
const at = kernel.arenaStart;

const table = Array.from({ length: 256 }, (_, index) => {
  let c = BigInt(index);
  for (let bit = 0; bit < 8; bit += 1) c = (c & 1n) === 1n ? (c >> 1n) ^ 0xd800000000000000n : c >> 1n;
  return c;
});

function crcByTable(bytes: Uint8Array): bigint {
  let c = 0xffff_ffff_ffff_ffffn;
  for (const byte of bytes) c = (table[Number(c & 0xffn) ^ byte] ?? 0n) ^ (c >> 8n);
  return c ^ 0xffff_ffff_ffff_ffffn;
}

const crcOf = (bytes: Uint8Array): string => {
  kernel.bytes.set(bytes, at);
  return kernel.crc64(0n, at, bytes.length).toString(16).padStart(16, '0');
};

describe('CRC-64/GO-ISO', () => {
  test('gives the check values', () => {
    expect(crcOf(Buffer.from('123456789'))).toBe('b90956c775a41001');
    expect(crcOf(Buffer.alloc(0))).toBe('0000000000000000');
    expect(crcOf(Buffer.of(0))).toBe('6f90000000000000');
  });

  test('gives the page checksums of pages of zeros', () => {
    const pageChecksum = (pageSize: number, page: number): string => {
      const bytes = Buffer.alloc(4 + pageSize);
      bytes.writeUInt32BE(page);
      return (BigInt(`0x${crcOf(bytes)}`) | (1n << 63n)).toString(16);
    };
    expect([512, 4096, 65536].map((size) => [pageChecksum(size, 1), pageChecksum(size, 2)])).toEqual([
      ['efb1f44fecd99000', 'ef63e89fecd99000'],
      ['d9328f592d9e733d', 'f7901e47304ca33f'],
      ['d5c47f5c6d11f7f2', 'fa5e2a4dfdf12cb0'],
    ]);
  });

  test('equals the bytewise form for every length around the lanes, at any address, in two pieces', () => {
    const random = randomFrom(20261201);
    const data = Buffer.from(Array.from({ length: 5000 }, () => Math.floor(random() * 256)));
    const lengths = [...Array.from({ length: 300 }, (_, length) => length), 511, 512, 513, 4095, 4096, 4099];
    for (const length of lengths) {
      const shift = Math.floor(random() * 32);
      const cut = Math.floor(random() * (length + 1));
      kernel.bytes.set(data.subarray(0, length), at + shift);
      const expected = crcByTable(data.subarray(0, length));
      expect(kernel.crc64(0n, at + shift, length)).toBe(expected);
      const first = kernel.crc64(0n, at + shift, cut);
      expect(kernel.crc64(first, at + shift + cut, length - cut)).toBe(expected);
    }
  });

  test('reads right up to the end of the arena', () => {
    const data = Buffer.from('the last seventeen');
    const from = kernel.arenaEnd - data.length;
    kernel.bytes.set(data, from);
    expect(kernel.crc64(0n, from, data.length)).toBe(crcByTable(data));
  });
});
