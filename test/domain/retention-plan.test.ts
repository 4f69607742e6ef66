import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { planCompaction } from '#domain/compaction-plan';
import type { Level } from '#domain/level';
import { type PlannableFile, planRestore, type RestorePlan } from '#domain/restore-plan';
import { type RetentionReason, type RetentionSettings, retentionPlan } from '#domain/retention-plan';
import { ReplicationError } from '#errors/replication-error';

const HOUR = 3_600_000;
const settings: RetentionSettings = {
  isEnabled: true,
  snapshotRetentionMs: 24 * HOUR,
  levelZeroRetentionMs: HOUR,
  levels: [{ level: 1 }, { level: 2 }],
};

/** `level:min-max@hours`. */
const file = (text: string): PlannableFile => {
  const [, level, min, max, hours] = /^(\d):(\d+)(?:-(\d+))?@(\d+)$/.exec(text) ?? [];
  // A cast: the tests name real levels.
  const named = { level: Number(level) as Level, minTxid: BigInt(min ?? 0), maxTxid: BigInt(max ?? min ?? 0) };
  return { ...named, sizeBytes: 200, createdAtMs: Number(hours) * HOUR };
};

/** File and reason of what the plan deletes, or keeps, at an hour. */
const decisions = (
  files: string,
  nowHours: number,
  action: 'keep' | 'delete',
  changes: Partial<RetentionSettings> = {},
): Readonly<Record<string, RetentionReason>> => {
  const named = files.split(' ').map((text) => ({ text, ...file(text) }));
  const plan = retentionPlan(named, { ...settings, ...changes }, nowHours * HOUR);
  expect(plan).toHaveLength(named.length);
  return Object.fromEntries(
    plan.filter((decision) => decision.action === action).map((decision) => [decision.file.text, decision.reason]),
  );
};

describe('snapshots', () => {
  test('older than the retention go, but for the newest of them (D-10)', () => {
    const files = '9:1-10@0 9:1-20@24 9:1-30@48 9:1-40@72';
    expect(decisions(files, 80, 'delete')).toEqual({ '9:1-10@0': 'beyondWindow', '9:1-20@24': 'beyondWindow' });
    expect(decisions(files, 80, 'keep')).toEqual({ '9:1-30@48': 'baseOfWindow', '9:1-40@72': 'newestSnapshot' });
  });

  test('keep the newest one however old it is', () => {
    expect(decisions('9:1-10@0 9:1-20@24', 1000, 'delete')).toEqual({ '9:1-10@0': 'beyondWindow' });
    expect(decisions('9:1-20@24', 1000, 'keep')).toEqual({ '9:1-20@24': 'newestSnapshot' });
  });

  test('on the edge of the window belong to it', () => {
    expect(decisions('9:1-10@0 9:1-20@10 9:1-30@20', 34, 'keep')).toEqual({
      '9:1-10@0': 'baseOfWindow',
      '9:1-20@10': 'withinWindow',
      '9:1-30@20': 'newestSnapshot',
    });
  });

  test('with times that go back are deleted as a prefix only', () => {
    expect(decisions('9:1-10@50 9:1-20@5 9:1-30@60', 61, 'delete')).toEqual({});
  });
});

describe('levels', () => {
  test('lose what ends below the last snapshot that goes, never their newest file', () => {
    const files = '9:1-10@0 9:1-20@24 9:1-30@48 9:1-40@72 1:1-19@23 1:20-25@30 1:26-40@71 2:1-9@9';
    expect(decisions(files, 80, 'delete')).toMatchObject({ '1:1-19@23': 'belowFloor' });
    expect(decisions(files, 80, 'keep')).toMatchObject({
      '1:20-25@30': 'inUse',
      '1:26-40@71': 'newestOfLevel',
      '2:1-9@9': 'newestOfLevel',
    });
  });

  test('keep what ends at the floor, the end of the last snapshot that goes', () => {
    const files = '9:1-10@0 9:1-20@1 9:1-30@48 1:2-9@0 1:5-10@0 1:11-30@48';
    expect(decisions(files, 60, 'keep')).toMatchObject({ '1:5-10@0': 'inUse' });
    expect(decisions(files, 60, 'delete')).toEqual({ '9:1-10@0': 'beyondWindow', '1:2-9@0': 'belowFloor' });
  });

  test('with a limit of age lose what the next level holds in one file', () => {
    const levels = [{ level: 1 as const, retentionMs: 2 * HOUR }, { level: 2 as const }];
    const files = '9:1-4@0 1:5-6@1 1:7-8@2 1:9-10@3 1:11-12@9 2:5-8@2';
    expect(decisions(files, 10, 'delete', { levels })).toEqual({ '1:5-6@1': 'expired', '1:7-8@2': 'expired' });
    expect(decisions(files, 10, 'keep', { levels })).toMatchObject({ '1:9-10@3': 'notCovered' });
  });

  test('with a limit of age at the highest level look at the snapshots that stay', () => {
    const levels = [{ level: 1 as const, retentionMs: 2 * HOUR }];
    const files = '9:1-8@2 1:5-6@1 1:7-8@2 1:9-10@3 1:11-12@9';
    expect(decisions(files, 10, 'delete', { levels })).toEqual({ '1:5-6@1': 'expired', '1:7-8@2': 'expired' });
  });
});

