/**
 * Follows the WAL of one database.
 *
 *   waitingForFile <--absent-- opening --opened--> comparing --every replica was looked at--> tracking
 *        +------appeared-------^   ^                   +--a replica is ahead--> adopting -----^
 *                                  +--after retryDelay-- backingOff <--retryable error-- (opening, adopting, tracking)
 *
 *   tracking.wal: syncing --done--> resting --after monitorInterval--> idle     (with news while resting: syncing)
 *             idle --wal.grew--> syncing      idle --checkpoint owed, after checkpointAge--> checkpointing --> idle
 *             a replica needs a full copy --> requiringSnapshot --> syncing
 *   tracking.retention: kept --retention.due--> trimming --> kept
 *
 *   the source is lost while tracking: reopening --closed--> backingOff
 *   reset.requested: resetting --> opening
 *   database.stop, in any state: closing.source --> closing.replicas --> closed
 *
 * Invariants: D1 one job on the WAL at a time (the source itself takes one call after the other). D2 a checkpoint starts only after a pass that reached the end of the WAL.
 * D3 stop in any state leads to closed with everything given back. Errors that are not retryable have no transition: the
 * actor fails and the host decides.
 */

import { assertEvent, assign, enqueueActions, setup, stateIn } from 'xstate';
import { errorCodeOf, isReplicationError, isRetryableError } from '#errors/replication-error';
import { failureOf } from '../failure.ts';
import { replicaMachine } from '../replica/replica.machine.ts';
import { unprovided } from '../unprovided.ts';
import type {
  AdoptInput,
  AdoptOutput,
  CheckpointOutput,
  CloseInput,
  CloseOutput,
  DatabaseContext,
  DatabaseEvent,
  DatabaseInput,
  OpenOutput,
  RequireSnapshotInput,
  SyncOutput,
} from './database.types.ts';

/** Replicas get this long for their first look before the database goes on without them. */
const COMPARE_MS_MAX = 5_000;
const RETRY_MS_MAX = 300_000;
/** Frame header of the WAL, bytes. */
const FRAME_HEADER_BYTES = 24;
/** Codes after which connections, pin and lock must be taken anew. */
const REOPENING_CODES = new Set(['DATABASE_REPLACED', 'DATABASE_UNREADABLE', 'DATABASE_CORRUPT', 'ABORTED']);

/** Something was noticed while the pause between two passes lasts. */
const hasNews = stateIn({ tracking: { wal: { resting: 'changed' } } });
/** Somebody asked for a pass while one was under way. */
const isAskedAgain = stateIn({ tracking: { wal: { syncing: 'askedAgain' } } });
const replicaActorId = (name: string): string => `replica:${name}`;
/** A full copy above the need ends it. */
const isNeedMet = (needed: bigint | undefined, snapshotTxid: bigint | undefined): boolean =>
  needed !== undefined && snapshotTxid !== undefined && snapshotTxid > needed;
const later = (a: bigint | undefined, b: bigint): bigint => (a === undefined || b > a ? b : a);

