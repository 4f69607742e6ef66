/** One replica over time, with effects the test settles. */
import { describe, expect, test } from 'vitest';
import { type ActorRefFrom, createActor, setup } from 'xstate';
import { drainMicrotasks } from '#adapters/clock/simulated/simulated-clock';
import { replicaMachine } from '#machines/replica/replica.machine';
import type {
  InspectInput,
  InspectOutput,
  ProbeInput,
  ReplicaInput,
  ReplicaReport,
  UploadInput,
  UploadOutput,
} from '#machines/replica/replica.types';
import { pass, playedEffect, storyClock } from './story.ts';
import { failure, refusal } from './table.ts';

const start = (input: Partial<ReplicaInput> = {}) => {
  const { clock, options } = storyClock();
  const inspect = playedEffect<InspectInput, InspectOutput>('inspectReplica');
  const upload = playedEffect<UploadInput, UploadOutput>('uploadPending');
  const probe = playedEffect<ProbeInput, void>('probeReplica');
  const reports: ReplicaReport[] = [];
  const replica = replicaMachine.provide({
    actors: { inspectReplica: inspect.logic, uploadPending: upload.logic, probeReplica: probe.logic },
  });
  const parent = createActor(
    setup({
      types: {} as { events: ReplicaReport },
      actors: { replica },
      actions: { keep: ({ event }) => void reports.push(event) },
    }).createMachine({
      invoke: {
        src: 'replica',
        id: 'replica',
        input: {
          name: 'a',
          localPosition: 7n,
          syncIntervalMs: 1_000,
          shutdownSyncTimeoutMs: 30_000,
          shutdownSyncIntervalMs: 500,
          ...input,
        },
      },
      on: {
        'replica.inspected': { actions: 'keep' },
        'replica.advanced': { actions: 'keep' },
        'replica.needsSnapshot': { actions: 'keep' },
        'replica.failed': { actions: 'keep' },
        'replica.stopped': { actions: 'keep' },
      },
    }),
    options,
  );
  parent.start();
  const [child] = Object.values(parent.getSnapshot().children);
  const actor = child as ActorRefFrom<typeof replica>; // the only child
  return { actor, clock, inspect, upload, probe, reports };
};

const behind: InspectOutput = { verdict: 'behind', highestTxid: 5n, uploadedThrough: 5n, coveredThrough: 5n };
const foreign: InspectOutput = { verdict: 'foreign', highestTxid: 90n, uploadedThrough: 0n, coveredThrough: 90n };
const through = (txid: bigint): UploadOutput => ({ uploadedThrough: txid, coveredThrough: txid, needsSnapshot: false });
const typesOf = (reports: readonly ReplicaReport[]) => reports.map(({ type }) => type);

