/** One replica: its type, what its type needs, what every replica has. */
import { posix } from 'node:path';
import { absFields, gsFields, ossFields } from './cloud-replicas.ts';
import { DEFAULTS } from './defaults.ts';
import { formatDuration } from './duration.ts';
import type { Located } from './fields.ts';
import type { Inherited, RawReplica } from './keys.ts';
import { isUrl } from './paths.ts';
import type { Findings, Position } from './problems.ts';
import {
  inheritedValue,
  ownValue,
  type ReplicaContext,
  type ReplicaSource,
  reject,
  settingOf,
  warn,
} from './replica-source.ts';
import { REPLICA_TYPES, type ReplicaCommonSettings, type ReplicaSettings, type ReplicaType } from './replica-types.ts';
import { parseReplicaUrl, type ReplicaUrl } from './replica-url.ts';
import { s3Fields } from './s3-replica.ts';
import { fileFields, natsFields, sftpFields, webdavFields } from './server-replicas.ts';

/** A replica before names and snapshot schedules are settled, which needs its neighbours. */
export interface ReplicaDraft {
  readonly settings: ReplicaSettings;
  /** Explicit name. */
  readonly name: Located<string> | undefined;
  /** v0.3's `retention` and `snapshot-interval` of this replica. */
  readonly retentionMs: number | undefined;
  readonly snapshotIntervalMs: number | undefined;
  readonly at: Position;
  readonly key: string;
}

type DistributiveOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;
type TypeFields = DistributiveOmit<ReplicaSettings, keyof ReplicaCommonSettings>;

const TYPES_LISTED = `the types are ${REPLICA_TYPES.join(', ')}`;

const fieldsOf = (source: ReplicaSource): TypeFields => {
  switch (source.type) {
    case 'abs':
      return absFields(source);
    case 'file':
      return fileFields(source);
    case 'gs':
      return gsFields(source);
    case 'nats':
      return natsFields(source);
    case 'oss':
      return ossFields(source);
    case 's3':
      return s3Fields(source);
    case 'sftp':
      return sftpFields(source);
    case 'webdav':
      return webdavFields(source);
    default:
      return source.type satisfies never;
  }
};

const cleaned = (path: string): string => (path === '' || path === '.' ? '' : posix.normalize(path).replace(/\/$/, ''));

const slashed = (path: string): string => (path === '' || path.startsWith('/') ? path : `/${path}`);

/** Where a replica is, without secrets: equal exactly when two replicas would write the same files. */
export const locationOf = (fields: TypeFields): string => {
  switch (fields.type) {
    case 'file':
      return `file://${fields.path}`;
    case 's3': {
      const endpoint = fields.endpoint === undefined ? '' : `?endpoint=${fields.endpoint.replace(/\/\/[^/@]*@/, '//')}`;
      return `s3://${fields.bucket}/${fields.path}${endpoint}`;
    }
    case 'gs':
      return `gs://${fields.bucket}${slashed(cleaned(fields.path))}`;
    case 'abs': {
      const account = fields.accountName ?? fields.endpoint?.replace(/^\w+:\/\/(?:[^/@]*@)?/, '') ?? '';
      return `abs://${account}@${fields.bucket}${slashed(cleaned(fields.path))}`;
    }
    case 'oss':
      return `oss://${fields.bucket}.oss-${fields.region}.aliyuncs.com/${fields.path}`;
    case 'sftp':
      // A path without a leading slash is relative to the login folder.
      return `sftp://${fields.user}@${fields.host}:${fields.port}${fields.path.startsWith('/') ? '' : '/~/'}${cleaned(fields.path)}`;
    case 'webdav':
      return `${fields.url.replace(/^http/, 'webdav')}${slashed(cleaned(fields.path))}`;
    case 'nats':
      return `${fields.url}/${fields.bucket}${slashed(fields.path)}`;
    default:
      return fields satisfies never;
  }
};

/** What {@link readReplica} works with. */
export interface ReplicaInput {
  readonly raw: RawReplica;
  readonly inherited: Inherited;
  /** Key path, `dbs[0].replicas[1]`. */
  readonly key: string;
  /** The same as messages of other programs spell it: `dbs[/a.db].replica`. */
  readonly displayKey: string;
  /** Path or dir of the entry. */
  readonly database: string | undefined;
  readonly context: ReplicaContext;
  readonly findings: Findings;
}

const parseUrlKey = (
  raw: RawReplica,
  refuse: (name: 'url', message: string, suggestion?: string) => void,
): ReplicaUrl | 'none' | 'refused' => {
  const text = raw.url?.value ?? '';
  if (text === '') {
    return 'none';
  }
  const parsed = parseReplicaUrl(text);
  switch (parsed.kind) {
    case 'url':
      return parsed.url;
    case 'schemeMissing':
      refuse(
        'url',
        `replica url scheme required: ${text.replace(/^[^/]*@/, '')}`,
        'write path instead of url for a directory, or SCHEME://…',
      );
      return 'refused';
    case 'schemeUnknown':
      refuse('url', `unknown replica type in config: "${parsed.scheme}"`, TYPES_LISTED);
      return 'refused';
    case 'malformed':
      refuse('url', parsed.reason);
      return 'refused';
    default:
      return parsed satisfies never;
  }
};

const typeOf = (raw: RawReplica, url: ReplicaUrl | 'none'): ReplicaType | undefined => {
  if (url !== 'none') {
    return url.type;
  }
  const written = raw.type?.value ?? '';
  if (written === '') {
    return 'file';
  }
  return written === 'gcs' ? 'gs' : REPLICA_TYPES.find((type) => type === written);
};

