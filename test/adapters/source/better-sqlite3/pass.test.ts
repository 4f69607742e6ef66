/** What a pass writes, replayed, is the database. */
import { statSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { followedDatabase, syncAll } from './followed-database.ts';

const insert = (bytes: number): string => `INSERT INTO t (data) VALUES (randomblob(${bytes}))`;

describe('a pass', () => {
  test.each([512, 1024, 4096, 65536])('gives back the same pages with pages of %i bytes', async (pageSize) => {
    await using db = await followedDatabase({ pageSize });
    const source = db.source();
    await source.open();
    expect(await syncAll(source)).toMatchObject([{ txid: 1n, snapshotReason: '' }]);
    await db.app.repeat(insert(700), 100);
    await db.app.repeat('UPDATE t SET data = randomblob(900) WHERE id % 7 = 0', 3);
    expect(await syncAll(source)).toMatchObject([{ txid: 2n }]);
    await db.expectReplayEqualsSource();
    await db.app.repeat(insert(70_000), 3);
    expect(await syncAll(source)).toMatchObject([{ txid: 3n }]);
    await db.expectReplayEqualsSource();
  });

  test('writes nothing when nothing was committed, and a look says so', async () => {
    await using db = await followedDatabase();
    const source = db.source();
    await source.open();
    expect((await source.look()).hasChanged).toBe(true);
    await syncAll(source);
    expect((await source.look()).hasChanged).toBe(false);
    await db.app.exec(`BEGIN IMMEDIATE; ${insert(100_000)}`);
    expect((await source.look()).hasChanged).toBe(false);
    expect(await syncAll(source)).toEqual([]);
    await db.app.exec('COMMIT');
    expect((await source.look()).hasChanged).toBe(true);
    expect(await syncAll(source)).toMatchObject([{ txid: 2n }]);
    expect((await source.look()).hasChanged).toBe(false);
    await db.expectReplayEqualsSource();
  });

  test('leaves out what was spilled to the WAL and rolled back', async () => {
    await using db = await followedDatabase();
    const source = db.source();
    await source.open();
    await syncAll(source);
    await db.app.pragma('cache_size = 10');
    await db.app.exec(`BEGIN; WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200)
      INSERT INTO t (data) SELECT randomblob(3000) FROM n`);
    expect(await syncAll(source)).toEqual([]);
    await db.app.exec('ROLLBACK');
    expect(await syncAll(source)).toEqual([]);
    await db.app.exec(insert(10));
    await syncAll(source);
    await db.expectReplayEqualsSource();
  });

  test('copes with a transaction larger than its memory', async () => {
    await using db = await followedDatabase();
    const source = db.source();
    await source.open();
    await syncAll(source);
    await db.app.exec(`BEGIN; WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10)
      INSERT INTO t (data) SELECT randomblob(2000000) FROM n; UPDATE t SET data = randomblob(900000) WHERE id = 3; COMMIT`);
    expect(statSync(`${db.path}-wal`).size).toBeGreaterThan(16 * 1024 * 1024);
    expect(await syncAll(source)).toMatchObject([{ txid: 2n }]);
    await db.expectReplayEqualsSource();
    await source.requireSnapshot({ after: 0n, reason: 'asked for' });
    expect(await syncAll(source)).toMatchObject([{ txid: 3n, snapshotReason: 'asked for' }]);
    await db.expectReplayEqualsSource();
  });

  test('is cut at a commit once it has read enough', async () => {
    await using db = await followedDatabase();
    const source = db.source({ maxSyncWalBytes: 100_000 });
    await source.open();
    await syncAll(source);
    await db.app.repeat(insert(30_000), 20);
    const first = await source.pass();
    expect(first.isMoreWaiting).toBe(true);
    expect((await source.look()).hasChanged).toBe(true);
    expect((await syncAll(source)).length).toBeGreaterThan(3);
    await db.expectReplayEqualsSource();
  });

  test('follows VACUUM, auto_vacuum and growth after them', async () => {
    await using db = await followedDatabase();
    await db.app.exec('PRAGMA auto_vacuum = full; VACUUM');
    const source = db.source();
    await source.open();
    await db.app.repeat(insert(9_000), 60);
    await syncAll(source);
    await db.app.exec('DELETE FROM t WHERE id > 5');
    await syncAll(source);
    await db.expectReplayEqualsSource();
    await db.app.repeat(insert(5_000), 30);
    await db.app.exec('DELETE FROM t WHERE id < 20');
    await db.app.exec(insert(200_000));
    await syncAll(source);
    await db.expectReplayEqualsSource();
    await db.app.exec('VACUUM');
    await syncAll(source);
    await db.expectReplayEqualsSource();
  });

  test('stores every page by which the database grew, also those without a frame', async () => {
    await using db = await followedDatabase();
    const source = db.source();
    await source.open();
    await syncAll(source);
    // Pages that were allocated and freed in one transaction may be added to the file without a frame.
    await db.app.exec(`BEGIN; ${insert(400_000)}; CREATE TABLE u (data); INSERT INTO u SELECT randomblob(300000); DROP TABLE u;
      DELETE FROM t; ${insert(5_000)}; COMMIT`);
    await syncAll(source);
    expect(db.files().length).toBe(2);
    await db.expectReplayEqualsSource();
  });

  test('takes a full copy above what it is told, and goes on from there', async () => {
    await using db = await followedDatabase();
    const source = db.source();
    await source.open();
    await syncAll(source);
    await source.requireSnapshot({ after: 40n, reason: 'a replica is ahead' });
    expect((await source.look()).hasChanged).toBe(true);
    expect(await syncAll(source)).toMatchObject([{ txid: 41n, snapshotReason: 'a replica is ahead' }]);
    await db.app.exec(insert(10));
    expect(await syncAll(source)).toMatchObject([{ txid: 42n }]);
    await db.expectReplayEqualsSource();
  });

  test('keeps timestamps ascending when the clock steps back', async () => {
    await using db = await followedDatabase();
    const source = db.source();
    await source.open();
    await syncAll(source);
    db.clock.now -= 60_000;
    await db.app.exec(insert(10));
    await syncAll(source);
    const [first, second] = db.files().map((file) => db.header(file).timestampMs);
    expect(second).toBe((first ?? 0) + 1);
  });
});
