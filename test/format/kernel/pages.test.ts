/** Batches of LTX page frames: against real files, page by page against another LZ4, and at every limit. */
import { compressSync } from 'lz4-napi';
import { describe, expect, test } from 'vitest';
import { lz4BlockSizeMax } from '../../../src/format/kernel/kernel.ts';
import { createKernel } from '../../../src/format/kernel/load.ts';
import { pageKinds, samplePage } from './sample-pages.ts';

const kernel = createKernel({ arenaBytes: 4 << 20 });
const pagesAt = kernel.arenaStart;
const framesAt = pagesAt + (1 << 20);
const decodedAt = pagesAt + (2 << 20);
const tableAt = pagesAt + (3 << 20);
const table = (entries: number): Uint32Array =>
  new Uint32Array(kernel.bytes.buffer, kernel.bytes.byteOffset + tableAt, entries * 3);

/** The first level-0 file of a database of two 512-byte pages, as Litestream wrote it. */
const ltxFile = Buffer.from(
  '4c54583100000002000002000000000200000000000000010000000000000001' +
    '0000018bcfe56800000000000000000000000000000000200000000000000430' +
    '03478e3c1df319b7000000000000000000000000000000000000000000000000' +
    '000000000000000100010000006ef30d53514c69746520666f726d6174203300' +
    '02000202004020200000000204000402005301000000040c000410000f02000d' +
    'ff0002002e63010d0000000101df0001df2f000d0f0200ff3ff0121f0106170f' +
    '0f012f7461626c65747402435245415445205441424c45207428782900000002' +
    '0001000000208f0d000000000200000200ffd2000200000200c0000000000000' +
    '00000000000000000000000001647802dc012a00000000000000000800000000' +
    '00000000a7c36e9e995964a3',
  'hex',
);

const headerOf = (page: number, size: number): Buffer => {
  const header = Buffer.alloc(10);
  header.writeUInt32BE(page, 0);
  header.writeUInt16BE(1, 4);
  header.writeUInt32BE(size, 6);
  return header;
};

/** CRC over what the file checksum covers: page header, size, plain page. Its parts are checked in crc64.test.ts. */
function crcOver(crc: bigint, parts: readonly Uint8Array[]): bigint {
  const bytes = Buffer.concat(parts);
  kernel.bytes.set(bytes, decodedAt);
  return kernel.crc64(crc, decodedAt, bytes.length);
}

/** Puts pages into memory, from page number 5 in steps of 3. */
function placePages(pages: readonly Buffer[]): void {
  const entries = table(pages.length);
  let at = pagesAt;
  for (const [index, page] of pages.entries()) {
    kernel.bytes.set(page, at);
    entries.set([5 + 3 * index, at, 0], index * 3);
    at += page.length;
  }
}

const decodeInput = (length: number, pageSize: number, pagesMax: number) => ({
  at: framesAt,
  length,
  pageSize,
  to: decodedAt,
  pagesMax,
  tableAt,
  crc: 0n,
});

