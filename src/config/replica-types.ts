/**
 * One destination of a database, by type. The union is discriminated by `type`; `undefined` means "not given", and the
 * adapter's own default (or the provider's credential chain) applies. Fields marked secret must never reach a message.
 */

/** Every replica type, in the spelling of commands and log lines. */
export const REPLICA_TYPES = ['abs', 'file', 'gs', 'nats', 'oss', 's3', 'sftp', 'webdav'] as const;

/** A destination's type, as `type` names it. */
export type ReplicaType = (typeof REPLICA_TYPES)[number];

/** What every destination has. */
export interface ReplicaCommonSettings {
  /** Unique within its database; explicit, else the type, then `type-2`, … */
  readonly name: string;
  /** Where it is, without secrets, as a URL. Two replicas with one location are refused. */
  readonly location: string;
  /** Least pause between two uploads, > 0. */
  readonly syncIntervalMs: number;
  /** Files per background upload run; 0: all. */
  readonly maxSyncLtxFiles: number;
  /** On missing or damaged local LTX files: wipe the local state and snapshot again. */
  readonly autoRecover: boolean;
  /** Effective snapshot schedule of this replica, both > 0. */
  readonly snapshot: { readonly intervalMs: number; readonly retentionMs: number };
  readonly lease: { readonly enabled: boolean; readonly ttlMs: number };
  /** Local level-0 bytes kept for this replica while it is down. */
  readonly maxBacklogBytes: number;
}

/** A directory. */
export interface FileReplicaSettings extends ReplicaCommonSettings {
  readonly type: 'file';
  /** Absolute path. */
  readonly path: string;
}

/** An S3 bucket or one that speaks S3. */
export interface S3ReplicaSettings extends ReplicaCommonSettings {
  readonly type: 's3';
  readonly bucket: string;
  /** Key prefix without leading slash; empty: the bucket root. */
  readonly path: string;
  readonly region: string | undefined;
  /** Whole URL; undefined: AWS. */
  readonly endpoint: string | undefined;
  readonly forcePathStyle: boolean;
  readonly skipVerify: boolean;
  readonly signPayload: boolean;
  readonly requireContentMd5: boolean;
  readonly storageClass: string | undefined;
  readonly partSizeBytes: number;
  readonly concurrency: number;
  /** Who is behind the endpoint, as far as it makes a difference. */
  readonly provider: S3Provider;
  /** Secret pair; both or neither. */
  readonly accessKeyId: string | undefined;
  readonly secretAccessKey: string | undefined;
  readonly sse: SseSettings | undefined;
}

/** Services with the S3 protocol, told apart by their endpoint. */
export type S3Provider =
  | 'aws'
  | 'tigris'
  | 'r2'
  | 'backblaze'
  | 'filebase'
  | 'supabase'
  | 'digitalocean'
  | 'scaleway'
  | 'hetzner'
  | 'google'
  | 'minio'
  | 'other';

/** Server-side encryption. A customer key is given inline (`key`, base64 of 32 bytes, secret) or as a file (`keyPath`). */
export type SseSettings =
  | {
      readonly kind: 'customer';
      readonly algorithm: 'AES256';
      readonly key: string | undefined;
      readonly keyPath: string | undefined;
    }
  | { readonly kind: 'kms'; readonly keyId: string };

/** A Google Cloud Storage bucket; credentials come from the application default chain. */
export interface GsReplicaSettings extends ReplicaCommonSettings {
  readonly type: 'gs';
  readonly bucket: string;
  readonly path: string;
  readonly endpoint: string | undefined;
}

/** An Azure Blob container. */
export interface AbsReplicaSettings extends ReplicaCommonSettings {
  readonly type: 'abs';
  readonly accountName: string | undefined;
  /** Secret. */
  readonly accountKey: string | undefined;
  /** Secret, without leading `?`; beats the account key. */
  readonly sasToken: string | undefined;
  /** The container. */
  readonly bucket: string;
  readonly path: string;
  /** Whole URL; undefined: `https://ACCOUNT.blob.core.windows.net`. */
  readonly endpoint: string | undefined;
}

/** A folder on an SSH server. */
export interface SftpReplicaSettings extends ReplicaCommonSettings {
  readonly type: 'sftp';
  /** Host name or address, without port. */
  readonly host: string;
  readonly port: number;
  readonly user: string;
  /** Secret. */
  readonly password: string | undefined;
  /** Absolute path of an unencrypted private key. */
  readonly keyPath: string | undefined;
  /** Host key in authorized_keys format; undefined: not verified. */
  readonly hostKey: string | undefined;
  readonly concurrentWrites: boolean;
  /** Leading slash kept; a path without one is relative to the login folder. */
  readonly path: string;
}

/** A WebDAV collection. */
export interface WebdavReplicaSettings extends ReplicaCommonSettings {
  readonly type: 'webdav';
  /** `http://` or `https://` URL of the server without credentials. */
  readonly url: string;
  readonly username: string | undefined;
  /** Secret. */
  readonly password: string | undefined;
  readonly path: string;
}

/** A JetStream object store bucket. */
export interface NatsReplicaSettings extends ReplicaCommonSettings {
  readonly type: 'nats';
  /** `nats://host:port` without credentials. */
  readonly url: string;
  readonly bucket: string;
  /** Prefix of object names; empty: none. */
  readonly path: string;
  /** The first complete set of credentials; all secret. */
  readonly auth: NatsAuth | undefined;
  readonly tls: boolean;
  /** Absolute paths of PEM files. */
  readonly rootCas: readonly string[];
  readonly clientCert: string | undefined;
  readonly clientKey: string | undefined;
  /** -1: for ever. */
  readonly maxReconnects: number;
  readonly reconnectWaitMs: number;
  readonly timeoutMs: number;
}

/** The way to sign in to NATS; every field but a user name or a path is a secret. */
export type NatsAuth =
  | { readonly kind: 'jwt'; readonly jwt: string; readonly seed: string }
  | { readonly kind: 'creds'; readonly credsPath: string }
  | { readonly kind: 'nkey'; readonly nkey: string; readonly seed: string | undefined }
  | { readonly kind: 'password'; readonly username: string; readonly password: string }
  | { readonly kind: 'token'; readonly token: string };

/** An Alibaba OSS bucket. */
export interface OssReplicaSettings extends ReplicaCommonSettings {
  readonly type: 'oss';
  readonly bucket: string;
  readonly path: string;
  readonly region: string;
  /** Whole URL. */
  readonly endpoint: string | undefined;
  /** Secret pair; both or neither. */
  readonly accessKeyId: string | undefined;
  readonly secretAccessKey: string | undefined;
  readonly partSizeBytes: number;
  readonly concurrency: number;
}

/** Settings of one replica; `type` tells which. */
export type ReplicaSettings =
  | AbsReplicaSettings
  | FileReplicaSettings
  | GsReplicaSettings
  | NatsReplicaSettings
  | OssReplicaSettings
  | S3ReplicaSettings
  | SftpReplicaSettings
  | WebdavReplicaSettings;
