import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import Database from 'better-sqlite3';
import { describe, expect, test } from 'vitest';
import { formatSqliteVersion, hasWalResetBug, parseDatabaseHeader } from '#format/sqlite-header';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { firstWal } from './wal/vectors.ts';

describe('the header', () => {
  test('of the documented page 1 is read from its newest copy in the WAL', () => {
    expect(parseDatabaseHeader(firstWal().subarray(56, 56 + 512))).toEqual({
      kind: 'database',
      pageSize: 512,
      isWal: true,
      reservedBytes: 0,
      changeCounter: 2,
      pageCount: 2,
      schemaCookie: 1,
      hasAutoVacuum: false,
      writerVersion: 3_040_001,
    });
  });

  test('says 1 for pages of 65536 bytes', () => {
    const path = fileURLToPath(new URL('../../fixtures/v0.5/wal/page65536/app.db', import.meta.url));
    const bytes = readFileSync(path).subarray(0, 100);
    expect(bytes.readUInt16BE(16)).toBe(1);
    expect(parseDatabaseHeader(bytes)).toMatchObject({ kind: 'database', pageSize: 65_536 });
  });

  test('of a rollback-journal database with auto-vacuum is read as such', async () => {
    await using directory = await temporaryDirectory('header');
    const database = new Database(directory.join('a.db'));
    database.pragma('auto_vacuum = full');
    database.exec('CREATE TABLE t(x)');
    database.close();
    expect(parseDatabaseHeader(readFileSync(directory.join('a.db')))).toMatchObject({
      isWal: false,
      hasAutoVacuum: true,
    });
  });

  test('does not vouch for a size that an old writer left behind', () => {
    const page = firstWal().slice(56, 56 + 512);
    page[95] = 1;
    expect(parseDatabaseHeader(page)).toMatchObject({ pageCount: undefined });
  });
});

describe('no header', () => {
  test('is in an empty file, which is a lawful new database, or in a short one', () => {
    expect(parseDatabaseHeader(new Uint8Array(0))).toEqual({ kind: 'empty' });
    expect(parseDatabaseHeader(firstWal().subarray(56, 56 + 99))).toEqual({ kind: 'short' });
    expect(parseDatabaseHeader(Buffer.from('SQLite'))).toEqual({ kind: 'short' });
  });

  test('is in an encrypted or foreign file, or one with an impossible page size', () => {
    expect(parseDatabaseHeader(randomBytes(100).fill(0xa5, 0, 1))).toEqual({ kind: 'notADatabase' });
    expect(parseDatabaseHeader(Buffer.from('hello'))).toEqual({ kind: 'notADatabase' });
    const page = firstWal().slice(56, 56 + 512);
    page[17] = 1;
    expect(parseDatabaseHeader(page)).toEqual({ kind: 'notADatabase' });
  });
});

test('versions are written as people know them', () => {
  expect([3_040_001, 3_051_003].map(formatSqliteVersion)).toEqual(['3.40.1', '3.51.3']);
});

test('releases with the WAL-reset bug are known, and those repaired afterwards', () => {
  const affected = [3_007_000, 3_040_001, 3_044_005, 3_045_000, 3_050_006, 3_051_000, 3_051_002, 3_052_000];
  const sound = [0, 3_006_023, 3_044_006, 3_044_007, 3_050_007, 3_051_003, 3_053_002];
  expect(affected.filter((version) => !hasWalResetBug(version))).toEqual([]);
  expect(sound.filter(hasWalResetBug)).toEqual([]);
});
