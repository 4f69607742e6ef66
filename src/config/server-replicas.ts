/** Settings of replicas on a file system or on a server: file, SFTP, WebDAV, NATS. */
import { posix } from 'node:path';
import { DEFAULTS } from './defaults.ts';
import {
  localPath,
  ownValue,
  type ReplicaSource,
  refuseBeside,
  reject,
  required,
  settingOf,
  warn,
} from './replica-source.ts';
import type {
  FileReplicaSettings,
  NatsAuth,
  NatsReplicaSettings,
  ReplicaCommonSettings,
  SftpReplicaSettings,
  WebdavReplicaSettings,
} from './replica-types.ts';
import { joinedRoot, serverPath } from './replica-url.ts';

type FieldsOf<T> = Omit<T, keyof ReplicaCommonSettings>;

/** Reads the path of a file replica; in a URL the host is the first part of an absolute path. */
export const fileFields = (source: ReplicaSource): FieldsOf<FileReplicaSettings> => {
  refuseBeside(source, ['path']);
  const { url } = source;
  const urlPath = url === undefined ? undefined : posix.normalize(`/${url.host}${url.path}`);
  const path = url === undefined ? ownValue(source, 'path') : `${url.host}${url.path}` === '' ? '' : urlPath;
  if (path === undefined || path === '') {
    reject(source, url === undefined ? 'path' : 'url', 'file replica path required');
    return { type: 'file', path: '' };
  }
  const absolute = localPath(source, 'path', path);
  return { type: 'file', path: absolute };
};

const splitPort = (source: ReplicaSource, host: string): { readonly host: string; readonly port: number } => {
  const match = /^(\[[^\]]*\]|[^:]*):(\d+)$/.exec(host);
  const port = match?.[2] === undefined ? DEFAULTS.sftpPort : Number(match[2]);
  if (port < 1 || port > 65_535) {
    reject(source, 'host', `the port ${port} is not between 1 and 65535`);
  }
  return { host: (match?.[1] ?? host).replace(/^\[|\]$/g, ''), port };
};

/** Reads the SFTP part of a replica; the path of a URL stays absolute. */
export const sftpFields = (source: ReplicaSource): FieldsOf<SftpReplicaSettings> => {
  refuseBeside(source, ['path', 'host']);
  const { url } = source;
  const host = required(source, 'host', url === undefined ? settingOf(source, 'host') : url.host);
  const keyPath = settingOf(source, 'key-path');
  const hostKey = settingOf(source, 'host-key');
  if (hostKey === undefined) {
    warn(source, 'host-key', 'sftp host key not verified', 'set host-key to the key of the server');
  }
  return {
    type: 'sftp',
    ...splitPort(source, host),
    user: required(source, 'user', settingOf(source, 'user', url?.username)),
    password: settingOf(source, 'password', url?.password),
    keyPath: keyPath === undefined ? undefined : localPath(source, 'key-path', keyPath),
    hostKey,
    concurrentWrites: settingOf(source, 'concurrent-writes') ?? true,
    path: url === undefined ? (ownValue(source, 'path') ?? '') : serverPath(url.path),
  };
};

/** Reads the WebDAV part of a replica; credentials inside `webdav-url` are taken out of it. */
export const webdavFields = (source: ReplicaSource): FieldsOf<WebdavReplicaSettings> => {
  refuseBeside(source, ['path', 'webdav-url']);
  const { url } = source;
  const written =
    url === undefined
      ? settingOf(source, 'webdav-url')
      : `${url.scheme === 'webdavs' ? 'https' : 'http'}://${url.host}`;
  const server = required(source, 'webdav-url', url?.host === '' ? undefined : written);
  const match = /^(https?:\/\/)(?:([^/@]*)@)?(.+)$/i.exec(server);
  if (server !== '' && match === null) {
    reject(source, 'webdav-url', 'webdav-url must begin with http:// or https://');
  }
  const [username, password] = (match?.[2] ?? '').split(':');
  return {
    type: 'webdav',
    url: match === null ? '' : `${match[1]}${match[3]}`,
    username: settingOf(source, 'webdav-username', (url?.username ?? username) || undefined),
    password: settingOf(source, 'webdav-password', (url?.password ?? password) || undefined),
    path: url === undefined ? (ownValue(source, 'path') ?? '') : serverPath(url.path),
  };
};

const natsAuth = (source: ReplicaSource): NatsAuth | undefined => {
  const jwt = settingOf(source, 'jwt');
  const seed = settingOf(source, 'seed');
  if (jwt !== undefined && seed !== undefined) {
    return { kind: 'jwt', jwt, seed };
  }
  const creds = settingOf(source, 'creds');
  if (creds !== undefined) {
    return { kind: 'creds', credsPath: localPath(source, 'creds', creds) };
  }
  const nkey = settingOf(source, 'nkey');
  if (nkey !== undefined) {
    if (seed === undefined) {
      reject(source, 'nkey', 'nkey needs seed to sign with', 'set seed beside nkey');
    }
    return { kind: 'nkey', nkey, seed };
  }
  const username = settingOf(source, 'username', source.url?.username);
  const password = settingOf(source, 'password', source.url?.password);
  if (username !== undefined && password !== undefined) {
    return { kind: 'password', username, password };
  }
  const token = settingOf(
    source,
    'token',
    username !== undefined && source.url?.password === undefined ? source.url?.username : undefined,
  );
  return token === undefined ? undefined : { kind: 'token', token };
};

/** Reads the NATS part of a replica: the first part of a URL's path is the bucket, the rest a prefix of object names. */
export const natsFields = (source: ReplicaSource): FieldsOf<NatsReplicaSettings> => {
  const { url } = source;
  const [urlBucket, ...urlPrefix] = joinedRoot(url?.path ?? '').split('/');
  const rootCas = settingOf(source, 'root-cas') ?? [];
  const cert = settingOf(source, 'client-cert');
  const key = settingOf(source, 'client-key');
  if ((cert === undefined) !== (key === undefined)) {
    const missing = cert === undefined ? 'client-cert' : 'client-key';
    reject(source, missing, 'client-cert and client-key must both be specified');
  }
  const host = url?.host ?? '';
  return {
    type: 'nats',
    url: host === '' ? DEFAULTS.natsUrl : `nats://${host}`,
    bucket: required(source, 'bucket', urlBucket === '' ? settingOf(source, 'bucket') : urlBucket),
    path: joinedRoot([...urlPrefix, ownValue(source, 'path') ?? ''].filter((part) => part !== '').join('/')),
    auth: natsAuth(source),
    tls: settingOf(source, 'tls') ?? (rootCas.length > 0 || cert !== undefined),
    rootCas: rootCas.map((path) => localPath(source, 'root-cas', path)),
    clientCert: cert === undefined ? undefined : localPath(source, 'client-cert', cert),
    clientKey: key === undefined ? undefined : localPath(source, 'client-key', key),
    maxReconnects: settingOf(source, 'max-reconnects') ?? DEFAULTS.natsMaxReconnects,
    reconnectWaitMs: settingOf(source, 'reconnect-wait') ?? DEFAULTS.natsReconnectWaitMs,
    timeoutMs: settingOf(source, 'timeout') ?? DEFAULTS.natsTimeoutMs,
  };
};
