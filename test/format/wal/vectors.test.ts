import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { walChecksum } from '#format/wal/checksum';
import { framesBefore, parseFrameHeader, walOffsetAfter } from '#format/wal/frame';
import { encodeWalHeader, isSameHeader, parseWalHeader } from '#format/wal/header';
import { newestPages } from '#format/wal/scanner';
import { scanBytes, validHeader } from './scan.ts';
import { firstWal, restartedWal } from './vectors.ts';

const hexOf = (...values: readonly number[]): string =>
  values.map((value) => value.toString(16).padStart(8, '0')).join(' ');

/** Checksums stored in frame n. */
const stored = (wal: Uint8Array, frame: number): string => {
  const { checksum1, checksum2 } = parseFrameHeader(wal, walOffsetAfter(frame - 1, 512));
  return hexOf(checksum1, checksum2);
};

/** The same WAL with sums over big-endian words. */
const bigEndian = (): Uint8Array => {
  const wal = firstWal();
  wal.set(encodeWalHeader({ ...validHeader(wal), isBigEndian: true }), 0);
  const view = new DataView(wal.buffer);
  let sums = walChecksum(wal, { at: 0, length: 24, isBigEndian: true });
  for (let at = 32; at < wal.length; at += 536) {
    sums = walChecksum(wal, { at, length: 8, isBigEndian: true }, sums);
    sums = walChecksum(wal, { at: at + 24, length: 512, isBigEndian: true }, sums);
    view.setUint32(at + 16, sums.checksum1);
    view.setUint32(at + 20, sums.checksum2);
  }
  return wal;
};

describe('checksums', () => {
  test.each([
    [8, false, '04030201 0c0a0806'],
    [8, true, '01020304 06080a0c'],
    [16, false, '1c181410 38312a23'],
    [16, true, '1014181c 232a3138'],
  ])('of the bytes 1 to %i, big-endian words %s, are %s', (length, isBigEndian, expected) => {
    const bytes = Uint8Array.from({ length }, (_, index) => index + 1);
    const { checksum1, checksum2 } = walChecksum(bytes, { at: 0, length, isBigEndian });
    expect(hexOf(checksum1, checksum2)).toBe(expected);
  });

  test('of part of a word are refused', () => {
    expect(() => walChecksum(new Uint8Array(16), { at: 0, length: 12, isBigEndian: false })).toThrow(RangeError);
  });
});

