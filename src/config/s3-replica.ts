/** Settings of an S3 replica. Precedence: own key, query, host, inherited key, provider, general default. */
import { DEFAULTS, LIMITS } from './defaults.ts';
import {
  environmentValue,
  localPath,
  ownValue,
  placeOf,
  type ReplicaSource,
  refuseBeside,
  reject,
  required,
  settingOf,
  warn,
} from './replica-source.ts';
import type { ReplicaCommonSettings, S3ReplicaSettings, SseSettings } from './replica-types.ts';
import { queryFlag, queryValue } from './replica-url.ts';
import { endpointHost, isLocalHost, PATH_STYLE_PROVIDERS, type S3Place, s3PlaceOf, s3ProviderOf } from './s3-host.ts';

type Fields = Omit<S3ReplicaSettings, keyof ReplicaCommonSettings>;

/** A scheme for an endpoint without one: `https://` in a key; in a query `http://` for local hosts. */
const withScheme = (endpoint: string, isFromQuery: boolean): string => {
  if (/^\w+:\/\//.test(endpoint)) {
    return endpoint;
  }
  return `${isFromQuery && isLocalHost(endpointHost(endpoint)) ? 'http' : 'https'}://${endpoint}`;
};

const placeOfSource = (source: ReplicaSource): S3Place => {
  if (source.url === undefined) {
    return { bucket: settingOf(source, 'bucket') ?? '', path: ownValue(source, 'path') ?? '' };
  }
  const place = s3PlaceOf(source.url.host, source.url.path);
  if ('problem' in place) {
    reject(source, 'url', place.problem);
    return { bucket: '-', path: '' };
  }
  return place;
};

const queryInteger = (source: ReplicaSource, name: string, alias?: string): number | undefined => {
  const text = queryValue(source.url, name, alias);
  if (text === undefined) {
    return undefined;
  }
  const value = /^\d+$/.test(text) ? Number(text) : 0;
  if (value < 1 || !Number.isSafeInteger(value)) {
    reject(source, 'url', `${name} must be a positive integer`);
    return undefined;
  }
  return value;
};

const endpointOf = (source: ReplicaSource, place: S3Place) => {
  const own = ownValue(source, 'endpoint');
  if (own !== undefined) {
    return { endpoint: withScheme(own, false), impliesPathStyle: true };
  }
  const query = queryValue(source.url, 'endpoint');
  if (query !== undefined) {
    return { endpoint: withScheme(query, true), impliesPathStyle: true };
  }
  if (place.endpoint !== undefined) {
    return { endpoint: place.endpoint, impliesPathStyle: false };
  }
  // A host of Amazon's says where the bucket is; defaults for other replicas must not move it.
  const isAmazon = /^arn:|\.amazonaws\.com(?:\.cn)?$/.test(source.url?.host ?? '');
  const fallback = isAmazon
    ? undefined
    : (settingOf(source, 'endpoint') ?? environmentValue(source, 'LITESTREAM_S3_ENDPOINT'));
  return {
    endpoint: fallback === undefined ? undefined : withScheme(fallback, false),
    impliesPathStyle: fallback !== undefined,
  };
};

const customerKeyOf = (source: ReplicaSource, key: string | undefined): void => {
  if (key === undefined) {
    return;
  }
  const isBase64 = /^[A-Za-z0-9+/]+={0,2}$/.test(key) && key.length % 4 === 0;
  if (!isBase64) {
    reject(source, 'sse-customer-key', 'sse-customer-key is not valid base64');
    return;
  }
  const lengthBytes = (key.length / 4) * 3 - (/=*$/.exec(key)?.[0].length ?? 0);
  if (lengthBytes !== 32) {
    reject(source, 'sse-customer-key', `sse-customer-key must be 32 bytes after decoding (got ${lengthBytes})`);
  }
};

