import { mkdir, mkdtemp, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createFileV03Storage } from '#adapters/storage/file/v03';
import type { V03Storage } from '#ports/storage';
import { bytesOf } from '../conformance.ts';

const OLD = '1111111111111111';
const NEW = 'ffffffffffffffff';
const TIME_MS = Date.UTC(2023, 4, 6, 7, 8, 9);
const never = new AbortController().signal;

describe('v0.3 backups in a directory', () => {
  let root: string;
  let storage: V03Storage;
  const put = async (path: string, text = path): Promise<void> => {
    const file = join(root, 'generations', path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, text);
    await utimes(file, new Date(TIME_MS), new Date(TIME_MS));
  };

  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'v03-'));
    storage = createFileV03Storage(root);
  });
  afterEach(() => rm(root, { recursive: true, force: true }));

  it('a directory without backups has no generations, snapshots or segments', async () => {
    expect(await storage.listGenerations(never)).toEqual([]);
    expect(await storage.listSnapshots(OLD, never)).toEqual([]);
    expect(await storage.listSegments(OLD, never)).toEqual([]);
  });

  it('generations are directories with 16 hex digits, sorted', async () => {
    await put(`${NEW}/snapshots/00000000.snapshot.lz4`);
    await put(`${OLD}/snapshots/00000000.snapshot.lz4`);
    await put('notes/x');
    await put('2222222222222222');
    expect(await storage.listGenerations(never)).toEqual([OLD, NEW]);
  });

  it('snapshots are listed by index and opened', async () => {
    await put(`${OLD}/snapshots/0000000a.snapshot.lz4`, 'ten');
    await put(`${OLD}/snapshots/00000002.snapshot.lz4`, 'two!');
    await put(`${OLD}/snapshots/2.snapshot.lz4`);
    await put(`${OLD}/snapshots/00000003.snapshot.lz4.tmp`);
    const snapshots = await storage.listSnapshots(OLD, never);
    expect(snapshots).toEqual([
      { generation: OLD, index: 2, sizeBytes: 4, createdAtMs: TIME_MS },
      { generation: OLD, index: 10, sizeBytes: 3, createdAtMs: TIME_MS },
    ]);
    const texts = await Promise.all(snapshots.map(async (info) => bytesOf(await storage.openSnapshot(info, never))));
    expect(texts.map(String)).toEqual(['two!', 'ten']);
  });

  it('segments are listed by index and offset, and one with a longer offset is opened under its own name', async () => {
    await put(`${OLD}/wal/00000001_00000000.wal.lz4`, 'c');
    await put(`${OLD}/wal/00000000_0000000000001000.wal.lz4`, 'b');
    await put(`${OLD}/wal/00000000_00000000.wal.lz4`, 'a');
    await put(`${OLD}/wal/00000000_0000.wal.lz4`);
    const segments = await storage.listSegments(OLD, never);
    expect(segments.map(({ index, offset }) => [index, offset])).toEqual([
      [0, 0],
      [0, 4096],
      [1, 0],
    ]);
    const texts = await Promise.all(segments.map(async (info) => bytesOf(await storage.openSegment(info, never))));
    expect(texts.map(String)).toEqual(['a', 'b', 'c']);
  });

  it('a snapshot that is gone is STORAGE_NOT_FOUND', async () => {
    const info = { generation: OLD, index: 0, sizeBytes: 1, createdAtMs: TIME_MS };
    await expect(storage.openSnapshot(info, never)).rejects.toMatchObject({ code: 'STORAGE_NOT_FOUND' });
  });
});