describe('level 0', () => {
  test('loses an old prefix that level 1 holds', () => {
    const files = '1:1-2@1 1:3-4@2 0:1@1 0:2@1 0:3@2 0:4@2 0:5@3';
    expect(decisions(files, 10, 'delete')).toEqual({
      '0:1@1': 'compacted',
      '0:2@1': 'compacted',
      '0:3@2': 'compacted',
      '0:4@2': 'compacted',
    });
    expect(decisions(files, 10, 'keep')).toMatchObject({ '0:5@3': 'notCompacted' });
  });

  test('keeps what is young, and what one compacted file holds together with it', () => {
    const files = '1:1-2@1 1:3-6@10 0:1@1 0:2@1 0:3@2 0:4@2 0:5@10 0:6@10';
    expect(decisions(files, 10, 'delete')).toEqual({ '0:1@1': 'compacted', '0:2@1': 'compacted' });
    expect(decisions(files, 10, 'keep')).toMatchObject({
      '0:3@2': 'heldBack',
      '0:4@2': 'heldBack',
      '0:5@10': 'tooRecent',
    });
  });

  test('keeps its newest file', () => {
    const files = '1:1-3@1 0:1@1 0:2@1 0:3@1';
    expect(decisions(files, 10, 'keep')).toMatchObject({ '0:3@1': 'newestOfLevel' });
    expect(decisions(files, 10, 'delete')).toEqual({ '0:1@1': 'compacted', '0:2@1': 'compacted' });
  });

  test('keeps what lies in a hole of level 1, and all that follows', () => {
    const files = '1:1-2@1 1:5-6@2 0:1@1 0:2@1 0:3@1 0:4@1 0:5@2 0:6@2 0:7@2';
    expect(decisions(files, 10, 'delete')).toEqual({ '0:1@1': 'compacted', '0:2@1': 'compacted' });
    expect(decisions(files, 10, 'keep')).toMatchObject({ '0:3@1': 'notCompacted', '0:5@2': 'heldBack' });
  });

  test('keeps what only a snapshot holds as long as level 1 has to get there', () => {
    expect(decisions('9:1-4@3 1:1-2@1 0:3@1 0:4@1 0:5@2', 10, 'delete')).toEqual({});
  });

  test('below a snapshot at which level 1 began goes as well', () => {
    expect(decisions('9:1-4@3 1:5-6@4 0:3@1 0:4@1 0:5@4 0:6@4 0:7@4', 10, 'delete')).toEqual({
      '0:3@1': 'compacted',
      '0:4@1': 'compacted',
      '0:5@4': 'compacted',
      '0:6@4': 'compacted',
    });
  });

  test('stays when no age is configured', () => {
    expect(decisions('1:1-2@1 0:1@1 0:2@1 0:3@1', 10, 'keep', { levelZeroRetentionMs: 0 })).toMatchObject({
      '0:1@1': 'unlimited',
    });
  });
});

test('nothing goes when retention is disabled', () => {
  const files = '9:1-10@0 9:1-20@24 9:1-30@48 1:1-2@1 0:1@1 0:2@1';
  expect(decisions(files, 80, 'delete', { isEnabled: false })).toEqual({});
  expect(new Set(Object.values(decisions(files, 80, 'keep', { isEnabled: false })))).toEqual(
    new Set(['retentionDisabled']),
  );
});

/** What happens to a replica, an hour apart: a commit, a compaction, a snapshot, a run of retention. */
type Happening = 'commit' | 'level1' | 'level2' | 'snapshot' | 'retention';

const happenings = fc.array(
  fc.oneof(
    { weight: 8, arbitrary: fc.constant<Happening>('commit') },
    { weight: 4, arbitrary: fc.constant<Happening>('level1') },
    { weight: 2, arbitrary: fc.constant<Happening>('level2') },
    { weight: 2, arbitrary: fc.constant<Happening>('snapshot') },
    { weight: 2, arbitrary: fc.constant<Happening>('retention') },
  ),
  { minLength: 8, maxLength: 60 },
);

