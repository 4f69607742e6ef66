/** Failures of the surroundings: typed, without a trace, and over once the cause is gone (I-19). */
import { closeSync, mkdirSync, openSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, test } from 'vitest';
import { isTooOld } from '#adapters/source/better-sqlite3/connections';
import { nodeSourceFiles, type SourceFiles } from '#adapters/source/better-sqlite3/source-files';
import { startApplication } from '../../../support/application.ts';
import { followedDatabase, syncAll } from './followed-database.ts';

const insert = 'INSERT INTO t (data) VALUES (randomblob(3000))';

const full = (): never => {
  throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC', syscall: 'write' });
};

/** Node's file system with a switch: the named step fails while it is on, for files of level 0 only. */
const breakable = (step: 'open' | 'write' | 'fsync' | 'rename' | 'syncDirectory' | 'close') => {
  const state: { isBroken: boolean } = { isBroken: false };
  const files: SourceFiles = {
    ...nodeSourceFiles,
    open: (path, flags, mode) =>
      state.isBroken && step === 'open' && path.endsWith('.ltx.tmp') ? full() : nodeSourceFiles.open(path, flags, mode),
    write: (fd, bytes) => (state.isBroken && step === 'write' ? full() : nodeSourceFiles.write(fd, bytes)),
    fsync: (fd) => (state.isBroken && step === 'fsync' ? full() : nodeSourceFiles.fsync(fd)),
    rename: (from, to) =>
      state.isBroken && step === 'rename' && to.endsWith('.ltx') ? full() : nodeSourceFiles.rename(from, to),
    syncDirectory: (path) =>
      state.isBroken && step === 'syncDirectory' ? full() : nodeSourceFiles.syncDirectory(path),
  };
  return { state, files };
};

describe('a failed pass', () => {
  test.each(['open', 'write', 'fsync', 'rename', 'syncDirectory'] as const)(
    'leaves position and names as they were when %s fails, and the next one goes on',
    async (step) => {
      await using db = await followedDatabase();
      const { state, files } = breakable(step);
      const source = db.source({ files });
      await source.open();
      await db.app.exec(insert);
      await syncAll(source);
      await db.app.repeat(insert, 5);
      const before = readdirSync(join(db.metaPath, 'ltx', '0'));
      state.isBroken = true;
      await expect(source.pass()).rejects.toMatchObject({ code: 'DISK_FULL', retryable: true });
      expect(readdirSync(join(db.metaPath, 'ltx', '0'))).toEqual(before);
      expect((await source.look()).hasChanged).toBe(true);
      state.isBroken = false;
      expect(await syncAll(source)).toMatchObject([{ txid: 2n }]);
      await db.expectReplayEqualsSource();
    },
  );

  test.each(['write', 'syncDirectory'] as const)(
    'inside a seal (%s) loses nothing, whether the WAL is restarted before the next pass or not',
    async (step) => {
      for (const isRestarted of [false, true]) {
        await using db = await followedDatabase();
        const { state, files } = breakable(step);
        const source = db.source({ files });
        await source.open();
        await syncAll(source);
        await db.app.repeat(insert, 5);
        state.isBroken = true;
        await expect(source.checkpoint('sealed')).rejects.toMatchObject({ code: 'DISK_FULL' });
        state.isBroken = false;
        if (isRestarted) await db.app.exec(insert);
        const outcome = await source.pass();
        expect(outcome.violations).toBe(0);
        expect(outcome.written).toMatchObject([{ txid: 2n }]);
        await db.expectReplayEqualsSource();
        await db.app.repeat(insert, 2);
        await syncAll(source);
        await db.expectReplayEqualsSource();
      }
    },
  );

  test('gives everything back when the last pass of a close fails', async () => {
    await using db = await followedDatabase();
    const { state, files } = breakable('write');
    const source = db.source({ files });
    await source.open();
    await syncAll(source);
    await db.app.exec(insert);
    state.isBroken = true;
    await expect(source.close({ finalPass: true })).rejects.toMatchObject({ code: 'DISK_FULL' });
    state.isBroken = false;
    const next = db.source();
    expect(await next.open()).toMatchObject({ kind: 'opened', position: 1n });
    await syncAll(next);
    await db.expectReplayEqualsSource();
  });
});

