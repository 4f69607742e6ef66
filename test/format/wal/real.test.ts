/** WALs that a real SQLite writes beside us: restarts, rollbacks of what had spilled, a limit that cuts the file. */
import { readFileSync } from 'node:fs';
import Database from 'better-sqlite3';
import { describe, expect, test } from 'vitest';
import { type ContinuityDecision, decideContinuity, type SyncedEnd } from '#domain/continuity';
import { DATABASE_HEADER_BYTES, parseDatabaseHeader } from '#format/sqlite-header';
import { frameBytes } from '#format/wal/frame';
import { lookAtGenerationEnd, type RememberedFrame } from '#format/wal/generation-end';
import { newestPages } from '#format/wal/scanner';
import { temporaryDirectory } from '../../support/temporary-directory.ts';
import { scanBytes, validHeader } from './scan.ts';

const PAGE = 1024;
const FRAME = frameBytes(PAGE);

interface Application extends AsyncDisposable {
  readonly database: Database.Database;
  readonly wal: () => Uint8Array;
  readonly file: () => Uint8Array;
  readonly insert: (rows: number, bytes?: number) => void;
}

/** A database in WAL mode without checkpoints of its own, and a second connection that keeps the WAL from being deleted. */
const application = async (): Promise<Application> => {
  const directory = await temporaryDirectory('wal');
  const path = directory.join('app.db');
  const database = new Database(path);
  database.pragma(`page_size = ${PAGE}`);
  database.pragma('journal_mode = wal');
  database.pragma('wal_autocheckpoint = 0');
  database.exec('CREATE TABLE t(id INTEGER PRIMARY KEY, v BLOB)');
  const statement = database.prepare('INSERT INTO t(v) VALUES (zeroblob(?))');
  return {
    database,
    wal: () => readFileSync(`${path}-wal`),
    file: () => readFileSync(path),
    insert: (rows, bytes = 100) => {
      for (let n = 0; n < rows; n += 1) statement.run(bytes);
    },
    [Symbol.asyncDispose]: async () => {
      database.close();
      await directory[Symbol.asyncDispose]();
    },
  };
};

/** Reads everything committed, as a daemon would before it stops. */
const readAll = (wal: Uint8Array): { readonly synced: SyncedEnd; readonly remembered: RememberedFrame } => {
  const { salt1, salt2, pageSize } = validHeader(wal);
  const { end, chain } = scanBytes(wal);
  return { synced: { salt1, salt2, endOffset: end, pageSize }, remembered: { kind: 'checksums', chain } };
};

/** What the next process decides. */
const decide = (wal: Uint8Array, { synced, remembered }: ReturnType<typeof readAll>): ContinuityDecision => {
  const { salt1, salt2, pageSize } = validHeader(wal);
  const end = lookAtGenerationEnd({
    synced,
    remembered,
    fileBytes: wal.length,
    read: (at, length) => wal.subarray(at, at + length),
  });
  return decideContinuity({
    synced,
    header: { kind: 'valid', salt1, salt2, pageSize, bytes: 'unknown' },
    lastFrame: end.lastFrame,
    atEnd: end.atEnd,
    pin: 'broken',
  });
};

const checkpointPassive = ({ database }: Application): void => {
  const [row] = database.pragma('wal_checkpoint(PASSIVE)') as readonly { log: number; checkpointed: number }[];
  expect(row?.checkpointed).toBe(row?.log);
};

describe('the newest copies of a real WAL over the database file', () => {
  test('are the database after a complete checkpoint, page by page', async () => {
    await using app = await application();
    app.insert(50, 900);
    app.database.exec('DELETE FROM t WHERE id % 3 = 0');
    app.insert(20, 3000);
    app.database.exec('DELETE FROM t WHERE id > 10; VACUUM');
    const wal = app.wal();
    const scan = scanBytes(wal, { roomFrames: 2000 });
    const { pageNumbers, frames } = newestPages(scan);
    const image = Buffer.alloc(scan.commit * PAGE);
    pageNumbers.forEach((pageNumber, index) => {
      const at = 32 + (frames[index] ?? 0) * FRAME + 24;
      image.set(wal.subarray(at, at + PAGE), (pageNumber - 1) * PAGE);
    });
    checkpointPassive(app);
    expect(app.file().length).toBe(image.length);
    expect(image.equals(app.file())).toBe(true);
    expect(parseDatabaseHeader(app.file().subarray(0, DATABASE_HEADER_BYTES))).toMatchObject({
      pageSize: PAGE,
      isWal: true,
      pageCount: scan.commit,
    });
  });

  test('leave out a rolled-back transaction that had spilled into the WAL', async () => {
    await using app = await application();
    app.insert(5);
    const { end } = scanBytes(app.wal());
    app.database.pragma('cache_size = 5');
    app.database.exec('BEGIN');
    app.insert(400, 900);
    app.database.exec('ROLLBACK');
    expect(app.wal().length).toBeGreaterThan(end + 50 * FRAME);
    expect(scanBytes(app.wal(), { roomFrames: 700 }).end).toBe(end);
    app.insert(1);
    const after = scanBytes(app.wal(), { roomFrames: 700 });
    expect(after.end).toBeGreaterThan(end);
    expect(after.end).toBeLessThan(end + 10 * FRAME);
  });
});

