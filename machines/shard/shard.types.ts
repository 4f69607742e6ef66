/** Values of the shard machine: at most 128 hosts under one parent. */

/** Spawning and stopping cost grows with the square of the children of one parent. */
export const HOSTS_PER_SHARD_MAX = 128;

/** Databases to host from the start, absolute paths. */
export interface ShardInput {
  readonly paths: readonly string[];
}

/** What a shard knows. */
export interface ShardContext {
  /** Hosts that have not ended. */
  readonly paths: readonly string[];
}

/** What a shard is told. */
export type ShardEvent =
  | { readonly type: 'hosts.added'; readonly paths: readonly string[] }
  | { readonly type: 'hosts.removed'; readonly paths: readonly string[] }
  | { readonly type: 'shard.stop' }
  | { readonly type: 'shard.hurry' }
  | { readonly type: 'host.stopped'; readonly path: string };

/** What a shard tells the supervisor. */
export type ShardReport =
  | { readonly type: 'shard.stopped'; readonly shard: string }
  | { readonly type: 'host.ended'; readonly shard: string; readonly path: string };
