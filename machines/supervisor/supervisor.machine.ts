/**
 * Loads the configuration, keeps the daemon's parts alive and ends it well.
 *
 *   loading --accepted--> starting --> running --stop.requested--> draining --all ended, or deadline--> closing --> stopped
 *      | refused             |    (loading, stop.requested: closing)  +-- stop.requested again: hurry, no more retries
 *      v                     +--stop.requested--> closing
 *   rejected
 *
 * Invariant S1: before running no database is opened; in rejected none ever was. S3: a part that fails to open is reported by
 * its effect and does not end the others.
 */

import { assertEvent, assign, enqueueActions, setup } from 'xstate';
import { isReplicationError } from '#errors/replication-error';
import { failureOf } from '../failure.ts';
import { shardMachine } from '../shard/shard.machine.ts';
import { HOSTS_PER_SHARD_MAX } from '../shard/shard.types.ts';
import { unprovided } from '../unprovided.ts';
import type { LoadOutput, SupervisorContext, SupervisorEvent } from './supervisor.types.ts';

const shardId = (index: number): string => `shard:${index + 1}`;

/** The databases in groups of at most {@link HOSTS_PER_SHARD_MAX}. */
const inShards = (paths: readonly string[]): (readonly string[])[] => {
  const groups: (readonly string[])[] = [];
  for (let at = 0; at < paths.length; at += HOSTS_PER_SHARD_MAX) groups.push(paths.slice(at, at + HOSTS_PER_SHARD_MAX));
  return groups;
};

export const supervisorMachine = setup({
  types: {} as {
    context: SupervisorContext;
    events: SupervisorEvent;
    output: { readonly refusal: SupervisorContext['refusal'] };
    children: Record<string, 'shard'>;
  },
  actors: {
    shard: shardMachine,
    loadConfiguration: unprovided<LoadOutput, void>('loadConfiguration'),
    openServices: unprovided<void, void>('openServices'),
    closeServices: unprovided<void, void>('closeServices'),
  },
  actions: {
    recordConfiguration: assign((_, { paths }: LoadOutput) => ({ paths })),
    recordRefusal: assign((_, { error }: { error: unknown }) => ({ refusal: failureOf(error) })),
    startShards: assign(({ context, spawn }) => {
      const groups = inShards(context.paths);
      groups.forEach((paths, index) => {
        spawn('shard', { id: shardId(index), input: { paths } });
      });
      return { shards: groups.map((_, index) => shardId(index)) };
    }),
    stopShards: enqueueActions(({ context, enqueue }) => {
      for (const shard of context.shards) enqueue.sendTo(shard, { type: 'shard.stop' });
    }),
    hurryShards: enqueueActions(({ context, enqueue }) => {
      for (const shard of context.shards) enqueue.sendTo(shard, { type: 'shard.hurry' });
    }),
    forgetShard: assign(({ context, event }) => {
      assertEvent(event, 'shard.stopped');
      return { shards: context.shards.filter((shard) => shard !== event.shard) };
    }),
  },
  guards: {
    isWorldsFault: (_, { error }: { error: unknown }) => isReplicationError(error),
    isDrained: ({ context }) => context.shards.length === 0,
  },
}).createMachine({
  id: 'supervisor',
  context: () => ({ paths: [], shards: [], refusal: undefined }),
  output: ({ context }) => ({ refusal: context.refusal }),
  initial: 'loading',
  on: { 'shard.stopped': { actions: 'forgetShard' } },
  states: {
    loading: {
      on: { 'stop.requested': 'closing' },
      invoke: {
        src: 'loadConfiguration',
        onDone: {
          target: 'starting',
          actions: { type: 'recordConfiguration', params: ({ event }) => event.output },
        },
        onError: {
          guard: { type: 'isWorldsFault', params: ({ event }) => ({ error: event.error }) },
          target: 'rejected',
          actions: { type: 'recordRefusal', params: ({ event }) => ({ error: event.error }) },
        },
      },
    },
    starting: {
      on: { 'stop.requested': 'closing' },
      invoke: {
        src: 'openServices',
        onDone: 'running',
        onError: {
          guard: { type: 'isWorldsFault', params: ({ event }) => ({ error: event.error }) },
          target: 'closing',
          actions: { type: 'recordRefusal', params: ({ event }) => ({ error: event.error }) },
        },
      },
    },
    running: { entry: 'startShards', on: { 'stop.requested': 'draining' } },
    draining: {
      entry: 'stopShards',
      on: { 'stop.requested': { actions: 'hurryShards' } },
      always: { guard: 'isDrained', target: 'closing' },
    },
    closing: { invoke: { src: 'closeServices', onDone: 'stopped' } },
    rejected: { type: 'final' },
    stopped: { type: 'final' },
  },
});
