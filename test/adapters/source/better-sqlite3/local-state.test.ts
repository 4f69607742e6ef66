/** The local level 0 as others change it: files fetched from a replica, files nobody needs any more, damage. */
import {
  closeSync,
  copyFileSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { InvariantViolation } from '#errors/replication-error';
import { type FollowedDatabase, followedDatabase, syncAll } from './followed-database.ts';

const insert = 'INSERT INTO t (data) VALUES (randomblob(3000))';

/** A database with five files; the newest is kept aside as a replica would, and the metadata is gone. */
const withLostMetadata = async (): Promise<{ db: FollowedDatabase; kept: string }> => {
  const db = await followedDatabase();
  const source = db.source();
  await source.open();
  for (let i = 0; i < 5; i++) {
    await db.app.repeat(insert, 2);
    await syncAll(source);
  }
  await source.close({ finalPass: true });
  const newest = db.files().at(-1) ?? '';
  const kept = join(db.directory, basename(newest));
  copyFileSync(newest, kept);
  rmSync(db.metaPath, { recursive: true });
  return { db, kept };
};

const stage = (db: FollowedDatabase, kept: string): string => {
  const stagedPath = join(db.metaPath, 'fetched.tmp');
  copyFileSync(kept, stagedPath);
  return stagedPath;
};

describe('a file fetched from a replica', () => {
  test('continues the numbering without a full copy when the WAL still matches it', async () => {
    const { db, kept } = await withLostMetadata();
    await using _ = db;
    const source = db.source();
    expect(await source.open()).toMatchObject({ position: 0n });
    await source.adopt({ stagedPath: stage(db, kept), txid: 5n });
    expect(await syncAll(source)).toEqual([]);
    expect((await source.pass()).position).toBe(5n);
    await db.app.exec(insert);
    const written = await syncAll(source);
    expect(written).toMatchObject([{ txid: 6n }]);
    expect(written[0]?.snapshotReason).toBeUndefined();
    expect(readdirSync(join(db.metaPath, 'ltx', '0'))).toHaveLength(2);
  });

  test('is followed by a full copy when the WAL has moved on', async () => {
    const { db, kept } = await withLostMetadata();
    await using _ = db;
    await db.app.exec('UPDATE t SET data = randomblob(3000)');
    await db.app.pragma('wal_checkpoint(TRUNCATE)');
    await db.app.exec(insert);
    const source = db.source();
    await source.open();
    await syncAll(source);
    await source.adopt({ stagedPath: stage(db, kept), txid: 5n });
    const written = await syncAll(source);
    expect(written).toMatchObject([{ txid: 6n }]);
    expect(written[0]?.snapshotReason).toBeDefined();
    await db.expectReplayEqualsSource();
  });

  test('is refused when it is damaged, and nothing changes', async () => {
    const { db, kept } = await withLostMetadata();
    await using _ = db;
    const bytes = readFileSync(kept);
    bytes[bytes.length - 1] = (bytes[bytes.length - 1] ?? 0) ^ 1;
    writeFileSync(kept, bytes);
    const source = db.source();
    await source.open();
    await syncAll(source);
    const before = db.files();
    await expect(source.adopt({ stagedPath: stage(db, kept), txid: 5n })).rejects.toMatchObject({
      code: 'LTX_FILE_CHECKSUM',
    });
    expect(db.files()).toEqual(before);
    await db.app.exec(insert);
    expect(await syncAll(source)).toMatchObject([{ txid: 2n }]);
    await db.expectReplayEqualsSource();
  });
});

describe('local retention', () => {
  test('deletes what it is told, but never the newest file', async () => {
    await using db = await followedDatabase();
    const source = db.source();
    await source.open();
    for (let i = 0; i < 3; i++) {
      await db.app.exec(insert);
      await syncAll(source);
    }
    await source.trim([1n, 2n]);
    await source.trim([1n]);
    expect(db.files().map((file) => basename(file))).toEqual(['0000000000000003-0000000000000003.ltx']);
    await expect(source.trim([3n])).rejects.toBeInstanceOf(InvariantViolation);
    expect(db.files()).toHaveLength(1);
  });
});

describe('a frame that was read', () => {
  test('and changed afterwards is not built upon', async () => {
    await using db = await followedDatabase();
    const source = db.source();
    await source.open();
    await db.app.repeat(insert, 3);
    await syncAll(source);
    // The checksum of the last frame read, as after a commit that was lost and written again.
    const { walOffset, walSize } = db.header(db.files().at(-1) ?? '');
    const wal = openSync(`${db.path}-wal`, 'r+');
    writeSync(wal, Buffer.from('changed!'), 0, 8, Number(walOffset + walSize) - 4120 + 16);
    closeSync(wal);
    await db.app.exec(insert);
    await expect(source.pass()).rejects.toMatchObject({ code: 'WAL_INVALID', retryable: true });
    // A checkpoint of the application makes the damaged WAL history.
    await source.close({ finalPass: false });
    await db.app.pragma('wal_checkpoint(TRUNCATE)');
    await db.app.exec(insert);
    await source.open();
    expect(await syncAll(source)).toMatchObject([{ txid: 2n }]);
    await db.expectReplayEqualsSource();
  });
});