const shortSettings: RetentionSettings = { ...settings, snapshotRetentionMs: 8 * HOUR, levelZeroRetentionMs: 2 * HOUR };

const compacted = (files: readonly PlannableFile[], level: 1 | 2, nowMs: number): readonly PlannableFile[] => {
  const snapshots = files.filter((one) => one.level === 9);
  const plan = planCompaction({
    nowMs,
    intervalMs: HOUR,
    destination: files.filter((one) => one.level === level),
    source: files.filter((one) => one.level === level - 1),
    newestSnapshot: snapshots.at(-1),
    isForced: true,
  });
  expect(plan.kind).not.toBe('hole');
  if (plan.kind !== 'merge') return files;
  expect(plan.missing).toBeUndefined();
  return [...files, { level, ...plan.range, sizeBytes: 200, createdAtMs: plan.inputs.at(-1)?.createdAtMs ?? 0 }];
};

const remaining = (files: readonly PlannableFile[], nowMs: number): readonly PlannableFile[] => {
  const gone = new Set(
    retentionPlan(files, shortSettings, nowMs)
      .filter(({ action }) => action === 'delete')
      .map((decision) => decision.file),
  );
  return files.filter((one) => !gone.has(one));
};

const attempt = (files: readonly PlannableFile[], timestampMs?: number): RestorePlan<PlannableFile> | string => {
  try {
    return planRestore(files, { timestampMs });
  } catch (error) {
    if (error instanceof ReplicationError) return error.code;
    throw error;
  }
};

/** The replica after all that, and the time. */
const lived = (what: readonly Happening[]): { readonly files: readonly PlannableFile[]; readonly nowMs: number } => {
  let files: readonly PlannableFile[] = [];
  let txid = 0n;
  let nowMs = HOUR;
  for (const happening of what) {
    nowMs += HOUR;
    const own = { sizeBytes: 200, createdAtMs: nowMs };
    if (happening === 'commit') {
      txid += 1n;
      files = [...files, { level: 0, minTxid: txid, maxTxid: txid, ...own }];
    } else if (happening === 'snapshot') {
      if (txid > 0n && !files.some((one) => one.level === 9 && one.maxTxid === txid)) {
        files = [...files, { level: 9, minTxid: 1n, maxTxid: txid, ...own }];
      }
    } else if (happening === 'retention') {
      files = remaining(files, nowMs);
    } else {
      files = compacted(files, happening === 'level1' ? 1 : 2, nowMs);
    }
  }
  return { files, nowMs: nowMs + HOUR };
};

test('the newest state survives every single deletion, and all of them (I-25)', async () => {
  await fc.assert(
    fc.property(happenings, (what) => {
      const { files, nowMs } = lived(what);
      const before = attempt(files);
      if (typeof before === 'string') {
        expect(files).toEqual([]);
        return;
      }
      const gone = retentionPlan(files, shortSettings, nowMs).filter(({ action }) => action === 'delete');
      for (const { file: deleted } of gone) {
        expect(attempt(files.filter((one) => one !== deleted))).toMatchObject({ reachedTxid: before.reachedTxid });
      }
      expect(attempt(remaining(files, nowMs))).toMatchObject({ reachedTxid: before.reachedTxid });
    }),
    { numRuns: 500, seed: 20_261_201 },
  );
});

test('every moment of the window that had a state keeps one, at most as much older as compaction is coarse (D-10)', async () => {
  await fc.assert(
    fc.property(happenings, (what) => {
      const { files, nowMs } = lived(what);
      const after = remaining(files, nowMs);
      const gone = files.filter((one) => !after.includes(one));
      const coarse = files.filter(({ level }) => level !== 0);
      for (let atMs = nowMs - shortSettings.snapshotRetentionMs; atMs <= nowMs; atMs += HOUR / 2) {
        const had = attempt(coarse, atMs);
        // Before there was any snapshot the promise has not begun.
        if (typeof had === 'string' || had.files[0]?.level !== 9) continue;
        const onlyOneGone = gone.map((deleted) =>
          attempt(
            files.filter((one) => one !== deleted),
            atMs,
          ),
        );
        for (const has of [attempt(after, atMs), ...onlyOneGone]) {
          expect(typeof has === 'string' ? has : has.reachedTxid >= had.reachedTxid).toBe(true);
        }
      }
    }),
    { numRuns: 500, seed: 20_261_201 },
  );
});