test('a pin that cannot be begun again for a while is begun when it can, with a full copy', async () => {
  await using db = await followedDatabase();
  const source = db.source();
  await source.open();
  await db.app.repeat(insert, 5);
  await syncAll(source);
  // All locks on the file of the read marks are gone (H1); the application restarts the WAL and then holds the write lock.
  closeSync(openSync(`${db.path}-shm`, 'r'));
  await db.app.pragma('busy_timeout = 0');
  await db.app.pragma('wal_checkpoint(TRUNCATE)');
  await db.app.exec(insert);
  await db.app.pragma('wal_checkpoint(PASSIVE)');
  await db.app.exec('BEGIN IMMEDIATE');
  for (let i = 0; i < 3; i++) {
    await expect(source.pass()).rejects.toMatchObject({ code: 'DATABASE_BUSY', retryable: true });
    await expect(source.checkpoint('sealed')).rejects.toMatchObject({ code: 'DATABASE_BUSY' });
    expect((await source.look()).hasChanged).toBe(true);
  }
  await db.app.exec('COMMIT');
  expect((await syncAll(source))[0]?.snapshotReason).toMatch(/snapshotting$/);
  await db.app.exec(insert);
  await syncAll(source);
  await db.expectReplayEqualsSource();
});

describe('an open', () => {
  test('finds that there is no file, takes nothing, and finds it later', async () => {
    await using db = await followedDatabase();
    await db.app.close();
    rmSync(db.path);
    const source = db.source();
    expect(await source.open()).toEqual({ kind: 'absent' });
    expect(await source.close({ finalPass: true })).toEqual({ position: 0n, written: [] });
    await db.app.open(db.path);
    await db.app.exec('CREATE TABLE t (id INTEGER PRIMARY KEY, data BLOB)');
    expect(await source.open()).toMatchObject({ kind: 'opened' });
    await syncAll(source);
    await db.expectReplayEqualsSource();
  });

  test('takes an empty file as a new database', async () => {
    await using db = await followedDatabase();
    await db.app.close();
    writeFileSync(db.path, '');
    const source = db.source();
    expect(await source.open()).toMatchObject({ kind: 'opened', position: 0n });
    await db.app.open(db.path);
    expect(await syncAll(source)).toMatchObject([{ txid: 1n, snapshotReason: '' }]);
    await db.expectReplayEqualsSource();
  });

  test('refuses what is not a database, and would try again: somebody may put the right file there', async () => {
    await using db = await followedDatabase();
    await db.app.close();
    writeFileSync(db.path, Buffer.alloc(8192, 'garbage '));
    await expect(db.source().open()).rejects.toMatchObject({ code: 'DATABASE_NOT_A_DATABASE', retryable: true });
    rmSync(db.path);
    mkdirSync(db.path);
    await expect(db.source().open()).rejects.toMatchObject({ code: 'DATABASE_NOT_A_DATABASE' });
  });

  test('says when the database cannot be switched to WAL mode, and gets on once it can', async () => {
    await using db = await followedDatabase();
    await db.app.pragma('journal_mode = delete');
    await db.app.exec('BEGIN; SELECT COUNT(*) FROM t');
    const source = db.source();
    await expect(source.open()).rejects.toMatchObject({ code: 'DATABASE_NOT_WAL', retryable: true });
    await db.app.exec('COMMIT');
    expect(await source.open()).toMatchObject({ kind: 'opened' });
  });

  test('is busy while an application keeps the database for itself', async () => {
    await using db = await followedDatabase();
    await db.app.pragma('journal_mode = delete');
    await db.app.pragma('locking_mode = exclusive');
    await db.app.exec(insert);
    const source = db.source();
    await expect(source.open()).rejects.toMatchObject({ code: 'DATABASE_BUSY', retryable: true });
  });

  test('names a metadata directory that cannot be one', async () => {
    await using db = await followedDatabase();
    writeFileSync(db.metaPath, 'in the way');
    await expect(db.source().open()).rejects.toMatchObject({ code: 'DATABASE_UNREADABLE' });
  });

  test('refuses a damaged newest local file by its code', async () => {
    await using db = await followedDatabase();
    const source = db.source();
    await source.open();
    await syncAll(source);
    await source.close({ finalPass: true });
    const [path = ''] = db.files();
    writeFileSync(path, Buffer.alloc(50));
    await expect(db.source().open()).rejects.toMatchObject({ code: 'LTX_TRUNCATED' });
  });

  test('removes what an interrupted process left', async () => {
    await using db = await followedDatabase();
    mkdirSync(join(db.metaPath, 'ltx', '0'), { recursive: true });
    for (const name of ['staged.tmp', join('ltx', '0', '0000000000000001-0000000000000001.ltx.tmp')]) {
      writeFileSync(join(db.metaPath, name), 'half');
    }
    writeFileSync(join(db.metaPath, 'state.json'), 'not ours');
    const source = db.source();
    await source.open();
    expect(readdirSync(db.metaPath).sort()).toEqual(['daemon.lock', 'ltx', 'state.json', 'wal-end.json']);
    expect(readdirSync(join(db.metaPath, 'ltx', '0'))).toEqual([]);
  });

  test('knows which SQLite is too old', () => {
    expect(['3.51.2', '3.50.9', '2.99.99'].map(isTooOld)).toEqual([true, true, true]);
    expect(['3.51.3', '3.52.0', '3.53.2', '4.0.0'].map(isTooOld)).toEqual([false, false, false, false]);
  });
});

