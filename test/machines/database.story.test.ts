/** One database over time, with effects the test settles and replicas that only listen. */
import { describe, expect, test } from 'vitest';
import { createActor } from 'xstate';
import { drainMicrotasks } from '#adapters/clock/simulated/simulated-clock';
import { ReplicationError } from '#errors/replication-error';
import { databaseMachine } from '#machines/database/database.machine';
import type {
  AdoptInput,
  AdoptOutput,
  CheckpointOutput,
  CloseInput,
  CloseOutput,
  DatabaseInput,
  OpenOutput,
  RequireSnapshotInput,
  SyncOutput,
} from '#machines/database/database.types';
import { replicaMachine } from '#machines/replica/replica.machine';
import type { InspectInput, InspectOutput, UploadInput, UploadOutput } from '#machines/replica/replica.types';
import { onePass } from './samples.ts';
import { pass, playedEffect, storyClock } from './story.ts';
import { bug, failure, refusal } from './table.ts';

const start = (input: Partial<DatabaseInput> = {}) => {
  const { clock, options } = storyClock();
  const effects = {
    open: playedEffect<void, OpenOutput>('openSource'),
    sync: playedEffect<void, SyncOutput>('syncWal'),
    checkpoint: playedEffect<void, CheckpointOutput>('checkpoint'),
    trim: playedEffect<void, void>('trimLocal'),
    adopt: playedEffect<AdoptInput, AdoptOutput>('adoptLevelZero'),
    requireSnapshot: playedEffect<RequireSnapshotInput, void>('requireSnapshot'),
    reset: playedEffect<void, void>('resetSource'),
    close: playedEffect<CloseInput, CloseOutput>('closeSource'),
    inspect: playedEffect<InspectInput, InspectOutput>('inspectReplica'),
    upload: playedEffect<UploadInput, UploadOutput>('uploadPending'),
  };
  const actor = createActor(
    databaseMachine.provide({
      actors: {
        openSource: effects.open.logic,
        syncWal: effects.sync.logic,
        checkpoint: effects.checkpoint.logic,
        trimLocal: effects.trim.logic,
        adoptLevelZero: effects.adopt.logic,
        requireSnapshot: effects.requireSnapshot.logic,
        resetSource: effects.reset.logic,
        closeSource: effects.close.logic,
        replica: replicaMachine.provide({
          actors: { inspectReplica: effects.inspect.logic, uploadPending: effects.upload.logic },
        }),
      },
    }),
    {
      ...options,
      input: {
        path: '/data/app.db',
        replicas: [{ name: 'a', syncIntervalMs: 1_000 }],
        monitorIntervalMs: 1_000,
        checkpointIntervalMs: 60_000,
        minCheckpointPageCount: 10,
        shutdownSyncTimeoutMs: 0,
        shutdownSyncIntervalMs: 500,
        isAutoRecovering: false,
        ...input,
      },
    },
  );
  const errors: unknown[] = [];
  actor.subscribe({ error: (error) => errors.push(error) });
  actor.start();
  return { actor, clock, errors, ...effects };
};

type Story = ReturnType<typeof start>;

const opened: OpenOutput = { kind: 'opened', position: 7n, pageSize: 4_096 };
const same: InspectOutput = { verdict: 'same', highestTxid: 7n, uploadedThrough: 7n, coveredThrough: 7n };
const quiet: SyncOutput = { ...onePass, position: 7n, walBytes: 0, isCheckpointOwed: false };

/** Up to the first pause after the first pass. */
const rest = async (story: Story, output: SyncOutput = quiet): Promise<void> => {
  await story.open.last().done(opened);
  await story.inspect.last().done(same);
  await story.sync.last().done(output);
};

/** Up to idle. */
const idle = async (story: Story, output: SyncOutput = quiet): Promise<void> => {
  await rest(story, output);
  await pass(story.clock, 1_000);
  expect(story.actor.getSnapshot().matches({ tracking: { wal: 'idle' } })).toBe(true);
};