const sseOf = (source: ReplicaSource, endpoint: string | undefined): SseSettings | undefined => {
  const { url } = source;
  const keyPath = settingOf(source, 'sse-customer-key-path');
  const key =
    keyPath === undefined
      ? settingOf(source, 'sse-customer-key', queryValue(url, 'sseCustomerKey', 'sse-customer-key'))
      : undefined;
  const kms = settingOf(source, 'sse-kms-key-id', queryValue(url, 'sseKmsKeyId', 'sse-kms-key-id'));
  const algorithm =
    settingOf(source, 'sse-customer-algorithm', queryValue(url, 'sseCustomerAlgorithm', 'sse-customer-algorithm')) ??
    'AES256';
  const isCustomer = key !== undefined || keyPath !== undefined;
  if (isCustomer && kms !== undefined) {
    reject(source, 'sse-kms-key-id', 'sse-customer-key and sse-kms-key-id are mutually exclusive');
    return undefined;
  }
  if (kms !== undefined) {
    return { kind: 'kms', keyId: kms };
  }
  if (algorithm !== 'AES256') {
    reject(source, 'sse-customer-algorithm', 'sse-customer-algorithm must be AES256');
  }
  if (!isCustomer) {
    return undefined;
  }
  customerKeyOf(source, key);
  if (endpoint?.startsWith('http://') === true && !isLocalHost(endpointHost(endpoint))) {
    reject(source, 'endpoint', 'a customer key must not travel over plain HTTP', 'use an https:// endpoint');
  }
  const path = keyPath === undefined ? undefined : localPath(source, 'sse-customer-key-path', keyPath);
  return { kind: 'customer', algorithm: 'AES256', key, keyPath: path };
};

const credentialsOf = (source: ReplicaSource) => {
  const accessKeyId = settingOf(source, 'access-key-id');
  const secretAccessKey = settingOf(source, 'secret-access-key');
  if ((accessKeyId === undefined) !== (secretAccessKey === undefined)) {
    const given = accessKeyId === undefined ? 'secret-access-key' : 'access-key-id';
    warn(source, given, `${given} is given without its other half and is ignored`, 'set both, or neither');
    return { accessKeyId: undefined, secretAccessKey: undefined };
  }
  return { accessKeyId, secretAccessKey };
};

/** Reads the S3 part of a replica. */
export const s3Fields = (source: ReplicaSource): Fields => {
  refuseBeside(source, ['path', 'bucket']);
  const place = placeOfSource(source);
  const { endpoint, impliesPathStyle } = endpointOf(source, place);
  const provider = s3ProviderOf(endpoint);
  const partSizeBytes =
    settingOf(source, 'part-size', queryInteger(source, 'partSize', 'part-size')) ?? DEFAULTS.s3PartSizeBytes;
  if (partSizeBytes < LIMITS.s3PartSizeBytesMin || partSizeBytes > LIMITS.s3PartSizeBytesMax) {
    const limits = `S3 takes parts of ${LIMITS.s3PartSizeBytesMin} to ${LIMITS.s3PartSizeBytesMax} bytes`;
    source.warning({
      at: placeOf(source, 'part-size'),
      key: `${source.key}.part-size`,
      message: `part-size is ${partSizeBytes} bytes, ${limits}`,
      suggestion: 'write 5MiB or more',
    });
  }
  const { url } = source;
  const region = settingOf(source, 'region', queryValue(url, 'region') ?? place.region);
  const forcePathStyle =
    settingOf(source, 'force-path-style', queryFlag(url, 'forcePathStyle', 'force-path-style')) ??
    (impliesPathStyle || (place.forcePathStyle ?? false) || PATH_STYLE_PROVIDERS.includes(provider));
  return {
    type: 's3',
    bucket: required(source, 'bucket', place.bucket),
    path: place.path,
    region: region ?? (endpoint === undefined ? undefined : DEFAULTS.s3EndpointRegion),
    endpoint,
    forcePathStyle,
    skipVerify: settingOf(source, 'skip-verify', queryFlag(url, 'skipVerify', 'skip-verify')) ?? false,
    signPayload: settingOf(source, 'sign-payload', queryFlag(url, 'signPayload', 'sign-payload')) ?? true,
    requireContentMd5:
      settingOf(source, 'require-content-md5', queryFlag(url, 'requireContentMD5', 'require-content-md5')) ??
      provider !== 'tigris',
    storageClass: settingOf(source, 'storage-class', queryValue(url, 'storageClass', 'storage-class')),
    partSizeBytes,
    concurrency:
      settingOf(source, 'concurrency', queryInteger(source, 'concurrency')) ??
      (provider === 'r2' ? DEFAULTS.r2Concurrency : DEFAULTS.s3Concurrency),
    provider,
    ...credentialsOf(source),
    sse: sseOf(source, endpoint),
  };
};
