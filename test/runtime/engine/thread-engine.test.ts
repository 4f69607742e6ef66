/** Sources in worker threads behave as the port says, also when a worker dies. Runs the built worker. */
import { fileURLToPath } from 'node:url';
import Database from 'better-sqlite3';
import { afterEach, expect, test } from 'vitest';
import type { Log } from '#ports/log';
import type { SourceFactory } from '#ports/source';
import { createThreadEngine } from '#runtime/engine/thread-engine';
import { startApplication } from '../../support/application.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

const lines: string[] = [];
const log: Log = {
  write: (level, message) => {
    lines.push(`${level} ${message}`);
  },
  with: () => log,
};

let engine: SourceFactory | undefined;
const start = (options: { readonly workers?: number; readonly workerPath?: string } = {}): SourceFactory => {
  lines.length = 0;
  engine = createThreadEngine({ log, ...options });
  return engine;
};

afterEach(async () => {
  await engine?.shutdown();
});

const settingsIn = (directory: { join(...parts: readonly string[]): string }, name: string) => ({
  databasePath: directory.join(`${name}.db`),
  metaPath: directory.join(`.${name}.db-litestream`),
  maxSyncWalBytes: 0,
  sealAtPages: 1000,
});

test('a source in a worker follows a database from open to close', async () => {
  await using directory = await temporaryDirectory('engine');
  const settings = settingsIn(directory, 'app');
  const source = start().create(settings);
  expect(await source.open()).toEqual({ kind: 'absent' });
  await using app = await startApplication();
  await app.open(settings.databasePath);
  await app.exec('CREATE TABLE t (data)');
  expect(await source.open()).toMatchObject({ kind: 'opened', position: 0n, pageSize: 4096 });
  expect(await source.pass()).toMatchObject({ position: 1n, written: [{ txid: 1n, snapshotReason: '' }] });
  expect(await source.look()).toMatchObject({ hasChanged: false });
  await app.repeat('INSERT INTO t VALUES (randomblob(100))', 10);
  expect(await source.look()).toMatchObject({ hasChanged: true });
  expect(await source.checkpoint('sealed')).toMatchObject({ result: 'restarted' });
  expect(await source.close({ finalPass: true })).toEqual({ position: 2n, written: [] });
});

test('many databases share the workers', async () => {
  await using directory = await temporaryDirectory('engine');
  const factory = start({ workers: 2 });
  const sources = ['a', 'b', 'c', 'd', 'e'].map((name) => {
    const settings = settingsIn(directory, name);
    const database = new Database(settings.databasePath);
    database.exec('CREATE TABLE t (data)');
    database.close();
    return factory.create(settings);
  });
  const opened = await Promise.all(sources.map((source) => source.open()));
  expect(opened.map(({ kind }) => kind)).toEqual(sources.map(() => 'opened'));
  const passes = await Promise.all(sources.map((source) => source.pass()));
  expect(passes.map(({ position }) => position)).toEqual(sources.map(() => 1n));
  await Promise.all(sources.map((source) => source.close({ finalPass: true })));
});

test('errors arrive with code, hint and details', async () => {
  await using directory = await temporaryDirectory('engine');
  const settings = settingsIn(directory, 'app');
  new Database(settings.databasePath).close();
  const factory = start({ workers: 2 });
  const source = factory.create(settings);
  await source.open();
  await expect(factory.create(settings).open()).rejects.toMatchObject({
    name: 'ReplicationError',
    code: 'DATABASE_LOCKED_BY_DAEMON',
    retryable: true,
    hint: expect.stringContaining('metadata directory'),
    details: { path: settings.databasePath, metaPath: settings.metaPath },
  });
  await expect(source.trim([5n])).rejects.toMatchObject({ name: 'InvariantViolation' });
  await source.close({ finalPass: false });
});

test('a worker that dies rejects what it was asked, and the database opens again in another one', async () => {
  await using directory = await temporaryDirectory('engine');
  const settings = settingsIn(directory, 'app');
  await using app = await startApplication();
  await app.open(settings.databasePath);
  await app.exec('CREATE TABLE t (data)');
  const workerPath = fileURLToPath(new URL('./dying-worker.mjs', import.meta.url));
  const source = start({ workers: 1, workerPath }).create(settings);
  await source.open();
  await source.pass();
  const answers = await Promise.allSettled([source.trim([]), source.pass()]);
  for (const answer of answers) {
    expect(answer).toMatchObject({ status: 'rejected', reason: { code: 'DATABASE_UNREADABLE', retryable: true } });
  }
  expect(lines).toEqual(['error engine worker died']);
  await expect(source.look()).rejects.toMatchObject({ code: 'DATABASE_UNREADABLE', retryable: true });
  await source.close({ finalPass: false });
  // Its locks went with it.
  await app.exec('INSERT INTO t VALUES (1)');
  expect(await source.open()).toMatchObject({ kind: 'opened', position: 1n });
  expect(await source.pass()).toMatchObject({ position: 2n });
  await source.close({ finalPass: true });
});