describe('the metadata directory', () => {
  test('belongs to one source, in this process and beyond it', async () => {
    await using db = await followedDatabase();
    const source = db.source();
    await source.open();
    await expect(db.source().open()).rejects.toMatchObject({
      code: 'DATABASE_LOCKED_BY_DAEMON',
      message: expect.stringContaining(db.metaPath),
    });
    await source.close({ finalPass: false });
    await using other = await startApplication();
    await other.open(join(db.metaPath, 'daemon.lock'));
    await other.exec('BEGIN EXCLUSIVE');
    await expect(source.open()).rejects.toMatchObject({ code: 'DATABASE_LOCKED_BY_DAEMON' });
    await other.kill();
    expect(await source.open()).toMatchObject({ kind: 'opened' });
  });
});

describe('files that are replaced', () => {
  test('another database at the path is noticed, and copied in full with the next TXID', async () => {
    await using db = await followedDatabase();
    const source = db.source();
    await source.open();
    await db.app.repeat(insert, 3);
    await syncAll(source);
    await db.app.close();
    const other = join(db.directory, 'other.db');
    const fresh = new Database(other);
    fresh.exec("CREATE TABLE t (id INTEGER PRIMARY KEY, data BLOB); INSERT INTO t (data) VALUES ('other')");
    fresh.close();
    renameSync(other, db.path);
    for (const suffix of ['-wal', '-shm']) rmSync(db.path + suffix, { force: true });
    await expect(source.pass()).rejects.toMatchObject({ code: 'DATABASE_REPLACED', retryable: true });
    await source.close({ finalPass: false });
    await source.open();
    await db.app.open(db.path);
    const written = await syncAll(source);
    expect(written).toMatchObject([{ txid: 2n }]);
    expect(written[0]?.snapshotReason).toBeDefined();
    await db.expectReplayEqualsSource();
  });

  test('a database replaced while nobody looked is copied in full, even under the old WAL', async () => {
    await using db = await followedDatabase();
    const source = db.source();
    await source.open();
    await db.app.repeat(insert, 3);
    await syncAll(source);
    await db.app.close();
    await source.close({ finalPass: true });
    const other = join(db.directory, 'other.db');
    const fresh = new Database(other);
    fresh.exec('CREATE TABLE t (id INTEGER PRIMARY KEY, data BLOB)');
    fresh.close();
    renameSync(other, db.path);
    await source.open();
    const [written] = await syncAll(source);
    expect(written?.snapshotReason).toBe('database file replaced, snapshotting');
  });

  test('a WAL deleted by hand is noticed', async () => {
    await using db = await followedDatabase();
    const source = db.source();
    await source.open();
    await db.app.repeat(insert, 3);
    await syncAll(source);
    await db.app.close();
    for (const suffix of ['-wal', '-shm']) rmSync(db.path + suffix);
    await expect(source.pass()).rejects.toMatchObject({ code: 'DATABASE_REPLACED' });
    await source.close({ finalPass: false });
    await source.open();
    await db.app.open(db.path);
    await syncAll(source);
    await db.expectReplayEqualsSource();
  });

  test('locks lost by a stray close of the database file are noticed and answered with a full copy', async () => {
    await using db = await followedDatabase();
    const source = db.source();
    await source.open();
    await db.app.repeat(insert, 20);
    await syncAll(source);
    // What nobody may do in this process: it drops the locks on the file that keeps the read marks (H1).
    closeSync(openSync(`${db.path}-shm`, 'r'));
    await db.app.repeat(insert, 3);
    await db.app.pragma('wal_checkpoint(TRUNCATE)');
    await db.app.repeat(insert, 3);
    const outcome = await source.pass();
    expect(outcome.violations).toBeGreaterThan(0);
    expect(outcome.written.at(-1)?.snapshotReason).toMatch(/snapshotting$/);
    await db.expectReplayEqualsSource();
    await db.app.pragma('busy_timeout = 0');
    await db.app.repeat(insert, 3);
    await db.app.pragma('wal_checkpoint(TRUNCATE)');
    await syncAll(source);
    await db.expectReplayEqualsSource();
  });
});
