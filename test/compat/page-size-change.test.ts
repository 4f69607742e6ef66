/** A database that changes its page size: the files before and after cannot be put together, so the history begins anew. */
import { expect, it } from 'vitest';
import { expectSamePages, runSql } from '../support/compare-databases.ts';
import { runOurs } from '../support/our-command.ts';
import { restoreWithPeer } from '../support/peer.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

it('a new page size is restorable at once, by us and by v0.5.17, and so is what follows', async () => {
  await using directory = await temporaryDirectory('page-size');
  const db = directory.join('app.db');
  const replicaPath = directory.join('replica');
  const sync = async (): Promise<void> => {
    const result = await runOurs(['replicate', '-once', db, `file://${replicaPath}`]);
    expect(result).toMatchObject({ code: 0, stderr: '' });
  };
  let restores = 0;
  const expectRestorable = async (): Promise<void> => {
    restores += 1;
    const ours = directory.join(`ours-${restores}.db`);
    expect(await runOurs(['restore', '-o', ours, `file://${replicaPath}`])).toMatchObject({ code: 0, stderr: '' });
    await expectSamePages(db, ours);
    const theirs = directory.join(`theirs-${restores}.db`);
    const restored = await restoreWithPeer('0.5.17', { replicaPath, outputPath: theirs });
    expect(restored).toMatchObject({ code: 0 });
    await expectSamePages(db, theirs);
  };
  await runSql(
    db,
    "PRAGMA page_size = 4096; PRAGMA journal_mode = WAL; CREATE TABLE t(v); INSERT INTO t VALUES('small')",
  );
  await sync();
  await runSql(db, "INSERT INTO t VALUES('second')");
  await sync();
  await expectRestorable();
  await runSql(db, 'PRAGMA journal_mode = DELETE; PRAGMA page_size = 8192; VACUUM; PRAGMA journal_mode = WAL');
  await runSql(db, "INSERT INTO t VALUES('large')");
  await sync();
  await expectRestorable();
  await runSql(db, "INSERT INTO t VALUES('after')");
  await sync();
  await expectRestorable();
});
