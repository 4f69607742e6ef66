/**
 * Keeps one destination equal to the local chain of level-0 files.
 *
 *   caughtUp --after probeInterval--> probing --newest file is there--> caughtUp
 *
 *   connecting --ours--> caughtUp --isBehind--> syncing --done--> resting --after syncInterval--> caughtUp
 *     |   ^                                        |
 *     |   |after retryDelay                        | error          (every error leads to a new look at the replica)
 *     |   +-------------- backingOff <-------------+
 *     |
 *     +--foreign, ahead, unreachable--> awaitingSnapshot --a full copy above it--> syncing
 *
 *   replica.stop, in any state: finishing.uploading <--> finishing.waiting --> stopped
 *
 * Invariant R1: uploadedThrough never passes committedThrough, and goes back only after a look at the replica.
 * Invariant R3: nothing another replica does is visible here.
 * An error that is no ReplicationError is a bug: no transition, the actor fails and its database with it.
 */

import { assertEvent, assign, sendParent, setup } from 'xstate';
import { laterTxid } from '#domain/txid';
import { isReplicationError } from '#errors/replication-error';
import { failureOf } from '../failure.ts';
import { unprovided } from '../unprovided.ts';
import type {
  InspectInput,
  InspectOutput,
  ProbeInput,
  ReplicaContext,
  ReplicaEvent,
  ReplicaInput,
  ReplicaReport,
  UploadInput,
  UploadOutput,
} from './replica.types.ts';

/** A single last attempt gets this long. */
const SINGLE_ATTEMPT_MS_MAX = 30_000;
/** A resting replica is asked for its newest file this often (D-14). */
const PROBE_INTERVAL_MS = 300_000;

