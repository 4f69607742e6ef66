/** One daemon, several databases, most of them broken in their own way: the healthy ones are never disturbed. */
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import Database from 'better-sqlite3';
import { expect, it } from 'vitest';
import { expectSameContent, runSql } from '../support/compare-databases.ts';
import { runOurs, startOurs } from '../support/our-command.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { until } from '../support/until.ts';

const fruits = (name: string): string =>
  `PRAGMA journal_mode = WAL; CREATE TABLE t(v); INSERT INTO t VALUES('${name}'), ('${'x'.repeat(3000)}');`;

it('locked, garbage, directory, deleted and replaced databases leave their neighbours alone, and recover when they can', async () => {
  await using directory = await temporaryDirectory('neighbours');
  const path = (name: string): string => directory.join(`${name}.db`);
  const names = ['healthy', 'locked', 'garbage', 'folder', 'deleted', 'replaced', 'late'];
  for (const name of ['healthy', 'locked', 'deleted', 'replaced']) await runSql(path(name), fruits(name));
  await writeFile(path('garbage'), Buffer.alloc(8192, 7));
  await mkdir(path('folder'));
  const configuration = directory.join('litestream.yml');
  const entries = names.map(
    (name) =>
      `  - path: ${path(name)}\n    replica:\n      type: file\n      path: ${directory.join(`${name}.replica`)}`,
  );
  await writeFile(configuration, `state-path: ${directory.path}\ndbs:\n${entries.join('\n')}\n`);

  const restored = async (name: string): Promise<unknown> => {
    const output = directory.join(`${name}.out`);
    for (const suffix of ['', '-wal', '-shm']) await rm(output + suffix, { force: true });
    const result = await runOurs(['restore', '-o', output, `file://${directory.join(`${name}.replica`)}`]);
    if (result.code !== 0) return undefined;
    const database = new Database(output, { readonly: true });
    try {
      return database.prepare('SELECT count(*) FROM t').pluck().get();
    } finally {
      database.close();
    }
  };

  // Another process's exclusive lock cannot be told from this one's: what counts is that the daemon is a process of its own.
  const locker = new Database(path('locked'));
  locker.pragma('locking_mode = EXCLUSIVE');
  locker.exec("BEGIN EXCLUSIVE; INSERT INTO t VALUES('held')");

  await using daemon = await startOurs(['replicate', '-config', configuration]);
  await until('the healthy database', async () => (await restored('healthy')) === 2);
  await until('the database that will be deleted', async () => (await restored('deleted')) === 2);
  await until('the database that will be replaced', async () => (await restored('replaced')) === 2);
  expect(await restored('garbage')).toBeUndefined();

  for (const suffix of ['', '-wal', '-shm']) await rm(path('deleted') + suffix, { force: true });
  await runSql(directory.join('other.db'), `${fruits('other')} INSERT INTO t VALUES('third');`);
  for (const suffix of ['-wal', '-shm']) await rm(path('replaced') + suffix, { force: true });
  await rename(directory.join('other.db'), path('replaced'));
  await runSql(path('healthy'), "INSERT INTO t VALUES('while others are broken')");
  await runSql(path('late'), fruits('late'));
  locker.exec('COMMIT');
  locker.close();

  await until('the healthy database again', async () => (await restored('healthy')) === 3, {
    describe: () => daemon.stdout(),
  });
  await until('the replaced database', async () => (await restored('replaced')) === 3);
  await until('the database that was locked', async () => (await restored('locked')) === 3);
  await until('the database that came late', async () => (await restored('late')) === 2);

  await rm(path('garbage'));
  await runSql(path('garbage'), fruits('no longer garbage'));
  await until('the database that was garbage', async () => (await restored('garbage')) === 2, { timeoutMs: 120_000 });

  expect((await daemon.stop()).code).toBe(0);
  for (const name of ['healthy', 'locked', 'replaced', 'late', 'garbage']) {
    await restored(name);
    await expectSameContent(path(name), directory.join(`${name}.out`));
  }
  expect(await restored('deleted')).toBe(2);
});
