/**
 * Keeps a bounded number of hosts under one parent, because starting and stopping are quadratic in one actor system.
 *
 *   running --shard.stop--> draining --every host stopped--> stopped
 *
 * Invariant: a host's name is used once at a time; a stopped host is removed before its name is used again.
 */
import { assertEvent, assign, enqueueActions, sendParent, setup, stopChild } from 'xstate';
import { hostMachine } from '../host/host.machine.ts';
import type { ShardContext, ShardEvent, ShardInput, ShardReport } from './shard.types.ts';

const hostActorId = (path: string): string => `host:${path}`;

export const shardMachine = setup({
  types: {} as { context: ShardContext; events: ShardEvent; input: ShardInput; children: Record<string, 'host'> },
  actors: { host: hostMachine },
  actions: {
    // One assign spawns the whole batch: each spawnChild would copy the children map.
    spawnHosts: assign(({ context, spawn }) => {
      for (const path of context.paths) spawn('host', { id: hostActorId(path), input: { path } });
      return {};
    }),
    addHosts: assign(({ context, event, spawn }) => {
      assertEvent(event, 'hosts.added');
      const known = new Set(context.paths);
      const added = event.paths.filter((path) => !known.has(path));
      for (const path of added) spawn('host', { id: hostActorId(path), input: { path } });
      return { paths: [...context.paths, ...added] };
    }),
    removeHosts: enqueueActions(({ context, event, enqueue }) => {
      assertEvent(event, 'hosts.removed');
      const known = new Set(context.paths);
      for (const path of event.paths) {
        if (known.has(path)) enqueue.sendTo(hostActorId(path), { type: 'host.stop' });
      }
    }),
    forgetHost: assign(({ context, event }) => {
      assertEvent(event, 'host.stopped');
      return { paths: context.paths.filter((path) => path !== event.path) };
    }),
    releaseHost: stopChild(({ event }) => {
      assertEvent(event, 'host.stopped');
      return hostActorId(event.path);
    }),
    stopHosts: enqueueActions(({ context, enqueue }) => {
      for (const path of context.paths) enqueue.sendTo(hostActorId(path), { type: 'host.stop' });
    }),
    hurryHosts: enqueueActions(({ context, enqueue }) => {
      for (const path of context.paths) enqueue.sendTo(hostActorId(path), { type: 'host.hurry' });
    }),
    reportHostEnded: sendParent(({ event, self }): ShardReport => {
      assertEvent(event, 'host.stopped');
      return { type: 'host.ended', shard: self.id, path: event.path };
    }),
    reportStopped: sendParent(({ self }): ShardReport => ({ type: 'shard.stopped', shard: self.id })),
  },
  guards: { isEmpty: ({ context }) => context.paths.length === 0 },
}).createMachine({
  id: 'shard',
  context: ({ input }) => ({ paths: input.paths }),
  entry: 'spawnHosts',
  initial: 'running',
  on: { 'host.stopped': { actions: ['forgetHost', 'releaseHost', 'reportHostEnded'] } },
  states: {
    running: {
      on: {
        'hosts.added': { actions: 'addHosts' },
        'hosts.removed': { actions: 'removeHosts' },
        'shard.stop': 'draining',
      },
    },
    draining: {
      entry: 'stopHosts',
      on: { 'shard.hurry': { actions: 'hurryHosts' } },
      always: { guard: 'isEmpty', target: 'stopped' },
    },
    stopped: { type: 'final', entry: 'reportStopped' },
  },
});
