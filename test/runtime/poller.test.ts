/** Notices become looks, and looks that saw something become news. */
import { describe, expect, test } from 'vitest';
import { createSimulatedClock, drainMicrotasks } from '#adapters/clock/simulated/simulated-clock';
import type { Log } from '#ports/log';
import type { LookOutcome } from '#ports/source';
import type { Watcher } from '#ports/watcher';
import { createPoller } from '#runtime/poller';
import { pass } from '../machines/story.ts';

const start = ({ canWatch = true } = {}) => {
  const clock = createSimulatedClock();
  const watches = new Map<string, { change(name: string | undefined): void; fail(): void }>();
  const watcher: Watcher = {
    watchDirectory: (path, change, fail) => {
      if (!canWatch) throw new Error('no watches left');
      watches.set(path, { change, fail: () => fail(new Error('gone')) });
      return { close: () => void watches.delete(path) };
    },
  };
  const lines: string[] = [];
  const log: Log = { write: (level, message) => void lines.push(`${level} ${message}`), with: () => log };
  const poller = createPoller({ watcher, clock, log });
  const add = (path: string) => {
    const database = {
      readiness: 'yes' as 'no' | 'yes' | 'waiting',
      outcome: { hasChanged: true, walBytes: 4_120 } as LookOutcome | Error,
      looks: 0,
      news: [] as (number | 'appeared')[],
    };
    const remove = poller.add({
      path,
      intervalMs: 1_000,
      readiness: () => database.readiness,
      look: async () => {
        database.looks += 1;
        if (database.outcome instanceof Error) throw database.outcome;
        return database.outcome;
      },
      onGrew: (walBytes) => database.news.push(walBytes),
      onAppeared: () => database.news.push('appeared'),
    });
    return { database, remove };
  };
  const change = async (name: string | undefined, directory = '/data'): Promise<void> => {
    watches.get(directory)?.change(name);
    await drainMicrotasks();
  };
  return { clock, watches, lines, poller, add, change };
};

describe('poller', () => {
  test('a notice leads to a look, and a look that saw a change to news', async () => {
    const { add, change } = start();
    const { database } = add('/data/a.db');
    await change('a.db-wal');
    expect(database).toMatchObject({ looks: 1, news: [4_120] });
  });

  test('a notice without a change is no news, and other names are none of our business', async () => {
    const { add, change } = start();
    const { database } = add('/data/a.db');
    database.outcome = { hasChanged: false, walBytes: 0 };
    await change('a.db-wal');
    await change('b.db-wal');
    await change('a.db-shm');
    expect(database).toMatchObject({ looks: 1, news: [] });
  });

  test('a change of the database file itself is looked at: it may have been replaced', async () => {
    const { add, change } = start();
    const { database } = add('/data/a.db');
    await change('a.db');
    expect(database).toMatchObject({ looks: 1, news: [4_120] });
  });

  test('notices while a database works are one look once it rests', async () => {
    const { add, change, poller } = start();
    const { database } = add('/data/a.db');
    database.readiness = 'no';
    for (let n = 0; n < 5; n += 1) await change('a.db-wal');
    expect(database.looks).toBe(0);
    database.readiness = 'yes';
    poller.resume('/data/a.db');
    await drainMicrotasks();
    expect(database).toMatchObject({ looks: 1, news: [4_120] });
    poller.resume('/data/a.db');
    await drainMicrotasks();
    expect(database.looks).toBe(1);
  });

  test('a database that keeps changing is looked at every 5 ms at most', async () => {
    const { add, change, clock } = start();
    const { database } = add('/data/a.db');
    for (let ms = 0; ms < 20; ms += 1) {
      await change('a.db-wal');
      await pass(clock, 1);
    }
    expect(database.looks).toBe(5);
  });

  test('lost notices cost ten seconds at most', async () => {
    const { add, clock } = start();
    const { database } = add('/data/a.db');
    await pass(clock, 9_999);
    expect(database.looks).toBe(0);
    await pass(clock, 1);
    expect(database.looks).toBe(1);
    await pass(clock, 10_000);
    expect(database.looks).toBe(2);
  });

  test('when the system lost notices every database of the directory is looked at', async () => {
    const { add, change } = start();
    const [a, b, other] = [add('/data/a.db'), add('/data/b.db'), add('/other/c.db')];
    await change(undefined);
    expect([a.database.looks, b.database.looks, other.database.looks]).toEqual([1, 1, 0]);
  });

  test('without a watch databases are polled at their interval, from the start or from its failure on', async () => {
    const blind = start({ canWatch: false });
    const { database } = blind.add('/data/a.db');
    await pass(blind.clock, 3_000);
    expect(database.looks).toBe(3);
    const broken = start();
    const later = broken.add('/data/a.db');
    broken.watches.get('/data')?.fail();
    await drainMicrotasks();
    await pass(broken.clock, 3_000);
    expect(later.database.looks).toBe(4);
    expect([blind.lines, broken.lines].flat()).toEqual(Array(2).fill('warn cannot watch directory, polling instead'));
  });

  test('a look that fails counts as a change', async () => {
    const { add, change } = start();
    const { database } = add('/data/a.db');
    database.outcome = new Error('unreadable');
    await change('a.db-wal');
    expect(database.news).toEqual([0]);
  });

  test('a database that is waited for appears by its own name', async () => {
    const { add, change } = start();
    const { database } = add('/data/a.db');
    database.readiness = 'waiting';
    await change('a.db');
    expect(database).toMatchObject({ looks: 0, news: ['appeared'] });
  });

  test('a directory is watched once, until its last database is gone', async () => {
    const { add, change, watches, clock } = start();
    const [a, b] = [add('/data/a.db'), add('/data/b.db')];
    expect([...watches.keys()]).toEqual(['/data']);
    a.remove();
    await change('a.db-wal');
    expect(a.database.looks).toBe(0);
    expect(watches.size).toBe(1);
    b.remove();
    expect(watches.size).toBe(0);
    expect(clock.pendingTimers()).toBe(0);
  });

  test('a closed poller leaves neither watches nor timers', () => {
    const { add, watches, clock, poller } = start();
    add('/data/a.db');
    poller.close();
    expect([watches.size, clock.pendingTimers()]).toEqual([0, 0]);
  });
});
