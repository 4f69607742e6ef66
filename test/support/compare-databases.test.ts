import { copyFile, open } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { describeDatabase, differingPages, expectSameContent, expectSamePages, runSql } from './compare-databases.ts';
import { temporaryDirectory } from './temporary-directory.ts';

const rows = `
  PRAGMA page_size = 512;
  PRAGMA journal_mode = WAL;
  CREATE TABLE t(id INTEGER PRIMARY KEY, body TEXT);
  WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200) INSERT INTO t SELECT i, hex(i * 7919) FROM n;`;

describe('comparing databases', () => {
  test('a copy equals its original page by page', async () => {
    await using directory = await temporaryDirectory();
    const original = directory.join('a.db');
    const copy = directory.join('b.db');
    await runSql(original, rows);
    await copyFile(original, copy);
    await expectSamePages(original, copy);
    await expectSameContent(original, copy);
  });

  test('one changed byte is one changed page', async () => {
    await using directory = await temporaryDirectory();
    const original = directory.join('a.db');
    const copy = directory.join('b.db');
    await runSql(original, rows);
    await copyFile(original, copy);
    await using file = await open(copy, 'r+');
    await file.write(Buffer.from([0xaa]), 0, 1, 512 * 2 + 500);
    expect((await differingPages(original, copy)).pages).toEqual([3]);
    await expect(expectSamePages(original, copy)).rejects.toThrow('differ in 1 pages: 3');
  });

  test('rows count, the order of pages and tables of replication do not', async () => {
    await using directory = await temporaryDirectory();
    const left = directory.join('a.db');
    const right = directory.join('b.db');
    await runSql(left, rows);
    await copyFile(left, right);
    await runSql(right, 'CREATE TABLE _litestream_seq(id INTEGER PRIMARY KEY, seq INTEGER); VACUUM');
    await expectSameContent(left, right);
    await runSql(right, 'UPDATE t SET body = body || 1 WHERE id = 77');
    await expect(expectSameContent(left, right)).rejects.toThrow('different rows');
    expect((await describeDatabase(left)).pageSize).toBe(512);
  });
});