describe('a new process', () => {
  test('goes on at the end when only commits were added', async () => {
    await using app = await application();
    app.insert(3);
    const read = readAll(app.wal());
    app.insert(4);
    expect(decide(app.wal(), read)).toEqual({ kind: 'incremental', from: read.synced.endOffset });
  });

  test('goes on at the start after one restart when nothing had been missed', async () => {
    await using app = await application();
    app.insert(60, 900);
    checkpointPassive(app);
    app.insert(20, 900);
    const read = readAll(app.wal());
    expect(read.synced.endOffset).toBeLessThan(app.wal().length);
    checkpointPassive(app);
    app.insert(1);
    expect(decide(app.wal(), read)).toEqual({ kind: 'incremental', from: 32 });
  });

  test('takes a full copy after one restart behind commits nobody had read', async () => {
    await using app = await application();
    app.insert(60, 900);
    const read = readAll(app.wal());
    app.insert(30);
    checkpointPassive(app);
    app.insert(4);
    expect(decide(app.wal(), read)).toMatchObject({ kind: 'snapshot', cause: 'unreadFrames' });
  });

  test('takes a full copy after two restarts', async () => {
    await using app = await application();
    app.insert(60, 900);
    checkpointPassive(app);
    app.insert(20, 900);
    const read = readAll(app.wal());
    for (let n = 0; n < 2; n += 1) {
      checkpointPassive(app);
      app.insert(1);
    }
    expect(decide(app.wal(), read)).toMatchObject({ kind: 'snapshot', cause: 'severalRestarts' });
  });

  test('takes a full copy after a TRUNCATE', async () => {
    await using app = await application();
    app.insert(60, 900);
    const read = readAll(app.wal());
    app.insert(2);
    app.database.pragma('wal_checkpoint(TRUNCATE)');
    app.insert(1);
    expect(decide(app.wal(), read)).toMatchObject({ kind: 'snapshot', cause: 'fileShorter' });
  });

  test.each([
    ['within the frame behind the end', 100],
    ['exactly at the end', 0],
  ])('takes a full copy when journal_size_limit has cut the file %s', async (_, beyond) => {
    await using app = await application();
    app.insert(60, 900);
    const read = readAll(app.wal());
    app.insert(10);
    app.database.pragma(`journal_size_limit = ${read.synced.endOffset + beyond}`);
    checkpointPassive(app);
    app.insert(1);
    const wal = app.wal();
    // This is the trap: the frame before the end is intact, salt-1 has grown by one, and ten commits are in no file.
    expect(wal.length).toBe(read.synced.endOffset + beyond);
    expect(validHeader(wal).salt1).toBe((read.synced.salt1 + 1) % 2 ** 32);
    expect(decide(wal, read)).toMatchObject({ kind: 'snapshot', cause: 'cutAtEnd' });
  });

  test('recognises the last frame by its page when no checksum is remembered', async () => {
    await using app = await application();
    app.insert(3);
    const wal = app.wal();
    const { synced } = readAll(wal);
    const lastPage = Buffer.from(wal.subarray(synced.endOffset - PAGE, synced.endOffset));
    app.insert(1);
    const look = (pageImage: (pageNumber: number) => Uint8Array | undefined): string =>
      lookAtGenerationEnd({
        synced,
        remembered: { kind: 'page', pageImage },
        fileBytes: app.wal().length,
        read: (at, length) => app.wal().subarray(at, at + length),
      }).lastFrame;
    expect(look(() => lastPage)).toBe('intact');
    expect(look(() => Buffer.alloc(PAGE))).toBe('changed');
    expect(look(() => undefined)).toBe('changed');
  });
});
