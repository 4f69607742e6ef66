/** Values of the supervisor machine: it knows databases by name only. */
import type { Failure } from '../failure.ts';

/** Answer of `loadConfiguration`: accepted; a refused one rejects with a ReplicationError. */
export interface LoadOutput {
  /** Absolute paths of the databases, each once. */
  readonly paths: readonly string[];
}

/** What the supervisor knows; `refusal`: why the configuration was not accepted. */
export interface SupervisorContext {
  readonly paths: readonly string[];
  /** Shards that have not ended. */
  readonly shards: readonly string[];
  readonly refusal: Failure | undefined;
}

/** What the supervisor is told. */
export type SupervisorEvent =
  | { readonly type: 'stop.requested' }
  | { readonly type: 'shard.stopped'; readonly shard: string }
  | { readonly type: 'host.ended'; readonly shard: string; readonly path: string };
