/** v0.3 backups: the real ones, and the shapes the layout allows. */
import { cp, mkdir, readdir, readFile, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { compressFrameSync } from 'lz4-napi';
import { describe, expect, test } from 'vitest';
import { createFileStorage } from '#adapters/storage/file/file-storage';
import { restoreDatabase } from '#effects/restore/restore';
import type { RestoreTarget } from '#effects/restore/restore-types';
import { fixturePath, readExpected, restoreRequest, restoreServices, temporaryDirectory } from '../support.ts';

const GENERATION = '00000000000000aa';

interface V03Expected {
  readonly restored: { readonly rows: number; readonly integrity: string };
}

const rowsIn = (path: string): number => {
  const database = new Database(path, { readonly: false });
  try {
    expect(database.pragma('integrity_check', { simple: true })).toBe('ok');
    return database.prepare('select count(*) from t').pluck().get() as number;
  } finally {
    database.close();
  }
};

const restore = async (replica: string, output: string, target: RestoreTarget = {}) =>
  restoreDatabase(
    restoreServices(),
    restoreRequest(createFileStorage({ path: replica }), output, { target, integrity: 'full' }),
  );

test.each(['plain', 'page1024', 'generations'])('the real backup %s gives its newest state', async (name) => {
  await using directory = await temporaryDirectory();
  const replica = join(directory.path, 'replica');
  await cp(fixturePath('v0.3', name, 'replica'), replica, { recursive: true });
  await ageByOrder(replica);
  const output = join(directory.path, 'out.db');
  const outcome = await restore(replica, output);
  expect(outcome).toMatchObject({ kind: 'restored', plan: { format: 'v0.3' } });
  expect(await readdir(directory.path)).toEqual(['out.db', 'replica']);
  expect((await stat(output)).mode & 0o777).toBe(0o600);
  expect(rowsIn(output)).toBe(((await readExpected('v0.3', name)) as V03Expected).restored.rows);
});

/**
 * A checkout keeps no modification times: gives the files of a backup times in the order they were written. The generation
 * with the most rows is the newer one, which the fixture's README tells.
 */
const ageByOrder = async (replica: string): Promise<void> => {
  const generations = await readdir(join(replica, 'generations'));
  const ends = await Promise.all(
    generations.map(async (generation) => {
      const folder = join(replica, 'generations', generation);
      const files = (await readdir(folder, { recursive: true })).filter((name) => name.endsWith('.lz4'));
      const bytes = await Promise.all(files.map(async (name) => (await stat(join(folder, name))).size));
      return { folder, files, total: bytes.reduce((sum, size) => sum + size, 0) };
    }),
  );
  ends.sort((a, b) => a.total - b.total);
  let seconds = 1_700_000_000;
  for (const { folder, files } of ends) {
    const indexOf = (name: string): string => name.replace(/^.*\//, '').replace('.snapshot', '');
    for (const name of files.toSorted((a, b) => (indexOf(a) < indexOf(b) ? -1 : 1))) {
      seconds += 1;
      await utimes(join(folder, name), seconds, seconds);
    }
  }
};

test('an age-encrypted backup is told as such and leaves nothing', async () => {
  await using directory = await temporaryDirectory();
  await expect(restore(fixturePath('v0.3', 'age', 'replica'), join(directory.path, 'out.db'))).rejects.toMatchObject({
    code: 'AGE_NOT_SUPPORTED',
    message: expect.stringContaining('age encryption is not currently supported'),
  });
  expect(await readdir(directory.path)).toEqual([]);
});

/** WALs of one database, each with the rows in the database at its end, and the image before the first. */
const makeHistory = async (directory: string, rowsPerWal: readonly number[]) => {
  const path = join(directory, 'source.db');
  const database = new Database(path);
  database.pragma('journal_mode = WAL');
  database.pragma('wal_autocheckpoint = 0');
  database.exec('create table t(id integer primary key, v blob)');
  database.pragma('wal_checkpoint(TRUNCATE)');
  const images = [await readFile(path)];
  const wals: Buffer[] = [];
  const rows: number[] = [];
  for (const count of rowsPerWal) {
    for (let row = 0; row < count; row += 1) database.exec('insert into t(v) values (randomblob(1500))');
    wals.push(await readFile(`${path}-wal`));
    rows.push(database.prepare('select count(*) from t').pluck().get() as number);
    database.pragma('wal_checkpoint(TRUNCATE)');
    images.push(await readFile(path));
  }
  database.close();
  return { images, wals, rows };
};

const hex = (value: number): string => value.toString(16).padStart(8, '0');

interface BackupFile {
  readonly generation?: string;
  readonly index: number;
  /** Absent: a snapshot. */
  readonly offset?: number;
  readonly bytes: Buffer;
}

/** Files get times one second apart, in the order given, from 1,000 s on. */
const writeBackup = async (replica: string, files: readonly BackupFile[]): Promise<void> => {
  for (const [order, { generation = GENERATION, index, offset, bytes }] of files.entries()) {
    const folder = join(replica, 'generations', generation, offset === undefined ? 'snapshots' : 'wal');
    await mkdir(folder, { recursive: true });
    const name = offset === undefined ? `${hex(index)}.snapshot.lz4` : `${hex(index)}_${hex(offset)}.wal.lz4`;
    await writeFile(join(folder, name), compressFrameSync(bytes));
    await utimes(join(folder, name), 1000 + order, 1000 + order);
  }
};

/** A WAL cut at frame borders: its header travels with the first frames. */
const segmentsOf = (index: number, wal: Buffer, pieces: number): BackupFile[] => {
  const frame = 24 + 4096;
  const frames = (wal.length - 32) / frame;
  const borders = Array.from({ length: pieces + 1 }, (_, n) =>
    n === 0 ? 0 : 32 + Math.round((frames * n) / pieces) * frame,
  );
  return borders.slice(0, -1).map((offset, n) => ({ index, offset, bytes: wal.subarray(offset, borders[n + 1]) }));
};

describe('made backups', async () => {
  await using scratch = await temporaryDirectory();
  const history = await makeHistory(scratch.path, [40, 5, 20]);
  const image = (index: number): Buffer => history.images[index] ?? Buffer.alloc(0);
  const wal = (index: number): Buffer => history.wals[index] ?? Buffer.alloc(0);

  const outcomeOf = async (files: readonly BackupFile[], target: RestoreTarget = {}): Promise<number | string> => {
    await using directory = await temporaryDirectory();
    await writeBackup(join(directory.path, 'replica'), files);
    const output = join(directory.path, 'out.db');
    try {
      await restore(join(directory.path, 'replica'), output, target);
      return rowsIn(output);
    } catch (error) {
      expect(await readdir(directory.path)).toEqual(['replica']);
      return (error as Error).message;
    }
  };

  const base: BackupFile = { index: 0, bytes: image(0) };

  test('a snapshot alone is the result', async () => {
    expect(await outcomeOf([base])).toBe(0);
  });

  test('one WAL in several segments', async () => {
    expect(await outcomeOf([base, ...segmentsOf(0, wal(0), 3)])).toBe(history.rows[0]);
  });

  test('several WALs, a large one before a small one', async () => {
    const files = [base, ...segmentsOf(0, wal(0), 2), ...segmentsOf(1, wal(1), 1), ...segmentsOf(2, wal(2), 4)];
    expect(await outcomeOf(files)).toBe(history.rows[2]);
  });

  test('a snapshot with a later index starts there', async () => {
    const files = [
      ...segmentsOf(4, wal(0), 1),
      { index: 5, bytes: image(1) },
      ...segmentsOf(5, wal(1), 1),
      ...segmentsOf(6, wal(2), 1),
    ];
    expect(await outcomeOf(files)).toBe(history.rows[2]);
  });

  test('a missing index is an error', async () => {
    const files = [base, ...segmentsOf(0, wal(0), 1), ...segmentsOf(2, wal(2), 1)];
    expect(await outcomeOf(files)).toMatch(/missing WAL index: expected 00000001\/00000000, got 00000002\/00000000/);
  });

  test('a missing segment is an error', async () => {
    const [first, , last] = segmentsOf(0, wal(0), 3);
    expect(await outcomeOf([base, ...[first, last].filter((file) => file !== undefined)])).toMatch(
      /missing WAL segment/,
    );
  });

  test('a first segment that does not begin at offset 0 is an error', async () => {
    expect(await outcomeOf([base, ...segmentsOf(0, wal(0), 2).slice(1)])).toMatch(/missing WAL segment/);
  });

  test('a segment that ends inside a frame is an error (R-14)', async () => {
    const files = [base, { index: 0, offset: 0, bytes: wal(0).subarray(0, wal(0).length - 100) }];
    expect(await outcomeOf(files)).toMatch(/no whole number of frames/);
  });

  test('a frame SQLite does not believe is an error, not a shorter database (R-14)', async () => {
    const damaged = Buffer.from(wal(0));
    const at = damaged.length - 5000;
    damaged[at] = (damaged[at] ?? 0) ^ 1;
    expect(await outcomeOf([base, { index: 0, offset: 0, bytes: damaged }])).toMatch(/SQLite found \d+ valid/);
  });

  test('a damaged snapshot is an error that names it', async () => {
    await using directory = await temporaryDirectory();
    await writeBackup(join(directory.path, 'replica'), [base]);
    const path = join(directory.path, 'replica/generations', GENERATION, 'snapshots/00000000.snapshot.lz4');
    const bytes = await readFile(path);
    await writeFile(path, bytes.subarray(0, bytes.length - 10));
    await expect(restore(join(directory.path, 'replica'), join(directory.path, 'out.db'))).rejects.toMatchObject({
      message: expect.stringMatching(/^download snapshot: .*00000000000000aa/),
    });
  });

  test('the newest snapshot of two generations wins', async () => {
    const newer = { generation: '0000000000000011', index: 0, bytes: image(2) };
    expect(await outcomeOf([base, ...segmentsOf(0, wal(0), 1), newer])).toBe(history.rows[1]);
    expect(await outcomeOf([newer, base])).toBe(0);
  });

  test('a time between two snapshots takes the older one', async () => {
    const files = [base, ...segmentsOf(0, wal(0), 1), { index: 1, bytes: image(1) }, ...segmentsOf(1, wal(1), 1)];
    expect(await outcomeOf(files, { timestampMs: 1_001_500 })).toBe(history.rows[0]);
    expect(await outcomeOf(files, { timestampMs: 1_002_500 })).toBe(history.rows[0]);
    expect(await outcomeOf(files, { timestampMs: 1_009_000 })).toBe(history.rows[1]);
    expect(await outcomeOf(files, { timestampMs: 999_000 })).toBe('no matching backup files available');
  });

  test('a generation and an index choose an older state', async () => {
    const files = [base, ...segmentsOf(0, wal(0), 1), ...segmentsOf(1, wal(1), 1)];
    expect(await outcomeOf(files, { index: 0 })).toBe(history.rows[0]);
    expect(await outcomeOf(files, { generation: GENERATION, index: 1 })).toBe(history.rows[1]);
  });

  test('a generation without snapshots has nothing to start from', async () => {
    expect(await outcomeOf(segmentsOf(0, wal(0), 1))).toBe('no snapshots available');
  });
});
