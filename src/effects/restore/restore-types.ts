/** What a restore is asked for, what it works with, and what it answers. */
import type { Txid } from '#domain/txid';
import type { V03Plan } from '#domain/v03-plan';
import type { IntegrityChecker, IntegrityMode } from '#ports/integrity';
import type { OutputFiles } from '#ports/output-files';
import type { LtxFileInfo, ReplicaStorage, V03SegmentInfo, V03SnapshotInfo } from '#ports/storage';
import type { WalReplay } from '#ports/wal-replay';
import type { ReaderServices } from './resuming-reader.ts';

/** Everything a restore works with. */
export interface RestoreServices extends ReaderServices {
  readonly files: OutputFiles;
  readonly integrity: IntegrityChecker;
  readonly walReplay: WalReplay;
}

/** One place to restore from. */
export interface RestoreReplica {
  /** Unique among the replicas of a database. */
  readonly name: string;
  readonly storage: ReplicaStorage;
}

/** Which state: the newest when empty. At most one of `txid` and `timestampMs`. */
export interface RestoreTarget {
  /** Up to and including this transaction; only LTX data. 0 means the newest. */
  readonly txid?: Txid;
  /** The state strictly before this instant (v0.3 data: at it). */
  readonly timestampMs?: number;
  /** Only v0.3 data of this generation. */
  readonly generation?: string;
  /** Only v0.3 data up to and including this WAL. */
  readonly index?: number;
}

/** How far a restore is. */
export interface RestoreProgress {
  readonly phase: 'fetching' | 'checking' | 'publishing';
  /** Bytes of the replica's files read so far, and in all. */
  readonly doneBytes: number;
  readonly totalBytes: number;
}

/** A restore. */
export interface RestoreRequest {
  /** At least one; with several the one with the newest data is taken. */
  readonly replicas: readonly RestoreReplica[];
  /** Path of the database to make. */
  readonly output: string;
  readonly target: RestoreTarget;
  /** Replace an existing database and its sidecars. */
  readonly force: boolean;
  /** An existing output is a success that does nothing. */
  readonly ifDbNotExists: boolean;
  /** No backup is a success that does nothing. */
  readonly ifReplicaExists: boolean;
  readonly integrity: IntegrityMode | 'none';
  /** Transfers at once, at least 1. */
  readonly parallelism: number;
  /** Plan only; nothing is looked at or written at the output. */
  readonly dryRun: boolean;
  readonly signal: AbortSignal;
  readonly onProgress?: (progress: RestoreProgress) => void;
}

/** Files that give the state, and where they are. */
export type RestoreCandidate =
  | {
      readonly format: 'ltx';
      readonly replica: RestoreReplica;
      /** In the order they are applied; the first begins at TXID 1. */
      readonly files: readonly LtxFileInfo[];
      readonly reachedTxid: Txid;
      readonly reachedMs: number;
    }
  | {
      readonly format: 'v0.3';
      readonly replica: RestoreReplica;
      readonly plan: V03Plan<V03SnapshotInfo, V03SegmentInfo>;
      readonly reachedMs: number;
    };

/** How a restore ended; failures are thrown. */
export type RestoreOutcome =
  | { readonly kind: 'skipped'; readonly reason: 'databaseExists' | 'noBackup' }
  | { readonly kind: 'planned'; readonly plan: RestoreCandidate }
  | {
      readonly kind: 'restored';
      readonly plan: RestoreCandidate;
      /** Length of the database in bytes. */
      readonly sizeBytes: number;
      readonly durationMs: number;
      readonly integrity: IntegrityMode | 'none';
    };

/** The TXID a candidate reaches; undefined for v0.3 data, which has none. */
export const reachedTxidOf = (plan: RestoreCandidate): Txid | undefined =>
  plan.format === 'ltx' ? plan.reachedTxid : undefined;
