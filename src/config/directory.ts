/**
 * What a database found in a directory gets: its metadata directory and, below each destination of the directory, a place
 * at its relative path. For `dir: /data` and the file `/data/a/b.db`:
 *
 *   metadata   beside: /data/a/.b.db-litestream   meta-path /m: /m/a/.b.db-litestream   meta-dir /m: /m/a/b.db-litestream
 *   replica    s3://bkt/base: s3://bkt/base/a/b.db   file /backup: /backup/a/b.db       nats: object names a/b.db/…
 */
import { basename, dirname, join, posix } from 'node:path';
import { defaultMetaPath } from './database-entry.ts';
import { locationOf } from './replica.ts';
import type { DatabaseSettings, DirectorySettings, ReplicaSettings } from './types.ts';

const metaPathOf = ({ dir, metaDir, metaPath }: DirectorySettings, relativePath: string): string => {
  if (metaDir !== undefined) {
    return join(metaDir, `${relativePath}-litestream`);
  }
  if (metaPath !== undefined) {
    return join(metaPath, dirname(relativePath), `.${basename(relativePath)}-litestream`);
  }
  return defaultMetaPath(join(dir, relativePath));
};

/** A path below a base; an empty base and the bucket root `.` give the path alone. */
const pathBelow = (base: string, relativePath: string): string =>
  base === '' || base === '.' ? relativePath : posix.join(base, relativePath);

const replicaBelow = (replica: ReplicaSettings, relativePath: string): ReplicaSettings => {
  const slashed = relativePath.replaceAll('\\', '/');
  const path = replica.type === 'file' ? join(replica.path, relativePath) : pathBelow(replica.path, slashed);
  const moved = { ...replica, path };
  return { ...moved, location: locationOf(moved) };
};

/** Settings of the database at `relativePath` (with `/` or the system's separator) below the directory. */
export const databaseInDirectory = (directory: DirectorySettings, relativePath: string): DatabaseSettings => ({
  path: join(directory.dir, relativePath),
  metaPath: metaPathOf(directory, relativePath),
  monitorIntervalMs: directory.monitorIntervalMs,
  checkpointIntervalMs: directory.checkpointIntervalMs,
  busyTimeoutMs: directory.busyTimeoutMs,
  minCheckpointPageCount: directory.minCheckpointPageCount,
  truncatePageN: directory.truncatePageN,
  maxSyncWalBytes: directory.maxSyncWalBytes,
  restoreIfDbNotExists: false,
  drill: directory.drill,
  replicas: directory.replicas.map((replica) => replicaBelow(replica, relativePath)),
});
