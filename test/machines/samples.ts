/** Sample values for the tables: one context for each machine, one event for each type. Actions that send are replaced by names. */
import type { StateValueFrom } from 'xstate';
import { databaseMachine } from '#machines/database/database.machine';
import type { DatabaseContext, DatabaseEvent, SyncOutput } from '#machines/database/database.types';
import { hostMachine } from '#machines/host/host.machine';
import type { HostContext, HostEvent } from '#machines/host/host.types';
import { replicaMachine } from '#machines/replica/replica.machine';
import type { InspectOutput, ReplicaContext, ReplicaEvent, UploadOutput } from '#machines/replica/replica.types';
import { shardMachine } from '#machines/shard/shard.machine';
import type { ShardContext, ShardEvent } from '#machines/shard/shard.types';
import { supervisorMachine } from '#machines/supervisor/supervisor.machine';
import type { SupervisorContext, SupervisorEvent } from '#machines/supervisor/supervisor.types';
import { bug, type LeafOf, type Sampling, stateValue } from './table.ts';

const named = (): void => undefined;

export type ReplicaState = LeafOf<StateValueFrom<typeof replicaMachine>>;

/** A replica that holds 1 to 5 of a chain that ends at 7. */
export const replicaContext: ReplicaContext = {
  name: 'a',
  localPosition: 7n,
  syncIntervalMs: 1_000,
  shutdownSyncTimeoutMs: 30_000,
  shutdownSyncIntervalMs: 500,
  committedThrough: 7n,
  uploadedThrough: 5n,
  coveredThrough: 5n,
  highestTxid: 5n,
  newestFullCopy: 0n,
  failureCount: 0,
  lastError: undefined,
};

const inspected: InspectOutput = { verdict: 'behind', highestTxid: 5n, uploadedThrough: 5n, coveredThrough: 5n };
const uploaded: UploadOutput = { uploadedThrough: 7n, coveredThrough: 7n, needsSnapshot: false };

export const replicaSampling: Sampling<ReplicaState, ReplicaEvent> = {
  machine: replicaMachine.provide({
    actions: {
      reportInspection: named,
      reportProgress: named,
      reportFailure: named,
      reportStopped: named,
      askForSnapshot: named,
    },
  }),
  events: {
    'ltx.committed': { type: 'ltx.committed', through: 8n, snapshotTxid: undefined },
    'sync.requested': { type: 'sync.requested' },
    'retry.requested': { type: 'retry.requested' },
    'local.adopted': { type: 'local.adopted', position: 9n },
    'replica.stop': { type: 'replica.stop' },
    'replica.hurry': { type: 'replica.hurry' },
  },
  outputs: {
    connecting: inspected,
    syncing: uploaded,
    probing: undefined,
    'finishing.inspecting': inspected,
    'finishing.uploading': uploaded,
  },
  value: stateValue,
  context: (state) =>
    state === 'caughtUp' || state === 'probing'
      ? { ...replicaContext, uploadedThrough: 7n, coveredThrough: 7n }
      : replicaContext,
};

export type DatabaseState = LeafOf<StateValueFrom<typeof databaseMachine>>;

/** A database at 7 with two replicas that run. */
export const databaseContext: DatabaseContext = {
  path: '/data/app.db',
  replicas: [
    { name: 'a', syncIntervalMs: 1_000 },
    { name: 'b', syncIntervalMs: 1_000 },
  ],
  monitorIntervalMs: 1_000,
  checkpointIntervalMs: 60_000,
  minCheckpointPageCount: 1_000,
  shutdownSyncTimeoutMs: 30_000,
  shutdownSyncIntervalMs: 500,
  isAutoRecovering: false,
  position: 7n,
  pageSize: 4_096,
  walBytes: 8_272,
  uninspected: [],
  highestOnReplica: undefined,
  failureCount: 0,
  isCheckpointOwed: true,
  snapshotNeededAfter: undefined,
  snapshotRequestedAfter: undefined,
  lastError: undefined,
  runningReplicas: ['a', 'b'],
};

/** A pass that read one transaction. */
export const onePass: SyncOutput = {
  position: 8n,
  snapshotTxid: undefined,
  isMoreWaiting: false,
  walBytes: 12_392,
  isCheckpointOwed: true,
};