const positive = (source: ReplicaSource, name: 'sync-interval', displayKey: string, ms: number): number => {
  if (ms <= 0) {
    reject(source, name, `${displayKey}.${name}: sync interval must be greater than 0 (got ${formatDuration(ms)})`);
  }
  return ms;
};

const checkCounts = (source: ReplicaSource): void => {
  if ((settingOf(source, 'max-sync-ltx-files') ?? 0) < 0) {
    reject(source, 'max-sync-ltx-files', 'max-sync-ltx-files: must not be negative');
  }
  if ((settingOf(source, 'concurrency') ?? 1) < 1) {
    reject(source, 'concurrency', 'concurrency: must be at least 1');
  }
  if ((settingOf(source, 'part-size') ?? 1) < 1) {
    reject(source, 'part-size', 'part-size: must be greater than 0');
  }
  if ((settingOf(source, 'max-backlog') ?? 1) < 1) {
    reject(source, 'max-backlog', 'max-backlog: must be greater than 0');
  }
  for (const name of ['retention', 'snapshot-interval'] as const) {
    const ms = ownValue(source, name);
    if (ms !== undefined && ms <= 0) {
      reject(source, name, `${name}: must be greater than 0 (got ${formatDuration(ms)})`);
    }
  }
  for (const name of ['reconnect-wait', 'timeout'] as const) {
    if ((settingOf(source, name) ?? 1) <= 0) {
      reject(source, name, `${name}: must be greater than 0`);
    }
  }
};

const warnLegacy = (source: ReplicaSource): void => {
  const { own, url } = source;
  if (url?.scheme === 'gcs' || own.type?.value === 'gcs') {
    warn(source, url === undefined ? 'type' : 'url', 'gcs is the name Litestream v0.3 used', 'write gs');
  }
  if (own['snapshot-interval'] !== undefined) {
    warn(source, 'snapshot-interval', 'snapshot-interval of a replica is deprecated', 'use snapshot.interval');
  }
  if (own['retention-check-interval'] !== undefined) {
    warn(source, 'retention-check-interval', 'retention-check-interval has no effect', 'remove it');
  }
  if (own['validation-interval'] !== undefined) {
    warn(source, 'validation-interval', 'validation-interval of a replica has no effect', 'use validation.interval');
  }
};

const commonFields = (source: ReplicaSource, displayKey: string): Omit<ReplicaCommonSettings, 'location'> => {
  const lease = ownValue(source, 'lease');
  const inheritedLease = inheritedValue(source, 'lease');
  const ttlMs = lease?.ttl?.value ?? inheritedLease?.ttl?.value ?? DEFAULTS.leaseTtlMs;
  if (ttlMs <= 0) {
    reject(source, 'lease', `lease.ttl: must be greater than 0 (got ${formatDuration(ttlMs)})`);
  }
  return {
    name: source.type,
    syncIntervalMs: positive(
      source,
      'sync-interval',
      displayKey,
      settingOf(source, 'sync-interval') ?? DEFAULTS.syncIntervalMs,
    ),
    maxSyncLtxFiles: settingOf(source, 'max-sync-ltx-files') ?? DEFAULTS.maxSyncLtxFiles,
    autoRecover: settingOf(source, 'auto-recover') ?? false,
    snapshot: { intervalMs: DEFAULTS.snapshotIntervalMs, retentionMs: DEFAULTS.snapshotRetentionMs },
    lease: { enabled: lease?.enabled?.value ?? inheritedLease?.enabled?.value ?? false, ttlMs },
    maxBacklogBytes: settingOf(source, 'max-backlog') ?? DEFAULTS.maxBacklogBytes,
  };
};

/** Reads one replica; undefined when its type cannot be told (a problem was filed). Other problems are filed too. */
export const readReplica = (input: ReplicaInput): ReplicaDraft | undefined => {
  const { raw, inherited, key, displayKey, database, context, findings } = input;
  const refuse = (name: 'url' | 'type' | 'path', message: string, suggestion?: string): void =>
    findings.problem({ at: raw[name]?.at ?? raw.at, key: `${key}.${name}`, message, suggestion, database });
  if (isUrl(raw.path?.value ?? '')) {
    refuse('path', 'replica path cannot be a url', 'write url instead of path');
    return undefined;
  }
  const url = parseUrlKey(raw, refuse);
  if (url === 'refused') {
    return undefined;
  }
  const type = typeOf(raw, url);
  if (type === undefined) {
    refuse('type', `unknown replica type in config: "${raw.type?.value ?? ''}"`, TYPES_LISTED);
    return undefined;
  }
  const source: ReplicaSource = {
    own: raw,
    inherited,
    url: url === 'none' ? undefined : url,
    type,
    key,
    context,
    problem: (finding) => findings.problem({ ...finding, database }),
    warning: (finding) => findings.warning({ ...finding, database }),
  };
  warnLegacy(source);
  checkCounts(source);
  const common = commonFields(source, displayKey);
  const fields = fieldsOf(source);
  // The spread of a union member and the common fields is that member of ReplicaSettings.
  const settings = { ...common, ...fields, location: locationOf(fields) } as ReplicaSettings;
  return {
    settings,
    name: raw.name,
    retentionMs: ownValue(source, 'retention'),
    snapshotIntervalMs: ownValue(source, 'snapshot-interval'),
    at: raw.at,
    key,
  };
};
