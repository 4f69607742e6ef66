/**
 * Facts: what happened, past tense, small. `codec.ts` says how they are stored, `fold.ts` what they add up to. What file
 * names or a look at the WAL tell is no fact: polls, retries and single uploads are not recorded.
 *
 * No secrets and no row contents: facts are shown to whoever may read the log.
 */
import type { Txid } from '#domain/txid';
import type { FoldedState } from './states.ts';

/** Facts of the stream `daemon`. */
export type DaemonFact =
  | {
      readonly type: 'daemon.started';
      readonly version?: string | undefined;
      readonly processId?: number | undefined;
    }
  /** `unreplicated`: replicas that still lacked something. */
  | { readonly type: 'daemon.stopped'; readonly unreplicated: number }
  /** `path` is absent when the database came from the command line. */
  | { readonly type: 'configuration.applied'; readonly path?: string | undefined; readonly databases: number }
  | {
      readonly type: 'configuration.rejected';
      readonly path?: string | undefined;
      readonly problems: readonly string[];
    };

/** Facts of a stream `db:<path>`. */
export type DatabaseFact =
  /** `verdict`: `new` without local files, else `known`. */
  | { readonly type: 'database.opened'; readonly verdict: string; readonly position: Txid }
  /** A level-0 file holds the whole database; the empty reason is that of the very first file. */
  | { readonly type: 'snapshot.forced'; readonly txid: Txid; readonly reason: string }
  /** `heldMs`: how long the write lock was ours. */
  | { readonly type: 'wal.checkpointed'; readonly mode: string; readonly frames: number; readonly heldMs: number }
  | { readonly type: 'database.reset'; readonly cause: string }
  /** Another file stood at the path. */
  | { readonly type: 'source.replaced' }
  | { readonly type: 'database.quarantined'; readonly cause: string }
  | { readonly type: 'database.resumed' }
  /** The newest level-0 file of a replica became ours. */
  | { readonly type: 'local.adopted'; readonly replica: string; readonly txid: Txid }
  | { readonly type: 'drill.passed'; readonly txid: Txid; readonly sizeBytes: number; readonly durationMs: number }
  | { readonly type: 'drill.failed'; readonly stage: string; readonly cause: string };

/** Facts of a stream `db:<path>/replica:<name>`. */
export type ReplicaFact =
  | { readonly type: 'replica.connected'; readonly position: Txid; readonly verdict: string }
  | { readonly type: 'replica.diverged'; readonly position: Txid }
  | { readonly type: 'replica.recovered'; readonly downMs: number }
  | { readonly type: 'replica.fenced'; readonly holder: string };

/** Facts of a stream `db:<path>/replica:<name>/level:<n>`. */
export type LevelFact =
  | { readonly type: 'level.compacted'; readonly minTxid: Txid; readonly maxTxid: Txid; readonly sizeBytes: number }
  /** `through`: highest TXID of the deleted files. */
  | { readonly type: 'level.pruned'; readonly through: Txid; readonly files: number }
  | { readonly type: 'level.repaired'; readonly minTxid: Txid; readonly maxTxid: Txid }
  | {
      readonly type: 'snapshot.taken';
      readonly txid: Txid;
      readonly sizeBytes: number;
      readonly durationMs: number;
      readonly reason: string;
    }
  | { readonly type: 'snapshots.pruned'; readonly through: Txid; readonly files: number };

/** Facts about the log itself, at home in every stream. */
export type LogFact =
  /** A gap: so many facts of this stream could not be kept. */
  | { readonly type: 'facts.lost'; readonly count: number }
  /** What all older facts of this stream added up to. */
  | ({ readonly type: 'state.folded' } & FoldedState);

/** Everything that may be recorded. */
export type Fact = DaemonFact | DatabaseFact | ReplicaFact | LevelFact | LogFact;

/** The name of a fact, `subject.verb` in the past tense. */
export type FactType = Fact['type'];

/** A fact with its place in the log. */
export interface RecordedFact {
  /** Ascending over all streams, with holes. */
  readonly seq: number;
  readonly stream: string;
  readonly atMs: number;
  readonly fact: Fact;
}
