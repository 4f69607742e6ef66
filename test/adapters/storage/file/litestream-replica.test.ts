import { createHash } from 'node:crypto';
import { cpSync, mkdtempSync, readFileSync, rmSync, utimesSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createFileStorage } from '#adapters/storage/file/file-storage';
import { ALL_LEVELS } from '#domain/level';
import { formatLtxName } from '#domain/txid';
import type { ByteStream, ListingMode, ReplicaStorage } from '#ports/storage';
import { bytesOf } from '../conformance.ts';

interface Expected {
  readonly files: readonly {
    readonly level: number;
    readonly name: string;
    readonly size: number;
    readonly sha256: string;
    readonly mtime_ms: number;
    readonly header: { readonly timestamp: number };
  }[];
  readonly v03_files: readonly {
    readonly path: string;
    readonly size: number;
    readonly sha256: string;
    readonly mtime_ms: number;
  }[];
}

const FIXTURE = fileURLToPath(new URL('../../../../fixtures/v0.5/mixed-upgraded', import.meta.url));
const expected = JSON.parse(readFileSync(join(FIXTURE, 'expected.json'), 'utf8')) as Expected;
const never = new AbortController().signal;
const digest = async (stream: ByteStream): Promise<string> =>
  createHash('sha256')
    .update(await bytesOf(stream))
    .digest('hex');

describe('a directory that Litestream v0.3.13 and v0.5.17 have written', () => {
  let base: string;
  let storage: ReplicaStorage;

  beforeAll(() => {
    base = mkdtempSync(join(tmpdir(), 'litestream-replica-'));
    cpSync(join(FIXTURE, 'replica'), base, { recursive: true });
    for (const { path, mtime_ms: mtimeMs } of expected.v03_files) {
      utimesSync(join(base, path), mtimeMs / 1000, mtimeMs / 1000);
    }
    storage = createFileStorage({ path: base });
  });
  afterAll(() => rmSync(base, { recursive: true }));

  const listed = async (mode: ListingMode): Promise<unknown[]> => {
    const files: unknown[] = [];
    for (const level of ALL_LEVELS) {
      for await (const file of storage.listLtxFiles(level, 0n, mode, never)) {
        const sha256 = await digest(await storage.openLtxFile(level, file, {}, never));
        const entry = { level, name: formatLtxName(file), size: file.sizeBytes, sha256 };
        files.push(mode === 'exact' ? { ...entry, time: file.createdAtMs } : entry);
      }
    }
    return files;
  };

  it('its LTX files are listed and read, with the times of their headers though a copy has lost those of the files', async () => {
    const all = [...expected.files].sort((a, b) => a.level - b.level || (a.name < b.name ? -1 : 1));
    const entries = all.map(({ level, name, size, sha256 }) => ({ level, name, size, sha256 }));
    expect(await listed('fast')).toEqual(entries);
    expect(await listed('exact')).toEqual(
      entries.map((entry, index) => ({ ...entry, time: all[index]?.header.timestamp })),
    );
  });

  it('its v0.3 files are listed and read', async () => {
    const { v03 } = storage;
    if (v03 === undefined) throw new Error('a directory can hold v0.3 backups');
    const found: unknown[] = [];
    for (const generation of await v03.listGenerations(never)) {
      for (const snapshot of await v03.listSnapshots(generation, never)) {
        const sha256 = await digest(await v03.openSnapshot(snapshot, never));
        found.push({ size: snapshot.sizeBytes, sha256, mtime_ms: snapshot.createdAtMs });
      }
      for (const segment of await v03.listSegments(generation, never)) {
        const sha256 = await digest(await v03.openSegment(segment, never));
        found.push({ size: segment.sizeBytes, sha256, mtime_ms: segment.createdAtMs });
      }
    }
    expect(found).toEqual(expected.v03_files.map(({ size, sha256, mtime_ms }) => ({ size, sha256, mtime_ms })));
  });
});