describe('the WAL of the documents', () => {
  test('is typed in right', () => {
    expect(createHash('sha256').update(firstWal()).digest('hex')).toBe(
      'd2b8c68fcc02104acbf699d82ca10657e4b709d0ab2ade437ade087fee2e9d21',
    );
  });

  test('has the header it is documented with', () => {
    expect(parseWalHeader(firstWal())).toEqual({
      kind: 'valid',
      isBigEndian: false,
      pageSize: 512,
      sequence: 0,
      salt1: 0x0347_8e3c,
      salt2: 0x1df3_19b7,
      checksum1: 0x1159_4a16,
      checksum2: 0x804d_14d8,
    });
    expect(encodeWalHeader(validHeader(firstWal()))).toEqual(firstWal().subarray(0, 32));
  });

  test('holds two transactions; each scan goes on where the one before ended', () => {
    const wal = firstWal();
    const first = scanBytes(wal, { maxBytes: 1 });
    expect(first).toMatchObject({ end: 1104, frameCount: 2, commit: 2, isCut: true, isInRoom: true });
    expect([...first.pageNumbers]).toEqual([1, 2]);
    expect(hexOf(first.chain.checksum1, first.chain.checksum2)).toBe('37738f98 9cdfa801');
    const second = scanBytes(wal, { from: first.end, chain: first.chain });
    expect(second).toMatchObject({ end: 1640, frameCount: 1, commit: 2, isCut: false });
    expect(hexOf(second.chain.checksum1, second.chain.checksum2)).toBe('90b2906e 1ec1c6dd');
    expect(second.frames).toEqual(Buffer.from(wal.subarray(1104)));
    const third = scanBytes(wal, { from: second.end, chain: second.chain });
    expect(third).toMatchObject({ end: 1640, frameCount: 0, commit: 0, chain: second.chain });
  });

  test('in one scan gives the newest copy of each page', () => {
    const { pageNumbers, frames } = newestPages(scanBytes(firstWal()));
    expect({ pageNumbers: [...pageNumbers], frames: [...frames] }).toEqual({ pageNumbers: [1, 2], frames: [0, 2] });
  });

  test('is read no further than SQLite has published it', () => {
    expect(scanBytes(firstWal(), { framesMax: 2 })).toMatchObject({ end: 1104, frameCount: 2 });
    expect(scanBytes(firstWal(), { framesMax: 1 })).toMatchObject({ end: 32, frameCount: 0 });
    expect(scanBytes(firstWal(), { from: 1640, framesMax: 2 })).toMatchObject({ frameCount: 0 });
  });

  test('with big-endian words has the documented sums and the same content', () => {
    const wal = bigEndian();
    const { checksum1, checksum2, isBigEndian } = validHeader(wal);
    expect([isBigEndian, hexOf(checksum1, checksum2)]).toEqual([true, '194c5913 de184c83']);
    expect([1, 2, 3].map((frame) => stored(wal, frame))).toEqual([
      '4e918ff0 93fc1077',
      'a320fdcf b4152651',
      '3f370552 86b3ee59',
    ]);
    expect(scanBytes(wal)).toMatchObject({ end: 1640, frameCount: 3, commit: 2 });
  });

  test('one restart later ends after its first frame, though the file is as long as before', () => {
    const wal = restartedWal();
    expect(wal.length).toBe(1640);
    expect(scanBytes(wal)).toMatchObject({ end: 568, frameCount: 1, commit: 2 });
    expect(validHeader(wal)).toMatchObject({ sequence: 1, salt1: 0x0347_8e3d });
  });

  test('one restart later still shows what of the old generation was not read', () => {
    const [old, now] = [firstWal(), restartedWal()];
    const first = scanBytes(old, { maxBytes: 1 });
    expect(scanBytes(now, { from: first.end, chain: first.chain, header: validHeader(old) })).toMatchObject({
      frameCount: 1,
      end: 1640,
    });
  });

  test('is cut short at every length without harm', () => {
    const wal = firstWal();
    for (let length = 32; length <= wal.length; length += 1) {
      const expected = length < 1104 ? 0 : length < 1640 ? 2 : 3;
      expect(scanBytes(wal.slice(0, length)).frameCount).toBe(expected);
    }
    for (let length = 0; length < 32; length += 1) {
      expect(parseWalHeader(wal.slice(0, length))).toEqual({ kind: 'none', reason: 'short' });
    }
  });

  test('loses the frame in which any byte is changed, and what follows', () => {
    const wal = firstWal();
    for (let at = 32; at < wal.length; at += 1) {
      wal[at] = (wal[at] ?? 0) ^ 0x40;
      expect(scanBytes(wal).frameCount, `byte ${at}`).toBe(at < 1104 ? 0 : 2);
      wal[at] = (wal[at] ?? 0) ^ 0x40;
    }
  });
});

describe('a header', () => {
  test('with any byte changed is none, whatever the byte', () => {
    for (let at = 0; at < 32; at += 1) {
      const wal = firstWal();
      wal[at] = (wal[at] ?? 0) ^ 0x01;
      // Bit 0 of the magic's last byte turns one order of words into the other: then the sum is wrong.
      const reason = at < 3 ? 'foreign' : 'torn';
      expect(parseWalHeader(wal), `byte ${at}`).toEqual({ kind: 'none', reason });
    }
  });

  test('of another format that is intact is refused, as SQLite does', () => {
    const wal = firstWal();
    const view = new DataView(wal.buffer);
    view.setUint32(4, 3_007_001);
    const { checksum1, checksum2 } = walChecksum(wal, { at: 0, length: 24, isBigEndian: false });
    view.setUint32(24, checksum1);
    view.setUint32(28, checksum2);
    expect(() => parseWalHeader(wal)).toThrow(
      expect.objectContaining({ code: 'WAL_INVALID', message: 'the WAL has format 3007001, expected 3007000' }),
    );
  });

  test('with the same salts is another one when its sequence differs', () => {
    const header = validHeader(firstWal());
    const rewritten = encodeWalHeader({ ...header, sequence: 7 });
    expect(isSameHeader(rewritten, firstWal().subarray(0, 32))).toBe(false);
    expect(isSameHeader(encodeWalHeader(header), firstWal().subarray(0, 32))).toBe(true);
  });

  test('keeps page sizes up to 65536 as plain numbers', () => {
    const header = { isBigEndian: false, pageSize: 65_536, sequence: 1, salt1: 0xffff_ffff, salt2: 0 };
    expect(parseWalHeader(encodeWalHeader(header))).toMatchObject(header);
  });
});

test('offsets beyond 4 GiB are exact', () => {
  expect(walOffsetAfter(3_000_000, 65_536)).toBe(32 + 3_000_000 * 65_560);
  expect(framesBefore(walOffsetAfter(3_000_000, 65_536), 65_536)).toBe(3_000_000);
  expect(framesBefore(33, 512)).toBeUndefined();
  expect(framesBefore(0, 512)).toBeUndefined();
});
