/** Values of the database machine: its context, events, effects. */
import type { Txid } from '#domain/txid';
import type { Failure } from '../failure.ts';
import type { ReplicaReport } from '../replica/replica.types.ts';

/** What the machine must know of a replica to start its actor. */
export interface ReplicaPlan {
  readonly name: string;
  readonly syncIntervalMs: number;
}

/** What a database actor starts from; durations in milliseconds. */
export interface DatabaseInput {
  /** Absolute path of the database file; the name of the actor. */
  readonly path: string;
  readonly replicas: readonly ReplicaPlan[];
  readonly monitorIntervalMs: number;
  /** 0: no checkpoint by age. */
  readonly checkpointIntervalMs: number;
  readonly minCheckpointPageCount: number;
  readonly shutdownSyncTimeoutMs: number;
  readonly shutdownSyncIntervalMs: number;
  /** Reset the local state when it is damaged, instead of waiting for somebody. */
  readonly isAutoRecovering: boolean;
}

/** Answer of `openSource`. */
export type OpenOutput =
  | { readonly kind: 'absent' }
  | { readonly kind: 'opened'; readonly position: Txid; readonly pageSize: number };

/** Answer of `syncWal`. Restarts of a long WAL happen inside the pass; the machine only owes those by age. */
export interface SyncOutput {
  readonly position: Txid;
  /** TXID of the newest full copy this pass wrote, if any. */
  readonly snapshotTxid: Txid | undefined;
  readonly isMoreWaiting: boolean;
  readonly walBytes: number;
  /** Something was read since the WAL was last restarted. */
  readonly isCheckpointOwed: boolean;
}

/** Answer of `checkpoint`. */
export interface CheckpointOutput {
  readonly hasRestarted: boolean;
}

/** Take over the newest level-0 file `txid` of the replica `name`. */
export interface AdoptInput {
  readonly name: string;
  readonly txid: Txid;
}

/** The next local file has to be a full copy with a TXID above `after`. */
export interface RequireSnapshotInput {
  readonly after: Txid;
}

/** `finalPass`: read what was committed last before letting go. */
export interface CloseInput {
  readonly finalPass: boolean;
}

/** Answer of `adoptLevelZero`: our position after it. */
export interface AdoptOutput {
  readonly position: Txid;
}

/** Our position at the close; `snapshotTxid`: the full copy the last pass wrote, if any. */
export interface CloseOutput {
  readonly position: Txid;
  readonly snapshotTxid: Txid | undefined;
}

/** What a database actor knows. */
export interface DatabaseContext extends DatabaseInput {
  readonly position: Txid;
  readonly pageSize: number;
  readonly walBytes: number;
  /** Replicas whose first look has not ended yet. */
  readonly uninspected: readonly string[];
  /** Highest TXID any replica has shown, and which one. */
  readonly highestOnReplica: { readonly name: string; readonly txid: Txid } | undefined;
  /** Failures in a row of the work on the source. */
  readonly failureCount: number;
  readonly isCheckpointOwed: boolean;
  /** A replica can only go on from a full copy above this TXID. */
  readonly snapshotNeededAfter: Txid | undefined;
  /** The need the source was told of; a higher need, or a source that was opened anew, must be told again. */
  readonly snapshotRequestedAfter: Txid | undefined;
  readonly lastError: Failure | undefined;
  /** Replica actors that exist; they leave this list when they have ended. */
  readonly runningReplicas: readonly string[];
}

/** What a database actor is told, by the runtime or by its replicas. */
export type DatabaseEvent =
  | { readonly type: 'file.appeared' }
  | { readonly type: 'wal.grew'; readonly walBytes: number }
  | { readonly type: 'sync.requested' }
  | { readonly type: 'retention.due' }
  | { readonly type: 'reset.requested' }
  | { readonly type: 'retry.requested' }
  | { readonly type: 'database.stop' }
  | { readonly type: 'database.hurry' }
  | ReplicaReport;
