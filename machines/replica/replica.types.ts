/** Values of the replica machine: its context, events, effects. */
import type { Txid } from '#domain/txid';

/** What a look at the destination found, and what follows from it. */
export type ReplicaVerdict =
  /** nothing is stored there */
  | 'empty'
  /** the newest common file is ours; the replica ends where the local chain ends */
  | 'same'
  /** the newest common file is ours; local files go further */
  | 'behind'
  /** the replica goes further than the local chain */
  | 'ahead'
  /** the replica's files are not ours */
  | 'foreign'
  /** local files no longer reach back to where the replica ends */
  | 'unreachable';

/** Answer of the effect `inspectReplica`. */
export interface InspectOutput {
  readonly verdict: ReplicaVerdict;
  /** Highest TXID of any level; 0 when empty. A snapshot that follows must lie above it. */
  readonly highestTxid: Txid;
  /** End of the run of files from which uploads go on; 0 when nothing of ours is there. */
  readonly uploadedThrough: Txid;
  /** The newest TXID a restore can reach now: beyond a hole only a snapshot helps. */
  readonly coveredThrough: Txid;
}

/** Compare the replica `name` with the local files up to `localPosition`. */
export interface InspectInput {
  readonly name: string;
  readonly localPosition: Txid;
}

/** Look for the newest acknowledged file. */
export interface ProbeInput {
  readonly name: string;
}

/** One bounded batch of uploads. */
export interface UploadInput {
  readonly name: string;
  readonly after: Txid;
  readonly through: Txid;
  readonly coveredThrough: Txid;
}

/** Where the replica stands after an upload. */
export interface UploadOutput {
  readonly uploadedThrough: Txid;
  readonly coveredThrough: Txid;
  /** A local file is gone and no later full copy bridges the hole: only a new snapshot can help. */
  readonly needsSnapshot: boolean;
}

/** What a replica actor starts from; durations in milliseconds. */
export interface ReplicaInput {
  readonly name: string;
  readonly localPosition: Txid;
  readonly syncIntervalMs: number;
  readonly shutdownSyncTimeoutMs: number;
  readonly shutdownSyncIntervalMs: number;
}

/** What a replica actor knows. */
export interface ReplicaContext extends ReplicaInput {
  /** Newest TXID the database has announced. */
  readonly committedThrough: Txid;
  /** Newest TXID this replica has acknowledged, end of a contiguous run. Invariant R1. */
  readonly uploadedThrough: Txid;
  /** Newest TXID a restore from this replica reaches. */
  readonly coveredThrough: Txid;
  /** Highest TXID of any level seen at the last look; a bridging snapshot must be above it. */
  readonly highestTxid: Txid;
  /** TXID of the newest full copy the database has announced and that still lies there; 0: none. */
  readonly newestFullCopy: Txid;
  /** Failures in a row; 0 after any success. */
  readonly failureCount: number;
  /** Code and message of the last failure, for `status` and `why`. */
  readonly lastError: { readonly code: string; readonly message: string } | undefined;
}

/** What a replica actor is told. */
export type ReplicaEvent =
  | { readonly type: 'ltx.committed'; readonly through: Txid; readonly snapshotTxid: Txid | undefined }
  | { readonly type: 'sync.requested' }
  | { readonly type: 'retry.requested' }
  | { readonly type: 'local.adopted'; readonly position: Txid }
  | { readonly type: 'replica.stop' }
  | { readonly type: 'replica.hurry' };

/** What a replica tells its database. */
export type ReplicaReport =
  | {
      readonly type: 'replica.inspected';
      readonly name: string;
      readonly verdict: ReplicaVerdict;
      readonly highestTxid: Txid;
    }
  | { readonly type: 'replica.advanced'; readonly name: string; readonly through: Txid }
  | { readonly type: 'replica.needsSnapshot'; readonly name: string; readonly after: Txid }
  | { readonly type: 'replica.failed'; readonly name: string; readonly code: string }
  | { readonly type: 'replica.stopped'; readonly name: string; readonly through: Txid };
