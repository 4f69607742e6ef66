/** The application of the stress tests must itself be beyond doubt: what it calls acknowledged is in the database. */
import { describe, expect, test } from 'vitest';
import { describeDatabase, expectSamePages, querySql } from '../support/compare-databases.ts';
import { chooseSeed, randomFrom } from '../support/seed.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { readAcknowledged, runWriter, startApplication, startWriter } from '../support/writer.ts';

const mix =
  'insert=8,update=8,delete=4,blob=3,growth=1,spill=1,spill-rollback=1,rollback=1,vacuum=1,checkpoint=3,reopen=1';

describe('the writer', () => {
  test.each([512, 4096, 65_536])('the same seed gives the same database, page size %i', async (pageSize) => {
    await using directory = await temporaryDirectory();
    const flags = { seed: chooseSeed('writer'), pageSize, count: 150, rows: 3, growthPages: 50, mix } as const;
    const first = await runWriter({ ...flags, db: directory.join('a.db') });
    const second = await runWriter({ ...flags, db: directory.join('b.db') });
    expect(second.commits).toBe(first.commits);
    await expectSamePages(directory.join('a.db'), directory.join('b.db'));
    expect(await describeDatabase(directory.join('a.db'))).toMatchObject({ pageSize, integrity: 'ok' });
  });

  test('every acknowledged commit survives kills at any commit and inside spilled transactions', async () => {
    await using directory = await temporaryDirectory();
    const random = randomFrom(chooseSeed('kills'));
    const db = directory.join('app.db');
    const acks = directory.join('acks');
    for (let life = 0; life < 8; life++) {
      await using writer = await startWriter({
        db,
        acks,
        seed: life,
        mix,
        count: 1_000_000,
        growthPages: 20,
        killAfter: 1 + Math.floor(random() * 40),
        killInSpill: life % 2 === 1,
      });
      expect((await writer.ended()).signal).toBe('SIGKILL');
    }
    const acknowledged = await readAcknowledged(acks);
    expect(acknowledged).toEqual(acknowledged.map((_, index) => index + 1));
    const [row] = await querySql(db, 'SELECT count(*), max(sequence) FROM ledger');
    // The commit that was under way when the last life ended may be there without having been acknowledged.
    expect(row?.[0]).toBe(row?.[1]);
    expect(Number(row?.[0])).toBeGreaterThanOrEqual(acknowledged.length);
    expect((await describeDatabase(db)).integrity).toBe('ok');
  });

  test('an application led step by step answers each step', async () => {
    await using directory = await temporaryDirectory();
    await using application = await startApplication({ db: directory.join('app.db'), busyTimeout: 0 });
    expect((await application.run(5)).sequence).toBe(5);
    await application.openReader();
    expect(await application.checkpoint('truncate')).toMatchObject({ busy: true });
    await application.closeReader();
    expect(await application.checkpoint('truncate')).toMatchObject({ busy: false, log: 0 });
    await expect(application.sql('nonsense')).rejects.toThrow('SQL logic error');
    await application.quit();
  });
});
