/** Every default and range of the configuration, in one place. Durations in milliseconds. */

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const MIB = 1024 * 1024;

/** Values used when a key is absent; source: Litestream v0.5's reference, additions of our own where it has no such key. */
export const DEFAULTS = {
  snapshotIntervalMs: 24 * HOUR,
  snapshotRetentionMs: 24 * HOUR,
  levelIntervalsMs: [30 * SECOND, 5 * MINUTE, HOUR],
  l0RetentionMs: 5 * MINUTE,
  l0RetentionCheckIntervalMs: 15 * SECOND,
  heartbeatIntervalMs: 5 * MINUTE,
  shutdownSyncTimeoutMs: 30 * SECOND,
  shutdownSyncIntervalMs: 500,
  socketPath: '/var/run/litestream.sock',
  socketPermissions: 0o600,
  monitorIntervalMs: SECOND,
  checkpointIntervalMs: MINUTE,
  busyTimeoutMs: SECOND,
  minCheckpointPageCount: 1000,
  /** About 500 MB of 4 KiB pages. */
  truncatePageN: 121_359,
  maxSyncWalBytes: 64 * MIB,
  maxDepth: 16,
  maxDatabases: 10_000,
  syncIntervalMs: SECOND,
  maxSyncLtxFiles: 256,
  leaseTtlMs: 30 * SECOND,
  maxBacklogBytes: 10 * 1024 * MIB,
  s3PartSizeBytes: 5 * MIB,
  s3Concurrency: 5,
  /** Cloudflare R2 throttles more parallel parts. */
  r2Concurrency: 2,
  s3EndpointRegion: 'us-east-1',
  ossRegion: 'cn-hangzhou',
  ossPartSizeBytes: 5 * MIB,
  ossConcurrency: 3,
  sftpPort: 22,
  natsUrl: 'nats://127.0.0.1:4222',
  natsMaxReconnects: -1,
  natsReconnectWaitMs: 2 * SECOND,
  natsTimeoutMs: 10 * SECOND,
} as const;

/** Limits that values are checked against. */
export const LIMITS = {
  /** Levels 1..8; 9 holds snapshots. */
  levels: 8,
  heartbeatIntervalMsMin: MINUTE,
  socketPermissionsMax: 0o777,
  /** Longer socket paths are cut silently by the system (`sun_path`). */
  socketPathBytesMax: 107,
  s3PartSizeBytesMin: 5 * MIB,
  s3PartSizeBytesMax: 5 * 1024 * MIB,
} as const;