describe('page frames', () => {
  test('of a real LTX file decode with its running checksums', () => {
    kernel.bytes.set(ltxFile, framesAt);
    const header = kernel.crc64(0n, framesAt, 100);
    expect(header.toString(16)).toBe('65ee65e8014f8bea');
    const input = { ...decodeInput(200, 512, 8), at: framesAt + 100, crc: header };
    const one = kernel.decodePages({ ...input, pagesMax: 1 });
    expect([one.pages, one.consumed, one.crc.toString(16), one.stop]).toEqual([
      1,
      120,
      '9857ba46a56c2a15',
      'outputFull',
    ]);
    const both = kernel.decodePages(input);
    expect([both.pages, both.consumed, both.crc.toString(16), both.stop]).toEqual([
      2,
      162,
      'b6a87dc0318eb24f',
      'marker',
    ]);
    expect([...table(2)]).toEqual([1, 120, 0, 2, 42, 0]);
    expect(kernel.bytes.toString('latin1', decodedAt, decodedAt + 15)).toBe('SQLite format 3');
    expect(kernel.bytes.toString('hex', decodedAt + 512, decodedAt + 520)).toBe('0d00000000020000');
  });

  test.each([512, 1024, 4096, 65536])('of %i-byte pages: headers, sizes, checksum and content agree', (pageSize) => {
    const pages = pageKinds.map((kind, index) => samplePage(kind, pageSize, index + 1));
    placePages(pages);
    const capacity = 1 << 20;
    const encoded = kernel.encodePages({ tableAt, count: pages.length, pageSize, to: framesAt, capacity, crc: 77n });
    expect(encoded.pages).toBe(pages.length);
    let crc = 77n;
    let at = framesAt;
    for (const [index, page] of pages.entries()) {
      const [number = 0, , size = 0] = table(pages.length).subarray(index * 3);
      expect(kernel.bytes.subarray(at, at + 10)).toEqual(headerOf(number, size - 10));
      crc = crcOver(crc, [headerOf(number, size - 10), page]);
      at += size;
    }
    expect(encoded.bytes).toBe(at - framesAt);
    expect(encoded.crc).toBe(crc);

    const decoded = kernel.decodePages({ ...decodeInput(encoded.bytes, pageSize, 8), crc: 77n });
    expect(decoded).toEqual({ pages: pages.length, consumed: encoded.bytes, crc, stop: 'needInput' });
    expect(kernel.bytes.subarray(decodedAt, decodedAt + pages.length * pageSize).equals(Buffer.concat(pages))).toBe(
      true,
    );
  });

  test('written by another implementation decode', () => {
    const pages = pageKinds.map((kind, index) => samplePage(kind, 4096, index + 50));
    const frames = pages.map((page, index) => {
      const block = compressSync(page).subarray(4);
      return Buffer.concat([headerOf(index + 1, block.length), block]);
    });
    kernel.bytes.set(Buffer.concat(frames), framesAt);
    const length = frames.reduce((sum, frame) => sum + frame.length, 0);
    const decoded = kernel.decodePages(decodeInput(length, 4096, pages.length + 1));
    expect([decoded.pages, decoded.consumed, decoded.stop]).toEqual([pages.length, length, 'needInput']);
    expect(kernel.bytes.subarray(decodedAt, decodedAt + pages.length * 4096).equals(Buffer.concat(pages))).toBe(true);
  });
});

describe('encoding', () => {
  test('a capacity of one frame at its largest holds one page, whatever it is, and a byte less holds none', () => {
    const capacity = 10 + lz4BlockSizeMax(1024);
    for (const kind of pageKinds) {
      placePages([samplePage(kind, 1024, 1), samplePage('noise', 1024, 2)]);
      kernel.bytes.fill(0xa5, framesAt, framesAt + 2 * capacity);
      const input = { tableAt, count: 2, pageSize: 1024, to: framesAt, capacity, crc: 0n };
      expect(kernel.encodePages(input).pages).toBe(1);
      expect(kernel.bytes.subarray(framesAt + capacity, framesAt + 2 * capacity).every((byte) => byte === 0xa5)).toBe(
        true,
      );
      expect(kernel.encodePages({ ...input, capacity: capacity - 1 })).toEqual({ pages: 0, bytes: 0, crc: 0n });
    }
  });

  test('going on where a full output stopped gives the same frames and checksum', () => {
    const pages = Array.from({ length: 40 }, (_, index) => samplePage('sqlite-like', 512, index));
    placePages(pages);
    const input = { tableAt, count: 40, pageSize: 512, to: framesAt, capacity: 1 << 20, crc: 9n };
    const whole = kernel.encodePages(input);
    const expected = Buffer.from(kernel.bytes.subarray(framesAt, framesAt + whole.bytes));
    const parts: Buffer[] = [];
    let crc = 9n;
    for (let done = 0; done < 40; ) {
      const step = kernel.encodePages({
        ...input,
        tableAt: tableAt + done * 12,
        count: 40 - done,
        capacity: 2000,
        crc,
      });
      expect(step.pages).toBeGreaterThan(0);
      parts.push(Buffer.from(kernel.bytes.subarray(framesAt, framesAt + step.bytes)));
      crc = step.crc;
      done += step.pages;
    }
    expect(Buffer.concat(parts).equals(expected)).toBe(true);
    expect(crc).toBe(whole.crc);
  });

  test('pages that descend in memory give the same frames', () => {
    const pages = Array.from({ length: 10 }, (_, index) => samplePage('text', 1024, index));
    const input = { tableAt, count: 10, pageSize: 1024, to: framesAt, capacity: 1 << 20, crc: 0n };
    placePages(pages);
    const ascending = kernel.encodePages(input);
    const expected = Buffer.from(kernel.bytes.subarray(framesAt, framesAt + ascending.bytes));
    for (const [index, page] of pages.entries()) {
      const at = pagesAt + (10 - index) * 1024;
      kernel.bytes.set(page, at);
      table(10).set([5 + 3 * index, at, 0], index * 3);
    }
    expect(kernel.encodePages(input)).toEqual(ascending);
    expect(kernel.bytes.subarray(framesAt, framesAt + ascending.bytes).equals(expected)).toBe(true);
  });

  test.each([
    ['page 0', 0, pagesAt],
    ['an address below the arena', 1, pagesAt - 1],
    ['address 0', 1, 0],
    ['a page beyond the end of the arena', 1, kernel.arenaEnd - 511],
    ['the highest address there is', 1, 0xffffffff],
    ['a page inside the output', 1, framesAt + 100],
    ['a page that ends inside the output', 1, framesAt - 511],
  ])('refuses a table with %s', (_, page, at) => {
    table(1).set([page, at, 0]);
    const input = { tableAt, count: 1, pageSize: 512, to: framesAt, capacity: 10_000, crc: 0n };
    expect(() => kernel.encodePages(input)).toThrow(expect.objectContaining({ code: 'KERNEL_INPUT' }));
  });
});