export const databaseMachine = setup({
  types: {} as {
    context: DatabaseContext;
    events: DatabaseEvent;
    input: DatabaseInput;
    output: { readonly position: bigint };
    children: Record<string, 'replica'>;
  },
  actors: {
    replica: replicaMachine,
    openSource: unprovided<OpenOutput, void>('openSource'),
    syncWal: unprovided<SyncOutput, void>('syncWal'),
    checkpoint: unprovided<CheckpointOutput, void>('checkpoint'),
    trimLocal: unprovided<void, void>('trimLocal'),
    adoptLevelZero: unprovided<AdoptOutput, AdoptInput>('adoptLevelZero'),
    requireSnapshot: unprovided<void, RequireSnapshotInput>('requireSnapshot'),
    resetSource: unprovided<void, void>('resetSource'),
    closeSource: unprovided<CloseOutput, CloseInput>('closeSource'),
  },
  actions: {
    recordOpening: assign(({ context }, output: OpenOutput) =>
      output.kind === 'absent'
        ? {}
        : {
            position: output.position,
            pageSize: output.pageSize,
            walBytes: 0,
            // Replicas that already run were looked at, or look again since a reset: none is forgotten, none asked twice.
            uninspected:
              context.runningReplicas.length > 0
                ? context.uninspected
                : context.replicas.map((replica) => replica.name),
            // A source that was closed has forgotten what was asked of it.
            snapshotRequestedAfter: undefined,
          },
    ),
    recordSync: assign(({ context }, output: SyncOutput) => ({
      ...(isNeedMet(context.snapshotNeededAfter, output.snapshotTxid)
        ? { snapshotNeededAfter: undefined, snapshotRequestedAfter: undefined }
        : {}),
      position: output.position,
      walBytes: output.walBytes,
      isCheckpointOwed: output.isCheckpointOwed,
      failureCount: 0,
      lastError: undefined,
    })),
    recordClose: assign((_, output: CloseOutput) => ({ position: output.position })),
    recordCheckpoint: assign(({ context }, { hasRestarted }: CheckpointOutput) => ({
      isCheckpointOwed: context.isCheckpointOwed && !hasRestarted,
    })),
    recordFailure: assign(({ context }, { error }: { error: unknown }) => ({
      failureCount: context.failureCount + 1,
      lastError: failureOf(error),
    })),
    recordInspection: assign(({ context, event }) => {
      assertEvent(event, 'replica.inspected');
      const seen = context.highestOnReplica;
      return {
        uninspected: context.uninspected.filter((name) => name !== event.name),
        highestOnReplica:
          event.verdict === 'ahead' && (seen === undefined || event.highestTxid > seen.txid)
            ? { name: event.name, txid: event.highestTxid }
            : seen,
      };
    }),
    recordReplicaFailure: assign(({ context, event }) => {
      assertEvent(event, 'replica.failed');
      return { uninspected: context.uninspected.filter((name) => name !== event.name) };
    }),
    recordSnapshotNeed: assign(({ context, event }) => {
      assertEvent(event, 'replica.needsSnapshot');
      return { snapshotNeededAfter: later(context.snapshotNeededAfter, event.after) };
    }),
    needSnapshotAboveReplica: assign(({ context }) => ({
      snapshotNeededAfter: later(context.snapshotNeededAfter, context.highestOnReplica?.txid ?? 0n),
      highestOnReplica: undefined,
    })),
    recordAdoption: assign((_, { position }: AdoptOutput) => ({
      position,
      highestOnReplica: undefined,
      snapshotNeededAfter: undefined,
      snapshotRequestedAfter: undefined,
    })),
    recordReset: assign(({ context }) => ({
      position: 0n,
      uninspected: context.runningReplicas,
      highestOnReplica: undefined,
      snapshotNeededAfter: undefined,
      snapshotRequestedAfter: undefined,
    })),
    // The need itself ends with the pass that meets it: a higher one may arrive meanwhile, or the source may be lost.
    recordSnapshotRequest: assign(({ context }) => ({ snapshotRequestedAfter: context.snapshotNeededAfter })),
    forgetSnapshotRequest: assign({ snapshotRequestedAfter: undefined }),
    forgetReplica: assign(({ context, event }) => {
      assertEvent(event, 'replica.stopped');
      return { runningReplicas: context.runningReplicas.filter((name) => name !== event.name) };
    }),
    startReplicas: enqueueActions(({ context, enqueue }) => {
      if (context.runningReplicas.length > 0) return;
      for (const { name, syncIntervalMs } of context.replicas) {
        enqueue.spawnChild('replica', {
          id: replicaActorId(name),
          input: {
            name,
            syncIntervalMs,
            localPosition: context.position,
            shutdownSyncTimeoutMs: context.shutdownSyncTimeoutMs,
            shutdownSyncIntervalMs: context.shutdownSyncIntervalMs,
          },
        });
      }
      enqueue.assign({ runningReplicas: context.replicas.map((replica) => replica.name) });
    }),
    announce: enqueueActions(({ context, enqueue }, { snapshotTxid }: { snapshotTxid: bigint | undefined }) => {
      for (const name of context.runningReplicas) {
        enqueue.sendTo(replicaActorId(name), { type: 'ltx.committed', through: context.position, snapshotTxid });
      }
    }),
    announceAdoption: enqueueActions(({ context, enqueue }) => {
      for (const name of context.runningReplicas) {
        enqueue.sendTo(replicaActorId(name), { type: 'local.adopted', position: context.position });
      }
    }),
    askReplicasToSync: enqueueActions(({ context, enqueue }) => {
      for (const name of context.runningReplicas) enqueue.sendTo(replicaActorId(name), { type: 'sync.requested' });
    }),
    askReplicasToRetry: enqueueActions(({ context, enqueue }) => {
      for (const name of context.runningReplicas) enqueue.sendTo(replicaActorId(name), { type: 'retry.requested' });
    }),
    stopReplicas: enqueueActions(({ context, enqueue }) => {
      for (const name of context.runningReplicas) enqueue.sendTo(replicaActorId(name), { type: 'replica.stop' });
    }),
    hurryReplicas: enqueueActions(({ context, enqueue }) => {
      for (const name of context.runningReplicas) enqueue.sendTo(replicaActorId(name), { type: 'replica.hurry' });
    }),
  },
  guards: {
    isMoreWaiting: (_, output: SyncOutput) => output.isMoreWaiting,
    isAbsent: (_, output: OpenOutput) => output.kind === 'absent',
    isRetryable: (_, { error }: { error: unknown }) => isRetryableError(error),
    isWorldsFault: (_, { error }: { error: unknown }) => isReplicationError(error),
    isRecoverable: ({ context }, { error }: { error: unknown }) =>
      context.isAutoRecovering && errorCodeOf(error).startsWith('LTX_'),
    isSourceLost: (_, { error }: { error: unknown }) =>
      isRetryableError(error) && REOPENING_CODES.has(errorCodeOf(error)),
    isEveryReplicaInspected: ({ context }) => context.uninspected.length === 0,
    isReplicaAhead: ({ context }) =>
      context.uninspected.length === 0 &&
      context.highestOnReplica !== undefined &&
      context.highestOnReplica.txid > context.position,
    isSnapshotNeeded: ({ context: { snapshotNeededAfter, snapshotRequestedAfter } }) =>
      snapshotNeededAfter !== undefined &&
      (snapshotRequestedAfter === undefined || snapshotNeededAfter > snapshotRequestedAfter),
    isWalLong: ({ context, event }) => {
      assertEvent(event, 'wal.grew');
      return (
        event.walBytes - context.walBytes >= context.minCheckpointPageCount * (context.pageSize + FRAME_HEADER_BYTES) ||
        event.walBytes < context.walBytes
      );
    },
    isCheckpointOwed: ({ context }) => context.isCheckpointOwed && context.checkpointIntervalMs > 0,
    isUnsent: ({ context }, output: CloseOutput) => output.position > 0n && context.runningReplicas.length === 0,
    isEveryReplicaStopped: ({ context }) => context.runningReplicas.length === 0,
  },
  delays: {
    retryDelay: ({ context }) =>
      Math.min(RETRY_MS_MAX, Math.max(1, context.monitorIntervalMs) * 2 ** Math.min(20, context.failureCount - 1)),
    monitorInterval: ({ context }) => context.monitorIntervalMs,
    waitForFile: ({ context }) => Math.max(100, context.monitorIntervalMs),
    checkpointAge: ({ context }) => Math.max(1, context.checkpointIntervalMs),
    compareLimit: () => COMPARE_MS_MAX,
  },
}).createMachine({
  id: 'database',
  context: ({ input }) => ({
    ...input,
    position: 0n,
    pageSize: 0,
    walBytes: 0,
    uninspected: [],
    highestOnReplica: undefined,
    failureCount: 0,
    isCheckpointOwed: false,
    snapshotNeededAfter: undefined,
    snapshotRequestedAfter: undefined,
    lastError: undefined,
    runningReplicas: [],
  }),
  output: ({ context }) => ({ position: context.position }),
  initial: 'opening',
  on: {
    'replica.inspected': { actions: 'recordInspection' },
    'replica.failed': { actions: 'recordReplicaFailure' },
    'replica.needsSnapshot': { actions: 'recordSnapshotNeed' },
    'replica.stopped': { actions: 'forgetReplica' },
    'retry.requested': { actions: 'askReplicasToRetry' },
    'reset.requested': '.resetting',
    'database.stop': '.closing',
  },
  states: {
    opening: {
      invoke: {
        src: 'openSource',
        onDone: [
          {
            guard: { type: 'isAbsent', params: ({ event }) => event.output },
            target: 'waitingForFile',
          },
          {
            target: 'comparing',
            actions: [{ type: 'recordOpening', params: ({ event }) => event.output }, 'startReplicas'],
          },
        ],
        onError: [
          {
            guard: { type: 'isRecoverable', params: ({ event }) => ({ error: event.error }) },
            target: 'resetting',
            actions: { type: 'recordFailure', params: ({ event }) => ({ error: event.error }) },
          },
          {
            guard: { type: 'isRetryable', params: ({ event }) => ({ error: event.error }) },
            target: 'backingOff',
            actions: { type: 'recordFailure', params: ({ event }) => ({ error: event.error }) },
          },
        ],
      },
    },
    waitingForFile: {
      on: { 'file.appeared': 'opening', 'sync.requested': 'opening', 'reset.requested': {} },
      after: { waitForFile: 'opening' },
    },
    comparing: {
      always: [
        { guard: 'isReplicaAhead', target: 'adopting' },
        { guard: 'isEveryReplicaInspected', target: 'tracking' },
      ],
      after: { compareLimit: 'tracking' },
    },
    adopting: {
      invoke: {
        src: 'adoptLevelZero',
        input: ({ context }) => ({
          name: context.highestOnReplica?.name ?? '',
          txid: context.highestOnReplica?.txid ?? 0n,
        }),
        onDone: {
          target: 'tracking',
          actions: [{ type: 'recordAdoption', params: ({ event }) => event.output }, 'announceAdoption'],
        },
        // The newest level-0 file cannot be had, now or ever: a full copy above everything on the replica needs no proof.
        onError: {
          guard: { type: 'isWorldsFault', params: ({ event }) => ({ error: event.error }) },
          target: 'tracking',
          actions: [
            { type: 'recordFailure', params: ({ event }) => ({ error: event.error }) },
            'needSnapshotAboveReplica',
          ],
        },
      },
    },
    tracking: {
      type: 'parallel',
      states: {
        wal: {
          initial: 'syncing',
          states: {
            idle: {
              always: { guard: 'isSnapshotNeeded', target: 'requiringSnapshot' },
              on: {
                'wal.grew': 'syncing',
                'sync.requested': { target: 'syncing', actions: 'askReplicasToSync' },
              },
              after: { checkpointAge: { guard: 'isCheckpointOwed', target: 'checkpointing' } },
            },
            syncing: {
              initial: 'unasked',
              // The pass under way may have read the end already: whoever asks now gets another one.
              states: {
                unasked: { on: { 'sync.requested': { target: 'askedAgain', actions: 'askReplicasToSync' } } },
                askedAgain: {},
              },
              invoke: {
                src: 'syncWal',
                onDone: [
                  {
                    guard: { type: 'isMoreWaiting', params: ({ event }) => event.output },
                    target: 'syncing',
                    reenter: true,
                    actions: [
                      { type: 'recordSync', params: ({ event }) => event.output },
                      { type: 'announce', params: ({ event }) => ({ snapshotTxid: event.output.snapshotTxid }) },
                    ],
                  },
                  {
                    guard: isAskedAgain,
                    target: 'syncing',
                    reenter: true,
                    actions: [
                      { type: 'recordSync', params: ({ event }) => event.output },
                      { type: 'announce', params: ({ event }) => ({ snapshotTxid: event.output.snapshotTxid }) },
                    ],
                  },
                  {
                    target: 'resting',
                    actions: [
                      { type: 'recordSync', params: ({ event }) => event.output },
                      { type: 'announce', params: ({ event }) => ({ snapshotTxid: event.output.snapshotTxid }) },
                    ],
                  },
                ],
                onError: [
                  {
                    guard: { type: 'isRecoverable', params: ({ event }) => ({ error: event.error }) },
                    target: '#database.resetting',
                    actions: { type: 'recordFailure', params: ({ event }) => ({ error: event.error }) },
                  },
                  {
                    guard: { type: 'isSourceLost', params: ({ event }) => ({ error: event.error }) },
                    target: '#database.reopening',
                    actions: { type: 'recordFailure', params: ({ event }) => ({ error: event.error }) },
                  },
                  {
                    guard: { type: 'isRetryable', params: ({ event }) => ({ error: event.error }) },
                    target: 'backingOff',
                    actions: { type: 'recordFailure', params: ({ event }) => ({ error: event.error }) },
                  },
                ],
              },
            },
            resting: {
              initial: 'calm',
              always: { guard: 'isSnapshotNeeded', target: 'requiringSnapshot' },
              on: { 'sync.requested': { target: 'syncing', actions: 'askReplicasToSync' } },
              states: {
                calm: {
                  on: {
                    'wal.grew': [
                      { guard: 'isWalLong', target: '#database.tracking.wal.syncing' },
                      { target: 'changed' },
                    ],
                  },
                },
                changed: {
                  on: { 'wal.grew': { guard: 'isWalLong', target: '#database.tracking.wal.syncing' } },
                },
              },
              after: { monitorInterval: [{ guard: hasNews, target: 'syncing' }, { target: 'idle' }] },
            },
            requiringSnapshot: {
              entry: 'recordSnapshotRequest',
              invoke: {
                src: 'requireSnapshot',
                input: ({ context }) => ({ after: context.snapshotNeededAfter ?? 0n }),
                onDone: 'syncing',
                onError: {
                  guard: { type: 'isRetryable', params: ({ event }) => ({ error: event.error }) },
                  target: 'backingOff',
                  actions: [
                    { type: 'recordFailure', params: ({ event }) => ({ error: event.error }) },
                    'forgetSnapshotRequest',
                  ],
                },
              },
            },
            checkpointing: {
              on: { 'sync.requested': { target: 'syncing', actions: 'askReplicasToSync' } },
              invoke: {
                src: 'checkpoint',
                onDone: { target: 'idle', actions: { type: 'recordCheckpoint', params: ({ event }) => event.output } },
                onError: {
                  guard: { type: 'isRetryable', params: ({ event }) => ({ error: event.error }) },
                  target: 'backingOff',
                  actions: { type: 'recordFailure', params: ({ event }) => ({ error: event.error }) },
                },
              },
            },
            backingOff: {
              on: { 'retry.requested': { target: 'syncing', actions: 'askReplicasToRetry' } },
              after: { retryDelay: 'syncing' },
            },
          },
        },
        // A region of its own: trimming must neither put off a pass nor start the age of a checkpoint anew.
        retention: {
          initial: 'kept',
          states: {
            kept: { on: { 'retention.due': 'trimming' } },
            trimming: {
              invoke: {
                src: 'trimLocal',
                onDone: 'kept',
                // It stays due: the next round tries again.
                onError: {
                  guard: { type: 'isRetryable', params: ({ event }) => ({ error: event.error }) },
                  target: 'kept',
                },
              },
            },
          },
        },
      },
    },
    resetting: {
      invoke: {
        src: 'resetSource',
        onDone: { target: 'opening', actions: ['recordReset', 'announceAdoption'] },
        onError: {
          guard: { type: 'isRetryable', params: ({ event }) => ({ error: event.error }) },
          target: 'backingOff',
          actions: { type: 'recordFailure', params: ({ event }) => ({ error: event.error }) },
        },
      },
    },
    reopening: {
      invoke: {
        src: 'closeSource',
        input: { finalPass: false },
        onDone: 'backingOff',
        onError: {
          guard: { type: 'isRetryable', params: ({ event }) => ({ error: event.error }) },
          target: 'backingOff',
        },
      },
    },
    backingOff: {
      on: { 'retry.requested': { target: 'opening', actions: 'askReplicasToRetry' } },
      after: { retryDelay: 'opening' },
    },
    closing: {
      initial: 'source',
      on: { 'database.stop': {}, 'reset.requested': {}, 'database.hurry': { actions: 'hurryReplicas' } },
      states: {
        source: {
          invoke: {
            src: 'closeSource',
            input: { finalPass: true },
            onDone: [
              // Stopped while it was being opened: what the last pass wrote has nobody yet who would send it.
              {
                guard: { type: 'isUnsent', params: ({ event }) => event.output },
                target: 'replicas',
                actions: [{ type: 'recordClose', params: ({ event }) => event.output }, 'startReplicas'],
              },
              {
                target: 'replicas',
                actions: [
                  { type: 'recordClose', params: ({ event }) => event.output },
                  { type: 'announce', params: ({ event }) => ({ snapshotTxid: event.output.snapshotTxid }) },
                ],
              },
            ],
            // Everything was given back all the same; what is captured can still be uploaded.
            onError: {
              target: 'replicas',
              actions: { type: 'recordFailure', params: ({ event }) => ({ error: event.error }) },
            },
          },
        },
        replicas: {
          entry: 'stopReplicas',
          always: { guard: 'isEveryReplicaStopped', target: '#database.closed' },
        },
      },
    },
    closed: { type: 'final' },
  },
});
