/** The engine of a simulated process: works in this thread, and can be crashed. */
import { statSync } from 'node:fs';
import Database from 'better-sqlite3';
import { expect, test } from 'vitest';
import { createInlineEngine } from '#runtime/engine/inline-engine';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

test('after a crash the next process goes on where the files prove it can', async () => {
  await using directory = await temporaryDirectory('engine');
  const settings = {
    databasePath: directory.join('app.db'),
    metaPath: directory.join('meta'),
    maxSyncWalBytes: 0,
    sealAtPages: 1000,
  };
  const app = new Database(settings.databasePath);
  app.pragma('journal_mode = wal');
  app.exec('CREATE TABLE t (data)');
  const clock = { nowMs: () => 1_000 };
  const first = createInlineEngine({ clock });
  const source = first.create(settings);
  await source.open();
  await source.pass();
  app.exec('INSERT INTO t VALUES (1)');
  const end = first.crash();
  app.exec('INSERT INTO t VALUES (2)');
  const second = createInlineEngine({ clock });
  const next = second.create(settings);
  expect(await next.open()).toMatchObject({ kind: 'opened', position: 1n });
  const { written } = await next.pass();
  expect(written).toMatchObject([{ txid: 2n }]);
  expect(written[0]?.snapshotReason).toBeUndefined();
  await next.close({ finalPass: true });
  app.close();
  expect(statSync(`${settings.databasePath}-wal`).size, 'the WAL that a dead process leaves').toBeGreaterThan(32);
  end();
  await second.shutdown();
});
