import { expect, it } from 'vitest';
import { createSimulatedClock, drainMicrotasks } from '#adapters/clock/simulated/simulated-clock';
import type { Log } from '#ports/log';
import { createPoller } from '#runtime/poller';

const silent: Log = { write: () => undefined, with: () => silent };

/** A poller over one database; `publish` makes what was written visible to looks. */
const world = () => {
  const clock = createSimulatedClock();
  let onChange: (name: string | undefined) => void = () => undefined;
  let isPublished = false;
  const grew: number[] = [];
  let looks = 0;
  const poller = createPoller({
    clock,
    log: silent,
    watcher: {
      watchDirectory: (_path, change) => {
        onChange = change;
        return { close: () => undefined };
      },
    },
  });
  poller.add({
    path: '/data/app.db',
    intervalMs: 1_000,
    readiness: () => 'yes',
    look: async () => {
      looks += 1;
      return { hasChanged: isPublished, walBytes: 4_152 };
    },
    onGrew: () => {
      grew.push(clock.nowMs());
      isPublished = false;
    },
    onAppeared: () => undefined,
  });
  return {
    clock,
    grew,
    looks: () => looks,
    notice: () => onChange('app.db-wal'),
    publish: () => {
      isPublished = true;
    },
  };
};

it('a commit that is published only after its notice was looked at is seen within milliseconds', async () => {
  const { clock, grew, notice, publish } = world();
  notice();
  await drainMicrotasks();
  expect(grew).toEqual([]);
  publish();
  const publishedAtMs = clock.nowMs();
  while (grew.length === 0 && clock.step()) await drainMicrotasks();
  expect(grew[0]).toBeLessThanOrEqual(publishedAtMs + 2);
});

it('a notice without news ends in a bounded number of looks', async () => {
  const { clock, notice, looks } = world();
  notice();
  await drainMicrotasks();
  while ((clock.nextDueMs() ?? Number.POSITIVE_INFINITY) < 9_000 && clock.step()) await drainMicrotasks();
  expect(looks()).toBe(8);
});
