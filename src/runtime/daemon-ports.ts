/** Everything outside a daemon, injected: the simulation and the command differ in nothing else. */
import type { DatabaseSettings, ReplicaSettings } from '#config/types';
import type { FullCopies } from '#effects/full-copies';
import type { Clock } from '#ports/clock';
import type { FactLog } from '#ports/facts';
import type { LevelZeroFiles } from '#ports/level-zero';
import type { Log } from '#ports/log';
import type { Random } from '#ports/random';
import type { SourceFactory } from '#ports/source';
import type { ReplicaStorage } from '#ports/storage';
import type { Watcher } from '#ports/watcher';

/** What a daemon is made of. */
export interface DaemonPorts {
  readonly clock: Clock;
  readonly random: Random;
  readonly watcher: Watcher;
  readonly log: Log;
  readonly sources: SourceFactory;
  readonly fullCopies: FullCopies;
  readonly facts: FactLog;
  storage(settings: ReplicaSettings, database: DatabaseSettings): Promise<ReplicaStorage>;
  levelZero(metaPath: string): LevelZeroFiles;
}