describe('replica', () => {
  test('what is behind is uploaded, and what is announced meanwhile follows after the sync interval', async () => {
    const { actor, clock, inspect, upload } = start();
    await inspect.last().done(behind);
    expect(upload.last().input).toEqual({ name: 'a', after: 5n, through: 7n, coveredThrough: 5n });
    actor.send({ type: 'ltx.committed', through: 8n, snapshotTxid: undefined });
    await upload.last().done(through(7n));
    await pass(clock, 999);
    expect(upload.calls).toHaveLength(1);
    await pass(clock, 1);
    expect(upload.last().input).toEqual({ name: 'a', after: 7n, through: 8n, coveredThrough: 7n });
  });

  test('the pause after failures doubles up to five minutes and ends with a look at the replica', async () => {
    const { actor, clock, inspect } = start();
    const pauses: number[] = [];
    for (let failures = 1; failures <= 11; failures += 1) {
      await inspect.last().fail(failures % 2 === 0 ? refusal : failure);
      expect(actor.getSnapshot().value).toBe('backingOff');
      const fromMs = clock.nowMs();
      const looks = inspect.calls.length;
      while (inspect.calls.length === looks && clock.step()) await drainMicrotasks();
      pauses.push(clock.nowMs() - fromMs);
    }
    expect(pauses).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 64_000, 128_000, 256_000, 300_000, 300_000]);
    await inspect.last().done(behind);
    expect(actor.getSnapshot().context).toMatchObject({ failureCount: 0, lastError: undefined });
  });

  test('a retry on request does not wait', async () => {
    const { actor, inspect } = start();
    await inspect.last().fail(failure);
    actor.send({ type: 'retry.requested' });
    expect(inspect.calls).toHaveLength(2);
  });

  test('a foreign history is continued by a full copy above it, and nothing in between is sent', async () => {
    const { actor, inspect, upload, reports } = start();
    await inspect.last().done(foreign);
    expect(reports).toEqual([
      { type: 'replica.inspected', name: 'a', verdict: 'foreign', highestTxid: 90n },
      { type: 'replica.needsSnapshot', name: 'a', after: 90n },
    ]);
    actor.send({ type: 'ltx.committed', through: 8n, snapshotTxid: undefined });
    actor.send({ type: 'ltx.committed', through: 9n, snapshotTxid: 9n });
    expect(upload.calls).toEqual([]);
    actor.send({ type: 'ltx.committed', through: 91n, snapshotTxid: 91n });
    expect(upload.last().input).toEqual({ name: 'a', after: 90n, through: 91n, coveredThrough: 90n });
  });

  test('an outage while bridging costs no second full copy', async () => {
    const { actor, inspect, upload, reports, clock } = start();
    await inspect.last().done(foreign);
    actor.send({ type: 'ltx.committed', through: 91n, snapshotTxid: 91n });
    await upload.last().fail(failure);
    actor.send({ type: 'ltx.committed', through: 92n, snapshotTxid: undefined });
    await pass(clock, 1_000);
    await inspect.last().done(foreign);
    expect(upload.last().input).toEqual({ name: 'a', after: 90n, through: 92n, coveredThrough: 90n });
    expect(typesOf(reports).filter((type) => type === 'replica.needsSnapshot')).toHaveLength(1);
  });

  test('a full copy that is gone is asked for anew, above everything announced', async () => {
    const { actor, inspect, upload, reports } = start();
    await inspect.last().done(foreign);
    actor.send({ type: 'ltx.committed', through: 91n, snapshotTxid: 91n });
    await upload.last().done({ uploadedThrough: 90n, coveredThrough: 90n, needsSnapshot: true });
    expect(actor.getSnapshot().value).toEqual({ awaitingSnapshot: 'waiting' });
    expect(reports.at(-1)).toEqual({ type: 'replica.needsSnapshot', name: 'a', after: 91n });
  });

  test('an adopted position starts over with a look from there', async () => {
    const { actor, inspect, upload } = start();
    await inspect.last().done(behind);
    actor.send({ type: 'local.adopted', position: 3n });
    expect(upload.last().signal.aborted).toBe(true);
    expect(inspect.last().input).toEqual({ name: 'a', localPosition: 3n });
  });

  test('a resting replica is probed, and a probe that fails leads to a new look', async () => {
    const { clock, inspect, probe, reports } = start();
    await inspect.last().done({ verdict: 'same', highestTxid: 7n, uploadedThrough: 7n, coveredThrough: 7n });
    await pass(clock, 300_000);
    await probe.last().fail(failure);
    await pass(clock, 1_000);
    expect(inspect.calls).toHaveLength(2);
    expect(typesOf(reports)).toContain('replica.failed');
  });

  describe('stop', () => {
    const reach: Readonly<Record<string, (story: ReturnType<typeof start>) => Promise<void>>> = {
      connecting: async () => undefined,
      caughtUp: ({ inspect }) => inspect.last().done({ ...behind, uploadedThrough: 7n, coveredThrough: 7n }),
      probing: async ({ inspect, clock }) => {
        await inspect.last().done({ ...behind, uploadedThrough: 7n, coveredThrough: 7n });
        await pass(clock, 300_000);
      },
      syncing: ({ inspect }) => inspect.last().done(behind),
      resting: async ({ inspect, upload }) => {
        await inspect.last().done(behind);
        await upload.last().done(through(7n));
      },
      awaitingSnapshot: ({ inspect }) => inspect.last().done(foreign),
      backingOff: ({ inspect }) => inspect.last().fail(failure),
    };

    test.each(Object.entries(reach))('in %s leads to stopped while the replica is down', async (state, arrive) => {
      const story = start();
      await arrive(story);
      expect(story.actor.getSnapshot().matches(state as 'syncing')).toBe(true); // one of the names above
      story.actor.send({ type: 'replica.stop' });
      while (story.actor.getSnapshot().status === 'active') {
        await Promise.all([...story.inspect.calls, ...story.upload.calls].map((call) => call.fail(failure)));
        if (!story.clock.step()) break;
        await drainMicrotasks();
      }
      expect(story.actor.getSnapshot().value).toBe('stopped');
      expect(story.clock.nowMs()).toBeLessThanOrEqual(300_000 + 30_000);
      expect(typesOf(story.reports).at(-1)).toBe('replica.stopped');
    });

    test('with a limit of 0 means one attempt', async () => {
      const { actor, inspect, upload } = start({ shutdownSyncTimeoutMs: 0 });
      await inspect.last().done(behind);
      actor.send({ type: 'replica.stop' });
      await inspect.last().done(behind);
      await upload.last().fail(failure);
      expect(actor.getSnapshot().value).toBe('stopped');
    });

    test('uploads the rest batch by batch, trying again after failures', async () => {
      const { actor, clock, inspect, upload, reports } = start();
      await inspect.last().fail(failure);
      actor.send({ type: 'replica.stop' });
      await inspect.last().fail(failure);
      await pass(clock, 500);
      await inspect.last().done(behind);
      await upload.last().done(through(6n));
      expect(upload.last().input).toMatchObject({ after: 6n, through: 7n });
      await upload.last().done(through(7n));
      expect(reports.at(-1)).toEqual({ type: 'replica.stopped', name: 'a', through: 7n });
    });

    test('in a hurry gives up at once', async () => {
      const { actor, inspect, upload } = start();
      await inspect.last().done(behind);
      actor.send({ type: 'replica.stop' });
      await inspect.last().done(behind);
      actor.send({ type: 'replica.hurry' });
      expect(actor.getSnapshot().value).toBe('stopped');
      expect(upload.last().signal.aborted).toBe(true);
    });
  });
});
