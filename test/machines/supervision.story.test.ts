/** Supervisor, shards and hosts together: restarts, quarantine, refusal, drain and hurry. */
import { describe, expect, test } from 'vitest';
import { type ActorRefFrom, createActor, fromCallback } from 'xstate';
import { drainMicrotasks } from '#adapters/clock/simulated/simulated-clock';
import { hostMachine, RESTARTS_MAX } from '#machines/host/host.machine';
import type { HostEvent, HostInput, SystemCommand } from '#machines/host/host.types';
import { shardMachine } from '#machines/shard/shard.machine';
import { HOSTS_PER_SHARD_MAX } from '#machines/shard/shard.types';
import { supervisorMachine } from '#machines/supervisor/supervisor.machine';
import type { LoadOutput } from '#machines/supervisor/supervisor.types';
import { pass, playedEffect, storyClock } from './story.ts';
import { bug, failure } from './table.ts';

/** Databases that only take orders. */
const createDatabases = (onStart: (path: string) => void = () => undefined) => {
  const running = new Map<string, (event: HostEvent) => void>();
  const starts: string[] = [];
  const orders: string[] = [];
  const databaseSystem = fromCallback<SystemCommand, HostInput>(({ input: { path }, sendBack, receive }) => {
    starts.push(path);
    onStart(path);
    running.set(path, sendBack as (event: HostEvent) => void); // the host is the parent
    receive(({ type }) => orders.push(`${path} ${type}`));
    return () => running.delete(path);
  });
  return { running, starts, orders, databaseSystem };
};

const startDaemon = (onStart?: (path: string) => void) => {
  const { clock, options } = storyClock();
  const load = playedEffect<void, LoadOutput>('loadConfiguration');
  const open = playedEffect<void, void>('openServices');
  const close = playedEffect<void, void>('closeServices');
  const databases = createDatabases(onStart);
  const quarantined: string[] = [];
  const host = hostMachine.provide({
    actors: { databaseSystem: databases.databaseSystem },
    actions: { noteQuarantine: ({ context }) => void quarantined.push(context.path) },
  });
  const actor = createActor(
    supervisorMachine.provide({
      actors: {
        shard: shardMachine.provide({ actors: { host } }),
        loadConfiguration: load.logic,
        openServices: open.logic,
        closeServices: close.logic,
      },
    }),
    options,
  );
  actor.start();
  return { actor, clock, load, open, close, quarantined, ...databases };
};

const runWith = async (paths: readonly string[], onStart?: (path: string) => void) => {
  const daemon = startDaemon(onStart);
  await daemon.load.last().done({ paths });
  await daemon.open.last().done();
  return daemon;
};

describe('supervisor', () => {
  test('a refused configuration opens nothing', async () => {
    const { actor, load, open, close, starts } = startDaemon();
    await load.last().fail(failure);
    expect(actor.getSnapshot()).toMatchObject({
      value: 'rejected',
      output: { refusal: { code: 'STORAGE_UNAVAILABLE', message: 'the storage is down' } },
    });
    expect([open.calls.length, close.calls.length, starts.length]).toEqual([0, 0, 0]);
  });

  test('no database runs before the services do', async () => {
    const { load, open, starts } = startDaemon();
    await load.last().done({ paths: ['/a'] });
    expect(starts).toEqual([]);
    await open.last().done();
    expect(starts).toEqual(['/a']);
  });

  test('services that cannot be opened are closed again, and the reason is kept', async () => {
    const { actor, load, open, close, starts } = startDaemon();
    await load.last().done({ paths: ['/a'] });
    await open.last().fail(failure);
    await close.last().done();
    expect(actor.getSnapshot()).toMatchObject({
      value: 'stopped',
      output: { refusal: { code: 'STORAGE_UNAVAILABLE' } },
    });
    expect(starts).toEqual([]);
  });

  test('a stop while the configuration is read ends with everything closed', async () => {
    const { actor, load, close } = startDaemon();
    actor.send({ type: 'stop.requested' });
    expect(load.last().signal.aborted).toBe(true);
    await close.last().done();
    expect(actor.getSnapshot().value).toBe('stopped');
  });

  test('databases are spread over shards, each under one parent of bounded size', async () => {
    const paths = Array.from({ length: HOSTS_PER_SHARD_MAX + 1 }, (_, index) => `/data/${index}`);
    const { actor, starts } = await runWith(paths);
    expect(starts).toEqual(paths);
    const sizes = Object.values(actor.getSnapshot().children).map((child) => {
      const shard = child as ActorRefFrom<typeof shardMachine>; // it has no other children now
      return shard.getSnapshot().context.paths.length;
    });
    expect(sizes).toEqual([HOSTS_PER_SHARD_MAX, 1]);
  });

  test('a stop drains every database before the services close; the second stop hurries', async () => {
    const { actor, running, orders, close } = await runWith(['/a', '/b']);
    actor.send({ type: 'stop.requested' });
    expect(orders).toEqual(['/a database.stop', '/b database.stop']);
    running.get('/a')?.({ type: 'database.closed' });
    expect(close.calls).toEqual([]);
    actor.send({ type: 'stop.requested' });
    expect(orders.slice(2)).toEqual(['/b database.hurry']);
    running.get('/b')?.({ type: 'database.closed' });
    await close.last().done();
    expect(actor.getSnapshot().value).toBe('stopped');
    expect(running.size).toBe(0);
  });

  test('without databases a stop closes at once', async () => {
    const { actor, close } = await runWith([]);
    actor.send({ type: 'stop.requested' });
    await close.last().done();
    expect(actor.getSnapshot().value).toBe('stopped');
  });
});

