/** WAL checksums and the frame scan against vectors of a real WAL and a plain loop. */
import { describe, expect, test } from 'vitest';
import { createKernel } from '../../../src/format/kernel/load.ts';
import { randomFrom } from '../../support/seed.ts';

const kernel = createKernel({ arenaBytes: 4 << 20 });
const at = kernel.arenaStart;
const tableAt = at + (3 << 20);
const start = { checksum1: 0, checksum2: 0 };
const hex = ({ checksum1, checksum2 }: { readonly checksum1: number; readonly checksum2: number }): string =>
  [checksum1, checksum2].map((sum) => sum.toString(16).padStart(8, '0')).join(' ');

function sumByLoop(sums: typeof start, bytes: Buffer, isBigEndian: boolean): typeof start {
  let { checksum1: s0, checksum2: s1 } = sums;
  for (let i = 0; i < bytes.length; i += 8) {
    const [x, y] = isBigEndian
      ? [bytes.readUInt32BE(i), bytes.readUInt32BE(i + 4)]
      : [bytes.readUInt32LE(i), bytes.readUInt32LE(i + 4)];
    s0 = (s0 + x + s1) % 2 ** 32;
    s1 = (s1 + y + s0) % 2 ** 32;
  }
  return { checksum1: s0, checksum2: s1 };
}

/** WAL of two transactions, page size 512: `CREATE TABLE t(x)`, `INSERT INTO t VALUES('hello')`; rows not set are zero. */
function realWal(): Buffer {
  const wal = Buffer.alloc(1640);
  const rows: Readonly<Record<number, string>> = {
    0: '377f0682002de2180000020000000000',
    16: '03478e3c1df319b711594a16804d14d8',
    32: '000000010000000003478e3c1df319b7',
    48: '1760509773eef2c753514c6974652066',
    64: '6f726d61742033000200020200402020',
    80: '00000002000000020000000000000000',
    96: '00000001000000040000000000000000',
    112: '00000001000000000000000000000000',
    144: '0000000000000002002e63010d000000',
    160: '0101df0001df00000000000000000000',
    528: '000000000000001f0106170f0f012f74',
    544: '61626c65747402435245415445205441',
    560: '424c4520742878290000000200000002',
    576: '03478e3c1df319b737738f989cdfa801',
    592: '0d000000000200000000000000000000',
    1104: '000000020000000203478e3c1df319b7',
    1120: '90b2906e1ec1c6dd0d0000000101f700',
    1136: '01f70000000000000000000000000000',
    1616: '00000000000000000000000000000007',
    1632: '01021768656c6c6f',
  };
  for (const [offset, row] of Object.entries(rows)) wal.write(row, Number(offset), 'hex');
  return wal;
}

/** A WAL body: `count` frames of random pages with right sums. */
function randomFrames(count: number, pageSize: number, isBigEndian: boolean, seed: number): Buffer {
  const random = randomFrom(seed);
  const frames: Buffer[] = [];
  let sums = { checksum1: 11, checksum2: 22 };
  for (let number = 1; number <= count; number += 1) {
    const frame = Buffer.alloc(24 + pageSize);
    for (let i = 24; i < frame.length; i += 1) frame[i] = Math.floor(random() * 256);
    frame.writeUInt32BE(number * 7, 0);
    frame.writeUInt32BE(number % 3 === 0 ? 1000 + number : 0, 4);
    frame.writeUInt32BE(0xdeadbeef, 8);
    frame.writeUInt32BE(0x80000001, 12);
    sums = sumByLoop(sums, frame.subarray(0, 8), isBigEndian);
    sums = sumByLoop(sums, frame.subarray(24), isBigEndian);
    frame.writeUInt32BE(sums.checksum1, 16);
    frame.writeUInt32BE(sums.checksum2, 20);
    frames.push(frame);
  }
  return Buffer.concat(frames);
}

const scanOf = (pageSize: number, frames: number, isBigEndian: boolean) => ({
  at,
  frames,
  pageSize,
  salt1: 0xdeadbeef,
  salt2: 0x80000001,
  checksum1: 11,
  checksum2: 22,
  isBigEndian,
  tableAt,
});

const tableOf = (entries: number): readonly number[] => [
  ...new Uint32Array(kernel.bytes.buffer, kernel.bytes.byteOffset + tableAt, entries * 2),
];

describe('WAL checksum', () => {
  test('gives the vectors in both byte orders', () => {
    kernel.bytes.set(
      Array.from({ length: 16 }, (_, i) => i + 1),
      at,
    );
    expect(hex(kernel.walChecksum(start, at, 8, false))).toBe('04030201 0c0a0806');
    expect(hex(kernel.walChecksum(start, at, 8, true))).toBe('01020304 06080a0c');
    expect(hex(kernel.walChecksum(start, at, 16, false))).toBe('1c181410 38312a23');
    expect(hex(kernel.walChecksum(start, at, 16, true))).toBe('1014181c 232a3138');
    expect(hex(kernel.walChecksum({ checksum1: 1, checksum2: 2 }, at, 0, true))).toBe('00000001 00000002');
  });

  test('equals a plain loop for random data of every length up to 1 KiB', () => {
    const random = randomFrom(42);
    const data = Buffer.from(Array.from({ length: 1024 }, () => Math.floor(random() * 256)));
    kernel.bytes.set(data, at + 3);
    const sums = { checksum1: 0xfffffff0, checksum2: 0x89abcdef };
    for (let length = 0; length <= data.length; length += 8) {
      for (const isBigEndian of [false, true]) {
        expect(kernel.walChecksum(sums, at + 3, length, isBigEndian)).toEqual(
          sumByLoop(sums, data.subarray(0, length), isBigEndian),
        );
      }
    }
  });
});

