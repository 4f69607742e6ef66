/** Settings of Google Cloud Storage, Azure Blob and Alibaba OSS replicas. */
import { DEFAULTS } from './defaults.ts';
import {
  environmentValue,
  inheritedValue,
  ownValue,
  type ReplicaSource,
  refuseBeside,
  reject,
  required,
  settingOf,
  warn,
} from './replica-source.ts';
import type {
  AbsReplicaSettings,
  GsReplicaSettings,
  OssReplicaSettings,
  ReplicaCommonSettings,
} from './replica-types.ts';
import { bucketRoot, joinedRoot } from './replica-url.ts';

type FieldsOf<T> = Omit<T, keyof ReplicaCommonSettings>;

const httpsUrl = (endpoint: string | undefined): string | undefined =>
  endpoint === undefined || /^\w+:\/\//.test(endpoint) ? endpoint : `https://${endpoint}`;

/** Reads the Google part of a replica. A top-level `endpoint` is meant for S3 and does not reach it. */
export const gsFields = (source: ReplicaSource): FieldsOf<GsReplicaSettings> => {
  refuseBeside(source, ['path', 'bucket']);
  const { url } = source;
  const bucket = url === undefined ? settingOf(source, 'bucket') : url.host;
  return {
    type: 'gs',
    bucket: required(source, 'bucket', bucket),
    path: url === undefined ? (ownValue(source, 'path') ?? '') : joinedRoot(url.path),
    endpoint: httpsUrl(ownValue(source, 'endpoint')),
  };
};

const splitContainer = (path: string): { readonly bucket: string; readonly path: string } => {
  const [bucket = '', ...rest] = joinedRoot(path).split('/');
  return { bucket, path: rest.join('/') };
};

/** Container, prefix and account: the host is the container, unless it names the account. */
const absPlaceOf = (source: ReplicaSource) => {
  const { url } = source;
  if (url === undefined) {
    return {
      accountName: settingOf(source, 'account-name'),
      bucket: settingOf(source, 'bucket'),
      path: ownValue(source, 'path') ?? '',
    };
  }
  const accountHost = /^([^.:]+)\.blob\.core\.[^/]+$/.exec(url.host);
  const accountName = settingOf(source, 'account-name', url.username ?? accountHost?.[1]);
  if (accountHost !== null || (accountName !== undefined && url.host === accountName)) {
    return { accountName, ...splitContainer(url.path) };
  }
  return { accountName, bucket: url.host, path: joinedRoot(url.path) };
};

/** Reads the Azure part of a replica. */
export const absFields = (source: ReplicaSource): FieldsOf<AbsReplicaSettings> => {
  refuseBeside(source, ['path', 'bucket']);
  const { accountName, bucket, path } = absPlaceOf(source);
  const endpoint = httpsUrl(settingOf(source, 'endpoint'));
  if (accountName === undefined && endpoint === undefined) {
    reject(source, 'account-name', 'account-name required for abs replica', 'or set endpoint');
  }
  const accountKey = settingOf(source, 'account-key') ?? environmentValue(source, 'LITESTREAM_AZURE_ACCOUNT_KEY');
  const sasToken = settingOf(source, 'sas-token') ?? environmentValue(source, 'LITESTREAM_AZURE_SAS_TOKEN');
  if (accountKey !== undefined && sasToken !== undefined) {
    warn(source, 'sas-token', 'both a SAS token and an account key are given, the SAS token is used');
  }
  return {
    type: 'abs',
    accountName,
    accountKey,
    sasToken: sasToken?.replace(/^\?/, ''),
    bucket: required(source, 'bucket', bucket),
    path,
    endpoint,
  };
};

/** `BUCKET.oss-REGION[-internal].aliyuncs.com`, or the bucket alone. An internal host stays the endpoint. */
const ossHost = (host: string) => {
  const match = /^(.+)\.oss-([a-z0-9-]+?)(-internal)?\.aliyuncs\.com$/.exec(host);
  const region = match?.[2];
  if (match?.[1] === undefined || region === undefined) {
    return { bucket: host };
  }
  const endpoint = match[3] === undefined ? undefined : `https://oss-${region}-internal.aliyuncs.com`;
  return { bucket: match[1], region, endpoint };
};

const ossCredentials = (source: ReplicaSource) => {
  const accessKeyId = settingOf(source, 'access-key-id');
  const secretAccessKey = settingOf(source, 'secret-access-key');
  if ((accessKeyId === undefined) !== (secretAccessKey === undefined)) {
    const name = accessKeyId === undefined ? 'access-key-id' : 'secret-access-key';
    reject(source, name, 'access-key-id and secret-access-key must both be set for oss replica, or neither');
  }
  if (accessKeyId !== undefined) {
    return { accessKeyId, secretAccessKey };
  }
  return {
    accessKeyId: environmentValue(source, 'OSS_ACCESS_KEY_ID'),
    secretAccessKey: environmentValue(source, 'OSS_ACCESS_KEY_SECRET'),
  };
};

/** Reads the OSS part of a replica. */
export const ossFields = (source: ReplicaSource): FieldsOf<OssReplicaSettings> => {
  refuseBeside(source, ['path', 'bucket']);
  const { url } = source;
  const host = url === undefined ? { bucket: settingOf(source, 'bucket') } : ossHost(url.host);
  const path = url === undefined ? (ownValue(source, 'path') ?? '') : bucketRoot(url.path);
  if (path === '' || /^[/\\]/.test(path)) {
    reject(source, 'path', 'path required for oss replica: OSS refuses names that begin with a slash');
  }
  const hostRegion = 'region' in host ? host.region : undefined;
  const hostEndpoint = 'endpoint' in host ? host.endpoint : undefined;
  return {
    type: 'oss',
    bucket: required(source, 'bucket', host.bucket),
    path,
    region: settingOf(source, 'region', hostRegion) ?? DEFAULTS.ossRegion,
    endpoint: httpsUrl(ownValue(source, 'endpoint') ?? hostEndpoint ?? inheritedValue(source, 'endpoint')),
    ...ossCredentials(source),
    partSizeBytes: settingOf(source, 'part-size') ?? DEFAULTS.ossPartSizeBytes,
    concurrency: settingOf(source, 'concurrency') ?? DEFAULTS.ossConcurrency,
  };
};
