import { describe, expect, test } from 'vitest';
import {
  afterRestart,
  afterSeal,
  type CheckpointDecision,
  type CheckpointInput,
  type CheckpointSettings,
  type CheckpointState,
  decideCheckpoint,
  initialCheckpointState,
  walSizeBytes,
} from '#domain/checkpoint-policy';

const settings: CheckpointSettings = {
  minCheckpointPageCount: 1000,
  checkpointIntervalMs: 60_000,
  truncatePageN: 121_359,
};

const decide = (
  input: Partial<CheckpointInput>,
  changes: Partial<CheckpointSettings> = {},
  state: CheckpointState = initialCheckpointState,
  nowMs = 1_000_000,
): CheckpointDecision =>
  decideCheckpoint(
    { walBytes: 32, pageSize: 4096, hasSyncedSinceCheckpoint: true, databaseAgeMs: 0, ...input },
    { ...settings, ...changes },
    state,
    nowMs,
  );

const frames = (count: number): { readonly walBytes: number } => {
  return { walBytes: walSizeBytes(count, 4096) };
};

test('the sizes are those Litestream documents', () => {
  expect(walSizeBytes(1000, 4096)).toBe(4_120_032);
  expect(walSizeBytes(121_359, 4096)).toBe(499_999_112);
});

describe('a restart is asked for', () => {
  test('from the number of pages on', () => {
    expect(decide(frames(999))).toMatchObject({ action: 'none', trigger: undefined });
    expect(decide(frames(1000))).toMatchObject({ action: 'sealed', trigger: 'pages', isAlarming: false });
  });

  test('by age, when something was read and more than one frame stands there', () => {
    const old = { databaseAgeMs: 60_001 };
    expect(decide({ ...frames(2), ...old })).toMatchObject({ action: 'sealed', trigger: 'age' });
    expect(decide({ ...frames(1), ...old })).toMatchObject({ action: 'none' });
    expect(decide({ ...frames(2), databaseAgeMs: 60_000 })).toMatchObject({ action: 'none' });
    expect(decide({ ...frames(2), ...old, hasSyncedSinceCheckpoint: false })).toMatchObject({ action: 'none' });
    expect(decide({ ...frames(2), ...old }, { checkpointIntervalMs: 0 })).toMatchObject({ action: 'none' });
  });
});

test('the emergency threshold is an alarm, and 0 or less turns it off', () => {
  expect(decide(frames(121_359))).toMatchObject({ action: 'sealed', isAlarming: true });
  expect(decide(frames(121_358))).toMatchObject({ isAlarming: false });
  expect(decide(frames(121_359), { truncatePageN: 0 })).toMatchObject({ isAlarming: false });
  expect(decide(frames(121_359), { truncatePageN: -1 })).toMatchObject({ isAlarming: false });
});

describe('a seal that failed', () => {
  test('is tried again after 1 s, doubling to 30 s', () => {
    let state = initialCheckpointState;
    const waits = Array.from({ length: 7 }, () => {
      state = afterSeal(state, 'partial', 50_000);
      return state.retryAtMs - 50_000;
    });
    expect(waits).toEqual([1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);
  });

  test('holds back every trigger until then, and says when', () => {
    const state = afterSeal(initialCheckpointState, 'busy', 50_000);
    expect(decide(frames(1000), {}, state, 50_999)).toEqual({
      action: 'none',
      trigger: 'pages',
      isAlarming: false,
      retryAtMs: 51_000,
    });
    expect(decide(frames(121_359), {}, state, 50_999)).toMatchObject({ action: 'none', isAlarming: true });
    expect(decide(frames(1000), {}, state, 51_000)).toMatchObject({ action: 'sealed' });
  });

  test('is forgotten after a restart', () => {
    const failed = afterSeal(afterSeal(initialCheckpointState, 'busy', 0), 'busy', 0);
    expect(afterSeal(failed, 'restarted', 0)).toEqual(initialCheckpointState);
    expect(afterSeal(failed, 'notNeeded', 0)).toEqual(initialCheckpointState);
    expect(afterRestart()).toEqual(initialCheckpointState);
  });

  test('does not wait for ever when the clock is put back', () => {
    const state = afterSeal(initialCheckpointState, 'busy', 9_000_000);
    expect(decide(frames(1000), {}, state, 50_000)).toMatchObject({ action: 'sealed' });
  });
});