describe('database', () => {
  test('a file that does not exist is waited for, by notice and by time', async () => {
    const story = start();
    await story.open.last().done({ kind: 'absent' });
    expect(story.actor.getSnapshot().value).toBe('waitingForFile');
    await pass(story.clock, 1_000);
    expect(story.open.calls).toHaveLength(2);
    await story.open.last().done({ kind: 'absent' });
    story.actor.send({ type: 'file.appeared' });
    expect(story.open.calls).toHaveLength(3);
    await story.open.last().done(opened);
    expect(story.actor.getSnapshot().context).toMatchObject({ position: 7n, runningReplicas: ['a'] });
  });

  test('replicas that cannot be reached do not hold up the first pass', async () => {
    const story = start({
      replicas: [
        { name: 'a', syncIntervalMs: 1_000 },
        { name: 'b', syncIntervalMs: 1_000 },
      ],
    });
    await story.open.last().done(opened);
    await story.inspect.calls[0]?.fail(failure);
    expect(story.actor.getSnapshot().value).toBe('comparing');
    await pass(story.clock, 4_999);
    expect(story.sync.calls).toEqual([]);
    await pass(story.clock, 1);
    expect(story.sync.calls).toHaveLength(1);
  });

  test('numbering goes on above a replica that is ahead', async () => {
    const story = start();
    await story.open.last().done(opened);
    await story.inspect.last().done({ verdict: 'ahead', highestTxid: 9n, uploadedThrough: 0n, coveredThrough: 9n });
    expect(story.adopt.last().input).toEqual({ name: 'a', txid: 9n });
    await story.adopt.last().done({ position: 9n });
    expect(story.actor.getSnapshot().context.position).toBe(9n);
    expect(story.inspect.last().input).toEqual({ name: 'a', localPosition: 9n });
    expect(story.sync.calls).toHaveLength(1);
  });

  test.each([failure, refusal])(
    'when its newest file cannot be had (%s), a full copy above it follows',
    async (error) => {
      const story = start();
      await story.open.last().done(opened);
      await story.inspect.last().done({ verdict: 'ahead', highestTxid: 9n, uploadedThrough: 0n, coveredThrough: 9n });
      await story.adopt.last().fail(error);
      await story.sync.last().done(quiet);
      expect(story.requireSnapshot.last().input).toEqual({ after: 9n });
      await story.requireSnapshot.last().done();
      await story.sync.last().done({ ...quiet, position: 10n, snapshotTxid: 10n });
      expect(story.upload.last().input).toMatchObject({ after: 9n, through: 10n });
      expect(story.errors).toEqual([]);
    },
  );

  test('the first change after a pause is read at once, the next ones at most once per monitor interval', async () => {
    const story = start();
    await idle(story);
    story.actor.send({ type: 'wal.grew', walBytes: 4_120 });
    expect(story.sync.calls).toHaveLength(2);
    await story.sync.last().done({ ...onePass, walBytes: 4_120 });
    for (let n = 2; n < 8; n += 1) story.actor.send({ type: 'wal.grew', walBytes: n * 4_120 });
    await pass(story.clock, 999);
    expect(story.sync.calls).toHaveLength(2);
    await pass(story.clock, 1);
    expect(story.sync.calls).toHaveLength(3);
  });

  test('a WAL that grew long, or began anew, is read at once', async () => {
    const story = start();
    await rest(story, { ...onePass, walBytes: 8_240 });
    story.actor.send({ type: 'wal.grew', walBytes: 8_240 + 10 * 4_120 });
    expect(story.sync.calls).toHaveLength(2);
    await story.sync.last().done({ ...onePass, walBytes: 49_440 });
    story.actor.send({ type: 'wal.grew', walBytes: 4_120 });
    expect(story.sync.calls).toHaveLength(3);
  });

  test('a pass that was cut goes on at once and announces each step', async () => {
    const story = start();
    await rest(story, { ...onePass, isMoreWaiting: true });
    expect(story.sync.calls).toHaveLength(2);
    expect(story.upload.last().input).toMatchObject({ after: 7n, through: 8n });
  });

  test('whoever asks for a sync during a pass gets another one', async () => {
    const story = start();
    await story.open.last().done(opened);
    await story.inspect.last().done(same);
    story.actor.send({ type: 'sync.requested' });
    story.actor.send({ type: 'sync.requested' });
    await story.sync.last().done(quiet);
    expect(story.sync.calls).toHaveLength(2);
    await story.sync.last().done(quiet);
    expect(story.sync.calls).toHaveLength(2);
  });

  test('an owed checkpoint is done once its age is reached, although local files are trimmed meanwhile', async () => {
    const story = start();
    await idle(story, { ...onePass, position: 7n });
    for (let n = 0; n < 3; n += 1) {
      await pass(story.clock, 15_000);
      story.actor.send({ type: 'retention.due' });
      await story.trim.last().done();
    }
    await pass(story.clock, 14_999);
    expect(story.checkpoint.calls).toHaveLength(0);
    await pass(story.clock, 1);
    expect(story.checkpoint.calls).toHaveLength(1);
    await story.checkpoint.last().done({ hasRestarted: true });
    await pass(story.clock, 600_000);
    expect(story.checkpoint.calls).toHaveLength(1);
  });

  test('no checkpoint is done by age when the interval is 0', async () => {
    const story = start({ checkpointIntervalMs: 0 });
    await idle(story, { ...onePass, position: 7n });
    await pass(story.clock, 600_000);
    expect(story.checkpoint.calls).toEqual([]);
  });

  test('trimming loses no news of the WAL', async () => {
    const story = start();
    await rest(story);
    story.actor.send({ type: 'wal.grew', walBytes: 4_120 });
    story.actor.send({ type: 'retention.due' });
    await story.trim.last().fail(failure);
    await pass(story.clock, 1_000);
    expect(story.sync.calls).toHaveLength(2);
  });

  test('a higher need for a full copy that arrives while a lower one is passed on is not lost', async () => {
    const story = start();
    await rest(story);
    story.actor.send({ type: 'replica.needsSnapshot', name: 'a', after: 10n });
    story.actor.send({ type: 'replica.needsSnapshot', name: 'b', after: 50n });
    await story.requireSnapshot.last().done();
    await story.sync.last().done({ ...quiet, position: 11n, snapshotTxid: 11n });
    expect(story.requireSnapshot.calls.map(({ input }) => input.after)).toEqual([10n, 50n]);
    await story.requireSnapshot.last().done();
    await story.sync.last().done({ ...quiet, position: 51n, snapshotTxid: 51n });
    expect(story.actor.getSnapshot().context.snapshotNeededAfter).toBeUndefined();
    expect(story.requireSnapshot.calls).toHaveLength(2);
  });

  test('a source that was lost is told again that a full copy is needed', async () => {
    const story = start();
    await rest(story);
    story.actor.send({ type: 'replica.needsSnapshot', name: 'a', after: 10n });
    await story.requireSnapshot.last().done();
    await story.sync.last().fail(new ReplicationError('DATABASE_REPLACED', 'another file', { retryable: true }));
    expect(story.close.last().input).toEqual({ finalPass: false });
    await story.close.last().done({ position: 7n, snapshotTxid: undefined });
    await pass(story.clock, 1_000);
    await story.open.last().done(opened);
    await story.sync.last().done(quiet);
    expect(story.requireSnapshot.calls.map(({ input }) => input.after)).toEqual([10n, 10n]);
  });

  test('after a reset the replicas are looked at before anything is written', async () => {
    const story = start();
    await idle(story);
    story.actor.send({ type: 'reset.requested' });
    await story.reset.last().done();
    await story.open.last().done({ ...opened, position: 0n });
    expect(story.actor.getSnapshot().value).toBe('comparing');
    await story.inspect.last().done({ verdict: 'ahead', highestTxid: 7n, uploadedThrough: 0n, coveredThrough: 7n });
    expect(story.adopt.last().input).toEqual({ name: 'a', txid: 7n });
  });

  test('a retry on request reaches a replica that waits while the database is well', async () => {
    const story = start();
    await story.open.last().done(opened);
    await story.inspect.last().fail(failure);
    story.actor.send({ type: 'retry.requested' });
    expect(story.inspect.calls).toHaveLength(2);
  });

  test('a bug ends the actor', async () => {
    const story = start();
    await story.open.last().fail(bug);
    expect(story.errors).toEqual([bug]);
  });

  describe('stop', () => {
    const arrivals: Readonly<Record<string, (story: Story) => Promise<void>>> = {
      opening: async () => undefined,
      waitingForFile: ({ open }) => open.last().done({ kind: 'absent' }),
      comparing: ({ open }) => open.last().done(opened),
      adopting: async ({ open, inspect }) => {
        await open.last().done(opened);
        await inspect.last().done({ verdict: 'ahead', highestTxid: 9n, uploadedThrough: 0n, coveredThrough: 9n });
      },
      'tracking.wal.idle': idle,
      'tracking.wal.syncing': async ({ open, inspect }) => {
        await open.last().done(opened);
        await inspect.last().done(same);
      },
      'tracking.wal.resting': rest,
      'tracking.wal.requiringSnapshot': async (story) => {
        await rest(story);
        story.actor.send({ type: 'replica.needsSnapshot', name: 'a', after: 10n });
      },
      'tracking.wal.checkpointing': async (story) => {
        await idle(story, { ...onePass, position: 7n });
        await pass(story.clock, 60_000);
      },
      'tracking.wal.backingOff': async ({ open, inspect, sync }) => {
        await open.last().done(opened);
        await inspect.last().done(same);
        await sync.last().fail(failure);
      },
      'tracking.retention.trimming': async (story) => {
        await idle(story);
        story.actor.send({ type: 'retention.due' });
      },
      resetting: async ({ actor }) => actor.send({ type: 'reset.requested' }),
      backingOff: ({ open }) => open.last().fail(failure),
    };

    test.each(Object.entries(arrivals))('in %s closes the source, then the replicas', async (state, arrive) => {
      const story = start();
      await arrive(story);
      expect(JSON.stringify(story.actor.getSnapshot().value)).toContain(`"${state.split('.').at(-1)}"`);
      story.actor.send({ type: 'database.stop' });
      expect(story.close.calls.map(({ input }) => input)).toEqual([{ finalPass: true }]);
      await story.close.last().done({ position: 7n, snapshotTxid: undefined });
      await drainMicrotasks();
      for (const call of [...story.inspect.calls, ...story.upload.calls]) await call.fail(failure);
      expect(story.actor.getSnapshot()).toMatchObject({ value: 'closed', status: 'done', output: { position: 7n } });
      expect(story.clock.pendingTimers()).toBe(0);
    });

    test('what the last pass captured is uploaded before the end', async () => {
      const story = start();
      await idle(story);
      story.actor.send({ type: 'database.stop' });
      await story.close.last().done({ position: 8n, snapshotTxid: undefined });
      await story.inspect.last().done({ ...same, verdict: 'behind' });
      expect(story.upload.last().input).toMatchObject({ after: 7n, through: 8n });
      await story.upload.last().done({ uploadedThrough: 8n, coveredThrough: 8n, needsSnapshot: false });
      expect(story.actor.getSnapshot().value).toBe('closed');
    });

    test('what a stop while opening still captured is uploaded before the end', async () => {
      const story = start();
      story.actor.send({ type: 'database.stop' });
      await story.close.last().done({ position: 1n, snapshotTxid: 1n });
      expect(story.inspect.last().input).toMatchObject({ name: 'a', localPosition: 1n });
      await story.inspect.last().done({ verdict: 'empty', highestTxid: 0n, uploadedThrough: 0n, coveredThrough: 0n });
      expect(story.upload.last().input).toMatchObject({ after: 0n, through: 1n });
      await story.upload.last().done({ uploadedThrough: 1n, coveredThrough: 1n, needsSnapshot: false });
      expect(story.actor.getSnapshot().value).toBe('closed');
    });

    test('a hurry ends the replicas at once', async () => {
      const story = start({ shutdownSyncTimeoutMs: 30_000 });
      await story.open.last().done(opened);
      story.actor.send({ type: 'database.stop' });
      await story.close.last().fail(failure);
      expect(story.actor.getSnapshot().value).toEqual({ closing: 'replicas' });
      story.actor.send({ type: 'database.hurry' });
      expect(story.actor.getSnapshot().value).toBe('closed');
    });
  });
});
