/** Everything the effects of one database work on. The runtime builds it; effects share nothing else. */
import type { Txid } from '#domain/txid';
import type { Clock } from '#ports/clock';
import type { FactLog } from '#ports/facts';
import type { LevelZeroFiles } from '#ports/level-zero';
import type { Limiter } from '#ports/limiter';
import type { Log } from '#ports/log';
import type { SourceDatabase } from '#ports/source';
import type { ReplicaStorage } from '#ports/storage';

/** One destination of the database. */
export interface ReplicaScope {
  readonly name: string;
  readonly storage: ReplicaStorage;
  /** Files per upload batch; 0: no limit. */
  readonly maxSyncLtxFiles: number;
  /** Bounds uploads to this kind of destination; another destination that hangs takes no slot here. */
  readonly uploads: Limiter;
  readonly log: Log;
  /** What this process knows of the destination, beside the machine's own state. */
  readonly memory: ReplicaMemory;
}

/** Values that live as long as the process, for health and for sparing requests. */
export interface ReplicaMemory {
  /** When a request to the destination last succeeded; undefined: never. */
  lastContactMs: number | undefined;
  /** When the newest acknowledged file was last seen there. */
  lastProbeMs: number | undefined;
  /** When the destination failed first in the present run of failures. */
  failingSinceMs: number | undefined;
  /** Newest TXID acknowledged, for local retention. */
  acknowledged: Txid;
  /** Newest level-0 file known to lie there, for probes; 0: none. What was compacted may be covered without one. */
  newestLevelZero: Txid;
}

export interface DatabaseScope {
  readonly path: string;
  readonly source: SourceDatabase;
  readonly levelZero: LevelZeroFiles;
  readonly replicas: ReadonlyMap<string, ReplicaScope>;
  readonly facts: FactLog;
  readonly log: Log;
  readonly clock: Clock;
  /** Minimum age of a local file before it may be removed; 0: no age. */
  readonly l0RetentionMs: number;
}

/** What a replica is known to hold before anything was asked. */
export const emptyReplicaMemory = (): ReplicaMemory => ({
  lastContactMs: undefined,
  lastProbeMs: undefined,
  failingSinceMs: undefined,
  acknowledged: 0n,
  newestLevelZero: 0n,
});