export const databaseSampling: Sampling<DatabaseState, DatabaseEvent> = {
  machine: databaseMachine.provide({
    actions: {
      startReplicas: named,
      announce: named,
      announceAdoption: named,
      askReplicasToSync: named,
      askReplicasToRetry: named,
      stopReplicas: named,
      hurryReplicas: named,
    },
  }),
  events: {
    'file.appeared': { type: 'file.appeared' },
    'wal.grew': { type: 'wal.grew', walBytes: 12_392 },
    'sync.requested': { type: 'sync.requested' },
    'retention.due': { type: 'retention.due' },
    'reset.requested': { type: 'reset.requested' },
    'retry.requested': { type: 'retry.requested' },
    'database.stop': { type: 'database.stop' },
    'database.hurry': { type: 'database.hurry' },
    'replica.inspected': { type: 'replica.inspected', name: 'a', verdict: 'same', highestTxid: 7n },
    'replica.advanced': { type: 'replica.advanced', name: 'a', through: 7n },
    'replica.needsSnapshot': { type: 'replica.needsSnapshot', name: 'a', after: 9n },
    'replica.failed': { type: 'replica.failed', name: 'a', code: 'STORAGE_UNAVAILABLE' },
    'replica.stopped': { type: 'replica.stopped', name: 'a', through: 7n },
  },
  outputs: {
    opening: { kind: 'opened', position: 7n, pageSize: 4_096 },
    adopting: { position: 9n },
    'tracking.wal.syncing.unasked': onePass,
    'tracking.wal.syncing.askedAgain': onePass,
    'tracking.wal.checkpointing': { hasRestarted: true },
    'closing.source': { position: 8n, snapshotTxid: undefined },
  },
  value: (state) => {
    if (state.startsWith('tracking.wal.')) {
      return { tracking: { wal: stateValue(state.slice('tracking.wal.'.length)), retention: 'kept' } };
    }
    if (state.startsWith('tracking.')) return { tracking: { wal: 'idle', retention: state.split('.').at(-1) } };
    return stateValue(state);
  },
  context: (state) => (state === 'comparing' ? { ...databaseContext, uninspected: ['a', 'b'] } : databaseContext),
};

export type HostState = LeafOf<StateValueFrom<typeof hostMachine>>;

export const hostContext: HostContext = { path: '/data/app.db', restartCount: 1, lastError: undefined };

export const hostSampling: Sampling<HostState, HostEvent> = {
  machine: hostMachine.provide({ actions: { forwardStop: named, forwardHurry: named, reportStopped: named } }),
  events: {
    'host.stop': { type: 'host.stop' },
    'host.hurry': { type: 'host.hurry' },
    'resume.requested': { type: 'resume.requested' },
    'database.failed': { type: 'database.failed', error: bug },
    'database.closed': { type: 'database.closed' },
  },
  outputs: {},
  value: stateValue,
  context: () => hostContext,
};

export type ShardState = LeafOf<StateValueFrom<typeof shardMachine>>;

const shardContext: ShardContext = { paths: ['/data/a.db', '/data/b.db'] };

export const shardSampling: Sampling<ShardState, ShardEvent> = {
  machine: shardMachine.provide({
    actions: { removeHosts: named, stopHosts: named, hurryHosts: named, reportHostEnded: named, reportStopped: named },
  }),
  events: {
    'hosts.added': { type: 'hosts.added', paths: ['/data/c.db'] },
    'hosts.removed': { type: 'hosts.removed', paths: ['/data/a.db'] },
    'shard.stop': { type: 'shard.stop' },
    'shard.hurry': { type: 'shard.hurry' },
    'host.stopped': { type: 'host.stopped', path: '/data/a.db' },
  },
  outputs: {},
  value: stateValue,
  context: () => shardContext,
};

export type SupervisorState = LeafOf<StateValueFrom<typeof supervisorMachine>>;

const supervisorContext: SupervisorContext = {
  paths: ['/data/a.db'],
  shards: ['shard:1', 'shard:2'],
  refusal: undefined,
};

export const supervisorSampling: Sampling<SupervisorState, SupervisorEvent> = {
  machine: supervisorMachine.provide({ actions: { startShards: named, stopShards: named, hurryShards: named } }),
  events: {
    'stop.requested': { type: 'stop.requested' },
    'shard.stopped': { type: 'shard.stopped', shard: 'shard:1' },
    'host.ended': { type: 'host.ended', shard: 'shard:1', path: '/data/a.db' },
  },
  outputs: { loading: { paths: ['/data/a.db'] } },
  value: stateValue,
  context: () => supervisorContext,
};