describe('scan of WAL frames', () => {
  test('reads a WAL that SQLite wrote', () => {
    const wal = realWal();
    kernel.bytes.set(wal, at);
    const header = kernel.walChecksum(start, at, 24, false);
    expect(hex(header)).toBe('11594a16 804d14d8');
    const input = { ...scanOf(512, 3, false), at: at + 32, salt1: 0x03478e3c, salt2: 0x1df319b7, ...header };
    const first = kernel.scanWalFrames({ ...input, frames: 1 });
    expect([first.validFrames, hex(first)]).toEqual([1, '17605097 73eef2c7']);
    const all = kernel.scanWalFrames(input);
    expect([all.validFrames, hex(all)]).toEqual([3, '90b2906e 1ec1c6dd']);
    expect(tableOf(3)).toEqual([1, 0, 2, 2, 2, 2]);
  });

  test('reads the same WAL summed in big-endian words', () => {
    const wal = realWal();
    wal.writeUInt8(0x83, 3);
    const sums = ['194c5913de184c83', '4e918ff093fc1077', 'a320fdcfb4152651', '3f37055286b3ee59'];
    for (const [index, offset] of [24, 48, 584, 1120].entries()) wal.write(sums[index] ?? '', offset, 'hex');
    kernel.bytes.set(wal, at);
    const header = kernel.walChecksum(start, at, 24, true);
    const input = { ...scanOf(512, 3, true), at: at + 32, salt1: 0x03478e3c, salt2: 0x1df319b7, ...header };
    const all = kernel.scanWalFrames(input);
    expect([all.validFrames, hex(all)]).toEqual([3, '3f370552 86b3ee59']);
  });

  test.each([512, 1024, 4096, 65536])('takes all frames of %i-byte pages, in either byte order', (pageSize) => {
    for (const isBigEndian of [false, true]) {
      const frames = randomFrames(5, pageSize, isBigEndian, pageSize);
      kernel.bytes.set(frames, at);
      const result = kernel.scanWalFrames(scanOf(pageSize, 5, isBigEndian));
      expect(result.validFrames).toBe(5);
      const last = frames.subarray(4 * (24 + pageSize));
      expect([result.checksum1, result.checksum2]).toEqual([last.readUInt32BE(16), last.readUInt32BE(20)]);
      expect(tableOf(5)).toEqual([7, 0, 14, 0, 21, 1003, 28, 0, 35, 0]);
    }
  });

  test('stops at the first damaged frame with the sums of the one before', () => {
    const good = randomFrames(4, 512, false, 1);
    const frame = 536;
    const sumsAfter = (number: number) => ({
      checksum1: number === 0 ? 11 : good.readUInt32BE((number - 1) * frame + 16),
      checksum2: number === 0 ? 22 : good.readUInt32BE((number - 1) * frame + 20),
    });
    for (let bad = 0; bad < 4; bad += 1) {
      for (const offset of [0, 3, 4, 8, 12, 15, 16, 20, 23, 24, 300, 535]) {
        const damaged = Buffer.from(good);
        damaged[bad * frame + offset] = (damaged[bad * frame + offset] ?? 0) ^ 0x10;
        kernel.bytes.set(damaged, at);
        expect(kernel.scanWalFrames(scanOf(512, 4, false))).toEqual({ validFrames: bad, ...sumsAfter(bad) });
      }
    }
  });

  test('refuses page number 0 even when the sums are right', () => {
    const frame = randomFrames(1, 512, false, 1);
    frame.writeUInt32BE(0, 0);
    const sums = sumByLoop(
      sumByLoop({ checksum1: 11, checksum2: 22 }, frame.subarray(0, 8), false),
      frame.subarray(24),
      false,
    );
    frame.writeUInt32BE(sums.checksum1, 16);
    frame.writeUInt32BE(sums.checksum2, 20);
    kernel.bytes.set(frame, at);
    expect(kernel.scanWalFrames(scanOf(512, 1, false)).validFrames).toBe(0);
  });

  test('looks at no more frames than asked for', () => {
    kernel.bytes.set(randomFrames(4, 512, false, 1), at);
    kernel.bytes.fill(0xee, tableAt, tableAt + 64);
    expect(kernel.scanWalFrames(scanOf(512, 2, false)).validFrames).toBe(2);
    expect(tableOf(3).slice(4)).toEqual([0xeeeeeeee, 0xeeeeeeee]);
    expect(kernel.scanWalFrames(scanOf(512, 0, false))).toEqual({ validFrames: 0, checksum1: 11, checksum2: 22 });
  });
});
