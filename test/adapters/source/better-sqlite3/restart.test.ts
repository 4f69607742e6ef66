/** Restarts of the WAL: ours, the application's, and those that happened while nobody looked. No commit is ever skipped. */
import { rmSync, statSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { startApplication } from '../../../support/application.ts';
import { type FollowedDatabase, followedDatabase, syncAll } from './followed-database.ts';

const insert = (bytes: number): string => `INSERT INTO t (data) VALUES (randomblob(${bytes}))`;
const update = 'UPDATE t SET data = randomblob(3000)';

/** A database with a synced history, its source closed and the application still connected. */
const stopped = async (): Promise<FollowedDatabase> => {
  const db = await followedDatabase();
  await db.app.repeat(insert(3_000), 40);
  const source = db.source();
  await source.open();
  await syncAll(source);
  await source.close({ finalPass: true });
  return db;
};

const reopened = async (db: FollowedDatabase) => {
  const source = db.source();
  await source.open();
  return syncAll(source);
};

describe('a start', () => {
  test('goes on without a file when nothing happened', async () => {
    await using db = await stopped();
    expect(await reopened(db)).toEqual([]);
    await db.expectReplayEqualsSource();
  });

  test('goes on with an increment when transactions were appended', async () => {
    await using db = await stopped();
    await db.app.repeat(insert(3_000), 5);
    const written = await reopened(db);
    expect(written).toMatchObject([{ txid: 2n }]);
    expect(written[0]?.snapshotReason).toBeUndefined();
    await db.expectReplayEqualsSource();
  });

  test('takes a full copy when unread transactions were followed by a restart', async () => {
    await using db = await stopped();
    await db.app.exec('UPDATE t SET data = randomblob(3000) WHERE id < 10');
    expect(await db.app.pragma('wal_checkpoint(PASSIVE)')).toMatchObject([{ busy: 0 }]);
    await db.app.exec(insert(10));
    const written = await reopened(db);
    expect(written[0]?.snapshotReason).toMatch(/snapshotting$/);
    await db.expectReplayEqualsSource();
  });

  test('takes a full copy when everything unread was checkpointed and the WAL not yet restarted, and later restarts', async () => {
    await using db = await stopped();
    await db.app.exec('UPDATE t SET data = randomblob(3000) WHERE id < 10');
    await db.app.pragma('wal_checkpoint(PASSIVE)');
    const source = db.source();
    await source.open();
    // The first pass comes too late: the frames were overwritten after the start.
    await db.app.exec(insert(10));
    const outcome = await source.pass();
    expect(outcome.violations, 'nothing impossible about it').toBe(0);
    expect(outcome.written[0]?.snapshotReason).toMatch(/snapshotting$/);
    await db.expectReplayEqualsSource();
    await db.app.exec(insert(10));
    await syncAll(source);
    await db.expectReplayEqualsSource();
  });

  test('reads transactions that are checkpointed already, as long as the WAL still has them', async () => {
    await using db = await stopped();
    await db.app.exec('UPDATE t SET data = randomblob(3000) WHERE id < 10');
    await db.app.pragma('wal_checkpoint(PASSIVE)');
    const written = await reopened(db);
    expect(written).toMatchObject([{ txid: 2n }]);
    expect(written[0]?.snapshotReason).toBeUndefined();
    await db.expectReplayEqualsSource();
  });

  test('goes on after one restart when the old generation shows that nothing was missed', async () => {
    await using db = await followedDatabase();
    await db.app.repeat(insert(3_000), 40);
    const source = db.source();
    await source.open();
    await syncAll(source);
    await source.checkpoint('sealed');
    await db.app.repeat(insert(10), 3);
    await syncAll(source);
    await source.close({ finalPass: true });
    // Stale frames of the generation before stand behind the end.
    await db.app.pragma('wal_checkpoint(PASSIVE)');
    await db.app.exec(insert(10));
    const written = await reopened(db);
    expect(written).toHaveLength(1);
    expect(written[0]?.snapshotReason).toBeUndefined();
    await db.expectReplayEqualsSource();
  });

  test.each([100, 0, -1_000])('is not fooled by journal_size_limit %i bytes off the end', async (offset) => {
    await using db = await stopped();
    const end = statSync(`${db.path}-wal`).size;
    await db.app.repeat('UPDATE t SET data = randomblob(3000) WHERE id = 3', 10);
    await db.app.pragma(`journal_size_limit = ${end + offset}`);
    await db.app.pragma('wal_checkpoint(FULL)');
    await db.app.exec(insert(10));
    const written = await reopened(db);
    expect(written[0]?.snapshotReason).toBeDefined();
    await db.expectReplayEqualsSource();
  });

  test.each(['PASSIVE', 'RESTART', 'TRUNCATE'])('survives two %s restarts while it was down', async (mode) => {
    await using db = await stopped();
    for (let i = 0; i < 2; i++) {
      await db.app.exec(update);
      await db.app.pragma(`wal_checkpoint(${mode})`);
    }
    await db.app.exec(insert(10));
    const written = await reopened(db);
    expect(written[0]?.snapshotReason).toBeDefined();
    await db.expectReplayEqualsSource();
  });

  test('takes a full copy when the WAL went with the last connection', async () => {
    await using db = await stopped();
    await db.app.exec(insert(10));
    await db.app.close();
    await db.app.open(db.path);
    const written = await reopened(db);
    expect(written[0]?.snapshotReason).toBeDefined();
    await db.expectReplayEqualsSource();
  });

  test('keeps the WAL when it closes last, and goes on from it', async () => {
    await using db = await followedDatabase();
    const source = db.source();
    await source.open();
    await db.app.repeat(insert(3_000), 4);
    await syncAll(source);
    await db.app.close();
    await source.close({ finalPass: true });
    expect(statSync(`${db.path}-wal`).size).toBeGreaterThan(32);
    await db.app.open(db.path);
    await db.app.pragma('wal_autocheckpoint = 0');
    await db.app.exec(insert(10));
    const written = await reopened(db);
    expect(written).toHaveLength(1);
    expect(written[0]?.snapshotReason).toBeUndefined();
    await db.expectReplayEqualsSource();
  });

  test('takes a full copy with the next TXID when the metadata is older than the WAL', async () => {
    await using db = await stopped();
    const source = db.source();
    await source.open();
    await db.app.repeat(update, 2);
    await syncAll(source);
    await source.close({ finalPass: true });
    rmSync(db.files().at(-1) ?? '');
    await db.app.exec(insert(10));
    const written = await reopened(db);
    expect(written).toMatchObject([{ txid: 2n }]);
    await db.expectReplayEqualsSource();
  });
});

describe('while it runs', () => {
  test('the pin keeps every checkpoint of the application from restarting an unread WAL', async () => {
    await using db = await followedDatabase();
    const source = db.source();
    await source.open();
    await syncAll(source);
    await db.app.pragma('busy_timeout = 0');
    for (const mode of ['PASSIVE', 'FULL', 'RESTART', 'TRUNCATE']) {
      await db.app.repeat(insert(3_000), 3);
      await db.app.pragma(`wal_checkpoint(${mode})`);
    }
    await syncAll(source);
    await db.expectReplayEqualsSource();
    expect((await source.pass()).violations).toBe(0);
  });

  test('a sealed restart leads to a short WAL, without a full copy and without a write of ours', async () => {
    await using db = await followedDatabase();
    const source = db.source();
    await source.open();
    await db.app.repeat(insert(3_000), 50);
    await syncAll(source);
    const position = (await source.pass()).position;
    const sealed = await source.checkpoint('sealed');
    expect(sealed).toMatchObject({ result: 'restarted', isReaderBlocking: false });
    expect(sealed.checkpointedFrames).toBe(sealed.logFrames);
    expect(await source.checkpoint('sealed')).toMatchObject({ result: 'notNeeded', heldMs: 0 });
    expect(await syncAll(source)).toEqual([]);
    expect((await source.look()).hasChanged).toBe(false);
    await db.app.exec(insert(10));
    const written = await syncAll(source);
    expect(written).toMatchObject([{ txid: position + 1n }]);
    expect(written[0]?.snapshotReason).toBeUndefined();
    expect((await source.look()).walBytes).toBeLessThan(32 + 8 * 4120);
    await db.expectReplayEqualsSource();
  });

  test('a seal publishes what was committed since the pass', async () => {
    await using db = await followedDatabase();
    const source = db.source();
    await source.open();
    await syncAll(source);
    await db.app.repeat(insert(3_000), 5);
    expect(await source.checkpoint('sealed')).toMatchObject({ result: 'restarted' });
    await db.expectReplayEqualsSource();
    await db.app.exec(insert(10));
    await syncAll(source);
    await db.expectReplayEqualsSource();
  });

  test('a pass seals by itself once the WAL is long, also against autocheckpoints', async () => {
    await using db = await followedDatabase();
    await db.app.pragma('wal_autocheckpoint = 20');
    const source = db.source({ sealAtPages: 50 });
    await source.open();
    let seals = 0;
    for (let round = 0; round < 30; round++) {
      await db.app.repeat(insert(3_000), 10);
      const outcome = await source.pass();
      expect(outcome.violations).toBe(0);
      if (outcome.sealed?.result === 'restarted') seals += 1;
    }
    await syncAll(source);
    expect(seals).toBeGreaterThan(2);
    expect(statSync(`${db.path}-wal`).size).toBeLessThan(200 * 4120);
    await db.expectReplayEqualsSource();
  });

  test('a long reader stops a seal but nothing waits for it, and the next seal after it restarts', async () => {
    await using db = await followedDatabase();
    const source = db.source({ sealAtPages: 30 });
    await source.open();
    await db.app.repeat(insert(3_000), 10);
    await syncAll(source);
    await db.app.open(db.path, { name: 'reader' });
    await db.app.exec('BEGIN; SELECT COUNT(*) FROM t', 'reader');
    await db.app.repeat(insert(3_000), 40);
    const outcome = await source.pass();
    expect(outcome.sealed).toMatchObject({ result: 'partial', isReaderBlocking: true });
    await db.app.repeat(insert(3_000), 3);
    const next = await source.pass();
    expect(next.sealed, 'not again at once').toBeUndefined();
    expect(next.written).toHaveLength(1);
    db.clock.now += 1_000;
    await db.app.exec('COMMIT', 'reader');
    await db.app.exec(insert(10));
    expect((await source.pass()).sealed).toMatchObject({ result: 'restarted' });
    await db.app.exec(insert(10));
    await syncAll(source);
    await db.expectReplayEqualsSource();
  });

  test('a writer in a transaction makes a seal busy, and loses nothing', async () => {
    await using db = await followedDatabase();
    const source = db.source();
    await source.open();
    await db.app.repeat(insert(3_000), 10);
    await syncAll(source);
    await db.app.exec(`BEGIN IMMEDIATE; ${insert(10)}`);
    expect(await source.checkpoint('sealed')).toMatchObject({ result: 'busy', heldMs: 0 });
    await db.app.exec('COMMIT');
    await syncAll(source);
    await db.expectReplayEqualsSource();
  });

  test.each(['TRUNCATE', 'RESTART', 'FULL', 'PASSIVE'])(
    '%s of the application while a restart is pending',
    async (mode) => {
      await using db = await followedDatabase();
      const source = db.source();
      await source.open();
      await db.app.repeat(insert(3_000), 10);
      await syncAll(source);
      expect(await source.checkpoint('sealed')).toMatchObject({ result: 'restarted' });
      for (let i = 0; i < 3; i++) {
        await db.app.pragma(`wal_checkpoint(${mode})`);
        expect(await syncAll(source)).toEqual([]);
      }
      await db.app.repeat(insert(3_000), 3);
      const written = await syncAll(source);
      expect(written).toHaveLength(1);
      expect(written[0]?.snapshotReason).toBeUndefined();
      await db.expectReplayEqualsSource();
    },
  );

  test('a restart by a rolled back, spilled transaction is followed by the committed one', async () => {
    await using db = await followedDatabase();
    const source = db.source();
    await source.open();
    await db.app.repeat(insert(3_000), 10);
    await syncAll(source);
    expect(await source.checkpoint('sealed')).toMatchObject({ result: 'restarted' });
    await db.app.pragma('cache_size = 5');
    await db.app.exec(`BEGIN; WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100)
      INSERT INTO t (data) SELECT randomblob(3000) FROM n`);
    expect(await syncAll(source)).toEqual([]);
    await db.app.exec('ROLLBACK');
    expect(await syncAll(source)).toEqual([]);
    await source.requireSnapshot({ after: 0n, reason: 'asked for' });
    expect(await syncAll(source)).toMatchObject([{ snapshotReason: 'asked for' }]);
    await db.expectReplayEqualsSource();
    await db.app.repeat(insert(3_000), 3);
    const outcome = await source.pass();
    expect(outcome.violations).toBe(0);
    await db.expectReplayEqualsSource();
  });

  test('a writer killed in the middle of a restart loses no commit', async () => {
    await using db = await followedDatabase();
    const source = db.source();
    await source.open();
    await db.app.repeat(insert(3_000), 10);
    await syncAll(source);
    expect(await source.checkpoint('sealed')).toMatchObject({ result: 'restarted' });
    await using other = await startApplication();
    await other.open(db.path);
    await other.pragma('cache_size = 5');
    await other.exec(`BEGIN; WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100)
      INSERT INTO t (data) SELECT randomblob(3000) FROM n`);
    expect(await syncAll(source)).toEqual([]);
    await other.kill();
    expect(await syncAll(source)).toEqual([]);
    await db.app.repeat(insert(3_000), 3);
    const outcome = await source.pass();
    expect(outcome.violations).toBe(0);
    await syncAll(source);
    await db.expectReplayEqualsSource();
  });

  test('a passive checkpoint moves pages without a lock and without losing the pin', async () => {
    await using db = await followedDatabase();
    const source = db.source();
    await source.open();
    await db.app.repeat(insert(3_000), 20);
    await syncAll(source);
    const outcome = await source.checkpoint('passive');
    expect(outcome).toMatchObject({ result: 'partial', heldMs: 0, isReaderBlocking: false });
    expect(outcome.checkpointedFrames).toBe(outcome.logFrames);
    // Everything is in the database file now; the next move must not open the door for a restart.
    await source.checkpoint('passive');
    await db.app.repeat(insert(3_000), 20);
    await db.app.pragma('wal_checkpoint(PASSIVE)');
    await db.app.repeat(insert(3_000), 2);
    expect((await source.pass()).violations).toBe(0);
    await syncAll(source);
    await db.expectReplayEqualsSource();
  });
});
