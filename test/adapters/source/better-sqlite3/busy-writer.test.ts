/** A writer that never stops, checkpoints of its own, seals of ours: every commit is in some file, once the writer rests. */
import { expect, test } from 'vitest';
import { startApplication } from '../../../support/application.ts';
import { followedDatabase, syncAll } from './followed-database.ts';

const update = 'UPDATE t SET data = randomblob(abs(random() % 900)) WHERE id = abs(random() % 500) + 1';

const rows = `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500)
  INSERT INTO t (data) SELECT randomblob(500) FROM n`;

test.each([
  { autocheckpoint: 0, sealAtPages: 200, passive: false },
  { autocheckpoint: 100, sealAtPages: 200, passive: false },
  { autocheckpoint: 20, sealAtPages: 50, passive: true },
])('no commit is lost: %o', async ({ autocheckpoint, sealAtPages, passive }) => {
  await using db = await followedDatabase();
  await using other = await startApplication();
  await other.open(db.path);
  for (const app of [db.app, other]) await app.pragma(`wal_autocheckpoint = ${autocheckpoint}`);
  await db.app.exec(rows);
  const source = db.source({ sealAtPages });
  await source.open();
  const results = { restarted: 0, partial: 0, busy: 0, notNeeded: 0 };
  let violations = 0;
  let copies = 0;
  const pass = async (): Promise<void> => {
    const outcome = await source.pass();
    violations += outcome.violations;
    copies += outcome.written.filter(({ snapshotReason }) => snapshotReason !== undefined).length;
    if (outcome.sealed !== undefined) results[outcome.sealed.result] += 1;
    if (passive) await source.checkpoint('passive');
    db.clock.now += 5;
    await new Promise((resolve) => setImmediate(resolve));
  };
  for (let round = 0; round < 8; round++) {
    let isWriting: boolean = true;
    const writers = Promise.all([db.app.repeat(update, 500), other.repeat(update, 300)]).finally(() => {
      isWriting = false;
    });
    while (isWriting) await pass();
    await writers;
    // Nobody contends now: this one succeeds if it is due.
    await pass();
  }
  copies += (await syncAll(source)).filter(({ snapshotReason }) => snapshotReason !== undefined).length;
  expect({ violations, copies }).toEqual({ violations: 0, copies: 1 });
  expect(results.restarted).toBeGreaterThan(0);
  await db.expectReplayEqualsSource();
  await db.app.exec(update);
  await syncAll(source);
  await db.expectReplayEqualsSource();
});