describe('host', () => {
  const fail = async (daemon: Awaited<ReturnType<typeof runWith>>, path: string): Promise<void> => {
    daemon.running.get(path)?.({ type: 'database.failed', error: bug });
    await drainMicrotasks();
  };

  test('a failed database is started again after pauses that double, its neighbour runs on', async () => {
    const daemon = await runWith(['/a', '/b']);
    for (const pauseMs of [1_000, 2_000, 4_000]) {
      await fail(daemon, '/a');
      expect([...daemon.running.keys()]).toEqual(['/b']);
      await pass(daemon.clock, pauseMs - 1);
      expect(daemon.running.has('/a')).toBe(false);
      await pass(daemon.clock, 1);
      expect(daemon.running.has('/a')).toBe(true);
    }
    expect(daemon.starts.filter((path) => path === '/b')).toHaveLength(1);
  });

  const exhaust = async () => {
    const daemon = await runWith(['/a', '/b']);
    for (let restarts = 0; restarts <= RESTARTS_MAX; restarts += 1) {
      await fail(daemon, '/a');
      if (restarts < RESTARTS_MAX) await pass(daemon.clock, 60_000);
    }
    return daemon;
  };

  test('too many failures in the window end in quarantine, which takes no time and no restarts', async () => {
    const daemon = await exhaust();
    expect(daemon.quarantined).toEqual(['/a']);
    await pass(daemon.clock, 3_600_000);
    expect(daemon.starts.filter((path) => path === '/a')).toHaveLength(RESTARTS_MAX + 1);
    expect(daemon.running.has('/b')).toBe(true);
  });

  test('a quarantined database stops with the others', async () => {
    const daemon = await exhaust();
    daemon.actor.send({ type: 'stop.requested' });
    daemon.running.get('/b')?.({ type: 'database.closed' });
    await daemon.close.last().done();
    expect(daemon.actor.getSnapshot().value).toBe('stopped');
  });

  test('failures far apart are forgiven', async () => {
    const daemon = await runWith(['/a']);
    for (let failures = 0; failures < 3 * RESTARTS_MAX; failures += 1) {
      await fail(daemon, '/a');
      await pass(daemon.clock, 601_000);
    }
    expect(daemon.quarantined).toEqual([]);
  });

  test('a start that throws counts as a failure and harms no neighbour', async () => {
    let isBroken = true;
    const daemon = await runWith(['/a', '/b'], (path) => {
      if (path === '/a' && isBroken) throw bug;
    });
    expect([...daemon.running.keys()]).toEqual(['/b']);
    isBroken = false;
    await pass(daemon.clock, 1_000);
    expect([...daemon.running.keys()]).toEqual(['/b', '/a']);
  });

  test('resume starts a quarantined database with a clean record', () => {
    const { options } = storyClock();
    const { running, databaseSystem } = createDatabases();
    const machine = hostMachine.provide({ actors: { databaseSystem } });
    const actor = createActor(machine, {
      ...options,
      input: { path: '/a' },
      snapshot: machine.getPersistedSnapshot(
        machine.resolveState({ value: 'quarantined', context: { path: '/a', restartCount: 6, lastError: undefined } }),
      ),
    });
    actor.start();
    actor.send({ type: 'resume.requested' });
    expect([...running.keys()]).toEqual(['/a']);
    expect(actor.getSnapshot().context.restartCount).toBe(0);
  });
});

describe('shard', () => {
  const start = (paths: readonly string[]) => {
    const { options } = storyClock();
    const databases = createDatabases();
    const host = hostMachine.provide({ actors: { databaseSystem: databases.databaseSystem } });
    const shard = createActor(
      shardMachine.provide({
        actors: { host },
        actions: { reportHostEnded: () => undefined, reportStopped: () => undefined },
      }),
      { ...options, input: { paths } },
    );
    shard.start();
    return { shard, ...databases };
  };

  test('a database that is added twice runs once; one that was removed may come back', () => {
    const { shard, starts, running } = start(['/a']);
    shard.send({ type: 'hosts.added', paths: ['/a', '/b'] });
    expect(starts).toEqual(['/a', '/b']);
    shard.send({ type: 'hosts.removed', paths: ['/a', '/unknown'] });
    running.get('/a')?.({ type: 'database.closed' });
    expect(shard.getSnapshot().context.paths).toEqual(['/b']);
    shard.send({ type: 'hosts.added', paths: ['/a'] });
    expect(starts).toEqual(['/a', '/b', '/a']);
  });
});
