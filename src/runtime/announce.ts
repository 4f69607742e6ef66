/** The lines that say what is replicated where. */
import type { Configuration, ReplicaSettings } from '#config/types';
import type { Log, LogAttributes } from '#ports/log';

/** Where a replica is, with the attributes known for its type. Never a secret. */
const placeOf = (replica: ReplicaSettings): LogAttributes => {
  switch (replica.type) {
    case 'file':
      return { path: replica.path };
    case 's3':
      return {
        bucket: replica.bucket,
        path: replica.path,
        region: replica.region ?? '',
        endpoint: replica.endpoint ?? '',
      };
    case 'gs':
      return { bucket: replica.bucket, path: replica.path };
    case 'abs':
      return { bucket: replica.bucket, path: replica.path, endpoint: replica.endpoint ?? '' };
    case 'sftp':
      return { host: replica.host, user: replica.user, path: replica.path };
    case 'nats':
      return { bucket: replica.bucket, url: replica.url };
    case 'oss':
      return { bucket: replica.bucket, path: replica.path, region: replica.region };
    case 'webdav':
      return { url: replica.url, path: replica.path };
  }
};

/** `initialized db` for every database, `replicating to` for every replica. */
export const announceReplicas = ({ databases }: Pick<Configuration, 'databases'>, log: Log): void => {
  for (const { path, replicas } of databases) {
    log.write('info', 'initialized db', { path });
    for (const replica of replicas) {
      log.write('info', 'replicating to', {
        type: replica.type,
        'sync-interval': { durationMs: replica.syncIntervalMs },
        ...placeOf(replica),
      });
    }
  }
};