describe('decoding', () => {
  const blocks = [samplePage('text', 512, 1), samplePage('noise', 512, 2), samplePage('zeros', 512, 3)];
  const frames = blocks.map((page, index) => {
    const block = compressSync(page).subarray(4);
    return Buffer.concat([headerOf(index + 1, block.length), block]);
  });
  const [first = Buffer.alloc(0), second = Buffer.alloc(0)] = frames;
  const marker = Buffer.alloc(6);

  const stopAfter = (tail: Uint8Array): readonly unknown[] => {
    const bytes = Buffer.concat([first, tail]);
    kernel.bytes.set(bytes, framesAt);
    // What lies behind the input is not to be looked at.
    kernel.bytes.fill(0, framesAt + bytes.length, framesAt + bytes.length + 100);
    const { pages, consumed, stop } = kernel.decodePages(decodeInput(bytes.length, 512, 8));
    return [pages, consumed, stop];
  };

  test('an input cut anywhere gives the whole frames in front of the cut', () => {
    const all = Buffer.concat([...frames, marker]);
    kernel.bytes.set(all, framesAt);
    const ends = frames.map((_, index) => frames.slice(0, index + 1).reduce((sum, { length }) => sum + length, 0));
    for (let length = 0; length <= all.length; length += 1) {
      const whole = ends.filter((end) => end <= length);
      const { pages, consumed, stop } = kernel.decodePages(decodeInput(length, 512, 8));
      expect([pages, consumed, stop]).toEqual([
        whole.length,
        whole.at(-1) ?? 0,
        length === all.length ? 'marker' : 'needInput',
      ]);
    }
  });

  test('stops in front of the marker, of other forms and of malformed frames', () => {
    const changed = (offset: number, value: number): Buffer => {
      const copy = Buffer.from(second);
      copy[offset] = value;
      return copy;
    };
    const sized = (size: number): Buffer => Buffer.concat([headerOf(2, size), Buffer.alloc(800)]);
    const stopped = [1, first.length, 'other'];
    expect(stopAfter(marker)).toEqual([1, first.length, 'marker']);
    expect(stopAfter(Buffer.concat([changed(5, 0)]))).toEqual(stopped); // frame form
    expect(stopAfter(changed(4, 0x80))).toEqual(stopped); // unknown flags
    expect(stopAfter(changed(3, 0))).toEqual(stopped); // page 0 that is no marker
    expect(stopAfter(sized(0))).toEqual(stopped);
    expect(stopAfter(sized(lz4BlockSizeMax(512) + 1))).toEqual(stopped);
    expect(stopAfter(sized(0xffffffff))).toEqual(stopped);
    expect(stopAfter(Buffer.concat([headerOf(2, 4), Buffer.from('10410000', 'hex')]))).toEqual(stopped);
    expect(stopAfter(sized(lz4BlockSizeMax(512)).subarray(0, 500))).toEqual([1, first.length, 'needInput']);
  });

  test('writes no page and no table entry beyond the number allowed', () => {
    kernel.bytes.set(Buffer.concat(frames), framesAt);
    for (let pagesMax = 0; pagesMax <= 3; pagesMax += 1) {
      kernel.bytes.fill(0xa5, decodedAt - 64, decodedAt + 4 * 512);
      kernel.bytes.fill(0xa5, tableAt - 64, tableAt + 100);
      const length = frames.reduce((sum, frame) => sum + frame.length, 0);
      expect(kernel.decodePages(decodeInput(length, 512, pagesMax)).pages).toBe(pagesMax);
      const beside = [
        kernel.bytes.subarray(decodedAt - 64, decodedAt),
        kernel.bytes.subarray(decodedAt + pagesMax * 512, decodedAt + 4 * 512),
        kernel.bytes.subarray(tableAt - 64, tableAt),
        kernel.bytes.subarray(tableAt + pagesMax * 12, tableAt + 100),
      ];
      expect(Buffer.concat(beside).every((byte) => byte === 0xa5)).toBe(true);
    }
  });
});
