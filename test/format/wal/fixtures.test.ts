/** WALs with the frame list an independent parser made of them, cross-checked with what SQLite reads. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { parseDatabaseHeader } from '#format/sqlite-header';
import type { ChecksumPair } from '#format/wal/checksum';
import { frameBytes, parseFrameHeader, walOffsetAfter } from '#format/wal/frame';
import { parseWalHeader } from '#format/wal/header';
import { newestPages } from '#format/wal/scanner';
import { scanBytes, validHeader } from './scan.ts';

interface ExpectedFrame {
  readonly n: number;
  readonly offset: number;
  readonly pgno: number;
  readonly commit: number;
  readonly salts: string;
  readonly checksum: string;
  readonly valid: boolean;
  readonly page_sha256?: string;
}

interface Expected {
  readonly note: string;
  readonly wal: {
    readonly header: {
      readonly usable: boolean;
      readonly page_size: number;
      readonly big_endian_checksums: boolean;
    } | null;
    readonly frames: readonly ExpectedFrame[];
    readonly mx_frame: number;
    readonly end?: number;
    readonly commit?: number;
    readonly transactions?: readonly {
      readonly end: number;
      readonly commit: number;
      readonly pages: readonly number[];
    }[];
  };
  readonly sqlite: { readonly page_count?: number };
}

const folder = fileURLToPath(new URL('../../../fixtures/v0.5/wal/', import.meta.url));
const names = readdirSync(folder);

const load = (
  name: string,
): { readonly wal: Uint8Array; readonly database: Uint8Array; readonly expected: Expected } => {
  return {
    wal: readFileSync(`${folder}${name}/app.db-wal`),
    database: readFileSync(`${folder}${name}/app.db`),
    // A cast: the file is data of the repository.
    expected: JSON.parse(readFileSync(`${folder}${name}/expected.json`, 'utf8')) as Expected,
  };
};

const hex = (...values: readonly number[]): string =>
  values.map((value) => value.toString(16).padStart(8, '0')).join('');

const usableNames = names.filter((name) => load(name).expected.wal.header?.usable === true);

test('there are fixtures', () => {
  expect(names.length).toBeGreaterThan(20);
  expect(usableNames.length).toBeGreaterThan(15);
});

describe.each(names)('the WAL %s', (name) => {
  const { wal, database, expected } = load(name);
  const header = parseWalHeader(wal);
  const isUsable = expected.wal.header?.usable === true;

  test('has a header that is used, or not', () => {
    expect(header.kind).toBe(isUsable ? 'valid' : 'none');
    if (header.kind !== 'valid') return;
    expect(header).toMatchObject({
      pageSize: expected.wal.header?.page_size,
      isBigEndian: expected.wal.header?.big_endian_checksums,
    });
    expect(parseDatabaseHeader(database)).toMatchObject({ kind: 'database', pageSize: header.pageSize, isWal: true });
  });
});

describe.each(usableNames)('the usable WAL %s', (name) => {
  const { wal, expected } = load(name);
  const { frames, mx_frame: lastCommitted, end = 32, commit = 0, transactions = [] } = expected.wal;
  const header = validHeader(wal);

  test('has these frames', () => {
    for (const frame of frames) {
      if (frame.offset + 24 > wal.length) continue;
      const head = parseFrameHeader(wal, frame.offset);
      expect({
        pgno: head.pageNumber,
        commit: head.commit,
        salts: hex(head.salt1, head.salt2),
        checksum: hex(head.checksum1, head.checksum2),
      }).toEqual({ pgno: frame.pgno, commit: frame.commit, salts: frame.salts, checksum: frame.checksum });
    }
  });

  test.each([1, 3, 40])('ends at its last commit, read through room for %i frames', (roomFrames) => {
    const scan = scanBytes(wal, { roomFrames });
    expect(scan).toMatchObject({ frameCount: lastCommitted, end, commit, isCut: false });
    expect([...scan.pageNumbers]).toEqual(frames.slice(0, lastCommitted).map(({ pgno }) => pgno));
    const last = frames[lastCommitted - 1];
    if (last !== undefined) expect(hex(scan.chain.checksum1, scan.chain.checksum2)).toBe(last.checksum);
    // What was read behind the last commit may have pushed committed frames out of the room.
    if (scan.isInRoom) expect(scan.frames).toEqual(Buffer.from(wal.subarray(32, end)));
  });

  test('gives its transactions one by one', () => {
    const found: { readonly end: number; readonly commit: number; readonly pages: readonly number[] }[] = [];
    let state: { readonly end: number; readonly chain: ChecksumPair } = { end: 32, chain: header };
    for (;;) {
      const scan = scanBytes(wal, { from: state.end, chain: state.chain, maxBytes: 1 });
      if (scan.frameCount === 0) break;
      const pages = [...new Set(scan.pageNumbers)].sort((a, b) => a - b);
      found.push({ end: scan.end, commit: scan.commit, pages });
      state = scan;
    }
    expect(found).toEqual(transactions);
  });

  test('has as newest copies the pages the parser saw, none above the size', () => {
    const scan = scanBytes(wal);
    const { pageNumbers, frames: newest } = newestPages(scan);
    const byPage = new Map(frames.slice(0, lastCommitted).map((frame) => [frame.pgno, frame]));
    const kept = [...byPage.values()].filter(({ pgno }) => pgno <= commit).sort((a, b) => a.pgno - b.pgno);
    expect([...pageNumbers]).toEqual(kept.map(({ pgno }) => pgno));
    expect([...newest].map((frame) => frame + 1)).toEqual(kept.map(({ n }) => n));
    for (const { n, page_sha256: digest } of kept) {
      const at = walOffsetAfter(n - 1, header.pageSize);
      const page = wal.subarray(at + 24, at + frameBytes(header.pageSize));
      expect(createHash('sha256').update(page).digest('hex').slice(0, 16)).toBe(digest);
    }
    expect(commit === 0 || commit === expected.sqlite.page_count).toBe(true);
  });
});
