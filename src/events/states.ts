/**
 * What the facts of a stream add up to. Every field has a value for "nothing happened yet"; times are milliseconds since
 * the epoch. A folded state is stored in place of the facts it covers, so a field may be added but never change its meaning.
 */
import type { Txid } from '#domain/txid';

/** Facts that a full or broken log could not keep; every kind of stream may have such gaps. */
interface Gaps {
  readonly lost: number;
}

/** What the facts say of the daemon. */
export interface DaemonState extends Gaps {
  readonly version: string | undefined;
  readonly startedAtMs: number | undefined;
  /** Undefined while the daemon runs, and after it was killed. */
  readonly stoppedAtMs: number | undefined;
  /** Replicas that lacked something when the daemon stopped. */
  readonly unreplicated: number;
  readonly configuration:
    | { readonly atMs: number; readonly path: string | undefined; readonly databases: number }
    | undefined;
  /** The last refused configuration; undefined once one was accepted. */
  readonly rejection:
    | { readonly atMs: number; readonly path: string | undefined; readonly problems: readonly string[] }
    | undefined;
}

/** What the facts say of one database. */
export interface DatabaseState extends Gaps {
  readonly openedAtMs: number | undefined;
  /** Newest TXID the facts know of; the files may be further. */
  readonly position: Txid;
  readonly verdict: string | undefined;
  readonly fullCopy: { readonly atMs: number; readonly txid: Txid; readonly reason: string } | undefined;
  readonly checkpoint:
    | { readonly atMs: number; readonly mode: string; readonly frames: number; readonly heldMs: number }
    | undefined;
  readonly reset: { readonly atMs: number; readonly cause: string } | undefined;
  readonly replacedAtMs: number | undefined;
  /** Undefined when the database is not quarantined. */
  readonly quarantine: { readonly atMs: number; readonly cause: string } | undefined;
  readonly adopted: { readonly atMs: number; readonly replica: string; readonly txid: Txid } | undefined;
  /** The last drill that ended. */
  readonly drill: DrillResult | undefined;
}

/** How the last trial restore ended. */
export type DrillResult =
  | {
      readonly result: 'passed';
      readonly atMs: number;
      readonly txid: Txid;
      readonly sizeBytes: number;
      readonly durationMs: number;
    }
  | { readonly result: 'failed'; readonly atMs: number; readonly stage: string; readonly cause: string };

/** What the facts say of one replica. */
export interface ReplicaState extends Gaps {
  readonly connectedAtMs: number | undefined;
  /** Highest TXID seen at the last look. */
  readonly position: Txid;
  readonly verdict: string | undefined;
  readonly divergedAtMs: number | undefined;
  readonly recovered: { readonly atMs: number; readonly downMs: number } | undefined;
  /** Who holds the lease, while it is not us. */
  readonly fencedBy: string | undefined;
}

/** One level of one replica; `snapshot` is of level 9. */
export interface LevelState extends Gaps {
  readonly compacted:
    | { readonly atMs: number; readonly minTxid: Txid; readonly maxTxid: Txid; readonly sizeBytes: number }
    | undefined;
  readonly pruned: { readonly atMs: number; readonly through: Txid; readonly files: number } | undefined;
  readonly repaired: { readonly atMs: number; readonly minTxid: Txid; readonly maxTxid: Txid } | undefined;
  readonly snapshot:
    | {
        readonly atMs: number;
        readonly txid: Txid;
        readonly sizeBytes: number;
        readonly durationMs: number;
        readonly reason: string;
      }
    | undefined;
}

/** A state with the kind of stream it belongs to. */
export type FoldedState =
  | { readonly kind: 'daemon'; readonly state: DaemonState }
  | { readonly kind: 'database'; readonly state: DatabaseState }
  | { readonly kind: 'replica'; readonly state: ReplicaState }
  | { readonly kind: 'level'; readonly state: LevelState };

/** What a stream of facts is about. */
export type StreamKind = FoldedState['kind'];

/** A daemon without facts. */
export const INITIAL_DAEMON: DaemonState = {
  lost: 0,
  version: undefined,
  startedAtMs: undefined,
  stoppedAtMs: undefined,
  unreplicated: 0,
  configuration: undefined,
  rejection: undefined,
};

/** A database without facts. */
export const INITIAL_DATABASE: DatabaseState = {
  lost: 0,
  openedAtMs: undefined,
  position: 0n,
  verdict: undefined,
  fullCopy: undefined,
  checkpoint: undefined,
  reset: undefined,
  replacedAtMs: undefined,
  quarantine: undefined,
  adopted: undefined,
  drill: undefined,
};

/** A replica without facts. */
export const INITIAL_REPLICA: ReplicaState = {
  lost: 0,
  connectedAtMs: undefined,
  position: 0n,
  verdict: undefined,
  divergedAtMs: undefined,
  recovered: undefined,
  fencedBy: undefined,
};

/** A level without facts. */
export const INITIAL_LEVEL: LevelState = {
  lost: 0,
  compacted: undefined,
  pruned: undefined,
  repaired: undefined,
  snapshot: undefined,
};
