import { expect, test } from 'vitest';
import {
  formatV03SegmentPath,
  formatV03SnapshotPath,
  isV03Generation,
  parseV03SegmentName,
  parseV03SnapshotName,
} from '#format/v03/names';

test('names as v0.3 writes them are read', () => {
  expect(isV03Generation('0123456789abcdef')).toBe(true);
  expect(parseV03SnapshotName('0000000a.snapshot.lz4')).toEqual({ index: 10 });
  expect(parseV03SegmentName('00000001_00004080.wal.lz4')).toEqual({ index: 1, offset: 0x4080 });
  expect(parseV03SegmentName('00000001_100000000.wal.lz4')).toEqual({ index: 1, offset: 2 ** 32 });
  expect(parseV03SegmentName('00000001_0000000100000000.wal.lz4')).toEqual({ index: 1, offset: 2 ** 32 });
});

test('any other name is not ours', () => {
  const generations = ['0123456789ABCDEF', '0123456789abcde', '0123456789abcdef0', '0123456789abcdef\n'];
  expect(generations.filter(isV03Generation)).toEqual([]);
  const snapshots = [
    'a.snapshot.lz4',
    '0000000A.snapshot.lz4',
    '0000000a.snapshot.lz4.tmp',
    '0000000a.snapshot',
    'x0000000a.snapshot.lz4',
  ];
  expect(snapshots.filter((name) => parseV03SnapshotName(name) !== undefined)).toEqual([]);
  const segments = [
    '00000001_4080.wal.lz4',
    '00000001.wal.lz4',
    '00000001_00004080.wal',
    '00000001_00000000000004080.wal.lz4',
  ];
  expect(segments.filter((name) => parseV03SegmentName(name) !== undefined)).toEqual([]);
});

test('an offset too large for exact arithmetic is refused rather than rounded', () => {
  expect(parseV03SegmentName('00000001_ffffffffffffffff.wal.lz4')).toBeUndefined();
});

test('paths lie below the generation', () => {
  expect(formatV03SnapshotPath('0123456789abcdef', 255)).toBe(
    'generations/0123456789abcdef/snapshots/000000ff.snapshot.lz4',
  );
  expect(formatV03SegmentPath('0123456789abcdef', '00000001_00004080.wal.lz4')).toBe(
    'generations/0123456789abcdef/wal/00000001_00004080.wal.lz4',
  );
});