export const replicaMachine = setup({
  types: {} as { context: ReplicaContext; events: ReplicaEvent; input: ReplicaInput },
  actors: {
    inspectReplica: unprovided<InspectOutput, InspectInput>('inspectReplica'),
    uploadPending: unprovided<UploadOutput, UploadInput>('uploadPending'),
    probeReplica: unprovided<void, ProbeInput>('probeReplica'),
  },
  actions: {
    recordCommit: assign(({ context, event }) => {
      assertEvent(event, 'ltx.committed');
      return {
        committedThrough: laterTxid(event.through, context.committedThrough),
        newestFullCopy: laterTxid(event.snapshotTxid ?? 0n, context.newestFullCopy),
      };
    }),
    recordAdoption: assign(({ event }) => {
      assertEvent(event, 'local.adopted');
      return { committedThrough: event.position, newestFullCopy: 0n };
    }),
    recordInspection: assign((_, { highestTxid, uploadedThrough, coveredThrough }: InspectOutput) => ({
      highestTxid,
      uploadedThrough,
      coveredThrough,
      failureCount: 0,
      lastError: undefined,
    })),
    recordUpload: assign((_, { uploadedThrough, coveredThrough }: UploadOutput) => ({
      uploadedThrough,
      coveredThrough,
      failureCount: 0,
      lastError: undefined,
    })),
    recordFailure: assign(({ context }, { error }: { error: unknown }) => ({
      failureCount: context.failureCount + 1,
      lastError: failureOf(error),
    })),
    // What lies between the replica's end and the full copy continues a history that is not there: it is never sent.
    bridgeToSnapshot: assign(({ context }) => ({ uploadedThrough: context.newestFullCopy - 1n })),
    forgetFullCopy: assign({ newestFullCopy: 0n }),
    reportInspection: sendParent(
      ({ context }, { verdict, highestTxid }: InspectOutput): ReplicaReport => ({
        type: 'replica.inspected',
        name: context.name,
        verdict,
        highestTxid,
      }),
    ),
    reportProgress: sendParent(
      ({ context }): ReplicaReport => ({
        type: 'replica.advanced',
        name: context.name,
        through: context.uploadedThrough,
      }),
    ),
    reportFailure: sendParent(
      ({ context }): ReplicaReport => ({
        type: 'replica.failed',
        name: context.name,
        code: context.lastError?.code ?? 'INTERNAL',
      }),
    ),
    reportStopped: sendParent(
      ({ context }): ReplicaReport => ({
        type: 'replica.stopped',
        name: context.name,
        through: context.uploadedThrough,
      }),
    ),
    askForSnapshot: sendParent(
      ({ context }): ReplicaReport => ({
        type: 'replica.needsSnapshot',
        name: context.name,
        after: laterTxid(context.highestTxid, context.committedThrough),
      }),
    ),
  },
  guards: {
    hasUploaded: ({ context }) => context.uploadedThrough > 0n,
    isBehind: ({ context }) => context.uploadedThrough < context.committedThrough,
    isWorldsFault: (_, { error }: { error: unknown }) => isReplicationError(error),
    isOurHistory: (_, { verdict }: InspectOutput) => verdict === 'same' || verdict === 'behind' || verdict === 'empty',
    isSnapshotNeeded: (_, { needsSnapshot }: UploadOutput) => needsSnapshot,
    isLevelWithDatabase: ({ context }) => context.uploadedThrough >= context.committedThrough,
    canRetryAtShutdown: ({ context }, { error }: { error: unknown }) =>
      isReplicationError(error) && context.shutdownSyncTimeoutMs > 0,
    // A full copy of before an outage serves as well: each failed upload would otherwise cost another one.
    hasBridge: ({ context }) => context.newestFullCopy > context.highestTxid,
  },
  delays: {
    retryDelay: ({ context }) =>
      Math.min(300_000, Math.max(1, context.syncIntervalMs) * 2 ** Math.min(20, context.failureCount - 1)),
    probeInterval: () => PROBE_INTERVAL_MS,
    syncInterval: ({ context }) => context.syncIntervalMs,
    shutdownSyncInterval: ({ context }) => context.shutdownSyncIntervalMs,
    // A limit of 0 means a single attempt; that attempt still may not hang the shutdown.
    shutdownSyncLimit: ({ context }) => context.shutdownSyncTimeoutMs || SINGLE_ATTEMPT_MS_MAX,
  },
}).createMachine({
  id: 'replica',
  context: ({ input }) => ({
    ...input,
    committedThrough: input.localPosition,
    uploadedThrough: 0n,
    coveredThrough: 0n,
    highestTxid: 0n,
    newestFullCopy: 0n,
    failureCount: 0,
    lastError: undefined,
  }),
  initial: 'connecting',
  on: {
    'ltx.committed': { actions: 'recordCommit' },
    'local.adopted': { target: '.connecting', actions: 'recordAdoption' },
    'replica.stop': '.finishing',
  },
  states: {
    connecting: {
      invoke: {
        src: 'inspectReplica',
        input: ({ context }) => ({ name: context.name, localPosition: context.committedThrough }),
        onDone: [
          {
            guard: { type: 'isOurHistory', params: ({ event }) => event.output },
            target: 'caughtUp',
            actions: [
              { type: 'recordInspection', params: ({ event }) => event.output },
              { type: 'reportInspection', params: ({ event }) => event.output },
              'reportProgress',
            ],
          },
          {
            target: 'awaitingSnapshot',
            actions: [
              { type: 'recordInspection', params: ({ event }) => event.output },
              { type: 'reportInspection', params: ({ event }) => event.output },
            ],
          },
        ],
        onError: {
          guard: { type: 'isWorldsFault', params: ({ event }) => ({ error: event.error }) },
          target: 'backingOff',
          actions: [{ type: 'recordFailure', params: ({ event }) => ({ error: event.error }) }, 'reportFailure'],
        },
      },
    },
    caughtUp: {
      on: { 'replica.stop': 'finishing.uploading' },
      always: { guard: 'isBehind', target: 'syncing' },
      after: { probeInterval: { guard: 'hasUploaded', target: 'probing' } },
    },
    probing: {
      on: { 'replica.stop': 'finishing.uploading' },
      invoke: {
        src: 'probeReplica',
        input: ({ context }) => ({ name: context.name }),
        onDone: 'caughtUp',
        onError: {
          guard: { type: 'isWorldsFault', params: ({ event }) => ({ error: event.error }) },
          target: 'backingOff',
          actions: [{ type: 'recordFailure', params: ({ event }) => ({ error: event.error }) }, 'reportFailure'],
        },
      },
    },
    syncing: {
      invoke: {
        src: 'uploadPending',
        input: ({ context }) => ({
          name: context.name,
          after: context.uploadedThrough,
          through: context.committedThrough,
          coveredThrough: context.coveredThrough,
        }),
        onDone: [
          {
            guard: { type: 'isSnapshotNeeded', params: ({ event }) => event.output },
            target: 'awaitingSnapshot',
            actions: [
              { type: 'recordUpload', params: ({ event }) => event.output },
              // No local full copy lies above: what was announced once is gone, or was sent already.
              'forgetFullCopy',
              'reportProgress',
            ],
          },
          {
            target: 'resting',
            actions: [{ type: 'recordUpload', params: ({ event }) => event.output }, 'reportProgress'],
          },
        ],
        onError: {
          guard: { type: 'isWorldsFault', params: ({ event }) => ({ error: event.error }) },
          target: 'backingOff',
          actions: [{ type: 'recordFailure', params: ({ event }) => ({ error: event.error }) }, 'reportFailure'],
        },
      },
    },
    resting: {
      on: { 'sync.requested': 'caughtUp', 'replica.stop': 'finishing.uploading' },
      after: { syncInterval: 'caughtUp' },
    },
    awaitingSnapshot: {
      initial: 'looking',
      states: {
        looking: {
          always: [
            { guard: 'hasBridge', target: '#replica.syncing', actions: 'bridgeToSnapshot' },
            { target: 'waiting' },
          ],
        },
        waiting: {
          entry: 'askForSnapshot',
          always: { guard: 'hasBridge', target: '#replica.syncing', actions: 'bridgeToSnapshot' },
        },
      },
    },
    backingOff: {
      on: { 'retry.requested': 'connecting' },
      after: { retryDelay: 'connecting' },
    },
    finishing: {
      on: { 'replica.hurry': 'stopped', 'replica.stop': {}, 'local.adopted': {} },
      after: { shutdownSyncLimit: 'stopped' },
      initial: 'inspecting',
      states: {
        inspecting: {
          invoke: {
            src: 'inspectReplica',
            input: ({ context }) => ({ name: context.name, localPosition: context.committedThrough }),
            onDone: [
              {
                guard: { type: 'isOurHistory', params: ({ event }) => event.output },
                target: 'uploading',
                actions: { type: 'recordInspection', params: ({ event }) => event.output },
              },
              { target: '#replica.stopped' },
            ],
            onError: [
              {
                guard: { type: 'canRetryAtShutdown', params: ({ event }) => ({ error: event.error }) },
                target: 'waiting',
                actions: { type: 'recordFailure', params: ({ event }) => ({ error: event.error }) },
              },
              {
                guard: { type: 'isWorldsFault', params: ({ event }) => ({ error: event.error }) },
                target: '#replica.stopped',
                actions: { type: 'recordFailure', params: ({ event }) => ({ error: event.error }) },
              },
            ],
          },
        },
        uploading: {
          always: { guard: 'isLevelWithDatabase', target: '#replica.stopped' },
          invoke: {
            src: 'uploadPending',
            input: ({ context }) => ({
              name: context.name,
              after: context.uploadedThrough,
              through: context.committedThrough,
              coveredThrough: context.coveredThrough,
            }),
            onDone: [
              {
                guard: { type: 'isSnapshotNeeded', params: ({ event }) => event.output },
                target: '#replica.stopped',
                actions: { type: 'recordUpload', params: ({ event }) => event.output },
              },
              {
                target: 'uploading',
                reenter: true,
                actions: { type: 'recordUpload', params: ({ event }) => event.output },
              },
            ],
            onError: [
              {
                guard: { type: 'canRetryAtShutdown', params: ({ event }) => ({ error: event.error }) },
                target: 'waiting',
                actions: { type: 'recordFailure', params: ({ event }) => ({ error: event.error }) },
              },
              {
                guard: { type: 'isWorldsFault', params: ({ event }) => ({ error: event.error }) },
                target: '#replica.stopped',
                actions: { type: 'recordFailure', params: ({ event }) => ({ error: event.error }) },
              },
            ],
          },
        },
        waiting: { after: { shutdownSyncInterval: 'inspecting' } },
      },
    },
    stopped: { type: 'final', entry: 'reportStopped' },
  },
});
