/** The stories the other suites are built on: complete, repeatable, and harmless to the database by themselves. */
import { describe, expect, test } from 'vitest';
import { describeDatabase, expectSamePages, querySql } from '../support/compare-databases.ts';
import { chooseSeed } from '../support/seed.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { playWorkload, type WorkloadMark, workloadProfiles } from './workload.ts';

describe('workloads', () => {
  test.each(workloadProfiles)('a story at page size $name is told twice the same way', async (profile) => {
    await using directory = await temporaryDirectory('workload');
    const seed = chooseSeed(`workload ${profile.name}`);
    const tell = async (databasePath: string): Promise<readonly WorkloadMark[]> => {
      const marks: WorkloadMark[] = [];
      for await (const mark of playWorkload({ databasePath, profile, seed })) marks.push(mark);
      return marks;
    };
    const first = await tell(directory.join('a.db'));
    const second = await tell(directory.join('b.db'));
    expect(second).toEqual(first);
    await expectSamePages(directory.join('a.db'), directory.join('b.db'));
    expect(await describeDatabase(directory.join('a.db'))).toMatchObject({
      pageSize: profile.pageSize,
      integrity: 'ok',
    });
    const commits = first.at(-1)?.sequence;
    expect(await querySql(directory.join('a.db'), 'SELECT count(*), max(sequence) FROM ledger')).toEqual([
      [commits, commits],
    ]);
  });

  test('the daemon is asked to stop and to come back, also while nobody is connected', async () => {
    await using directory = await temporaryDirectory('workload');
    const [profile] = workloadProfiles;
    if (profile === undefined) throw new Error('there are no profiles');
    const marks: WorkloadMark[] = [];
    const story = playWorkload({ databasePath: directory.join('a.db'), profile, seed: 1, improvised: 0 });
    for await (const mark of story) marks.push(mark);
    const turns = marks.filter(({ daemon }, index) => index > 0 && daemon !== marks[index - 1]?.daemon);
    expect(turns.map(({ daemon }) => daemon)).toEqual(Array.from({ length: 4 }, () => ['stopped', 'running']).flat());
    expect(marks.some(({ isConnected }) => !isConnected)).toBe(true);
    expect(marks.some(({ hasReader }) => hasReader)).toBe(true);
  });
});
