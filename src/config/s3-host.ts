/** What the host of an S3 URL says about bucket, region and endpoint, and which provider an endpoint belongs to. */
import { isIPv4 } from 'node:net';
import type { S3Provider } from './replica-types.ts';
import { bucketRoot } from './replica-url.ts';

/** Values derived from host and path; undefined: not said. */
export interface S3Place {
  readonly bucket: string;
  readonly path: string;
  readonly region?: string;
  readonly endpoint?: string;
  readonly forcePathStyle?: boolean;
}

/** The place an S3 host stands for, or why it cannot be used. */
export type S3PlaceResult = S3Place | { readonly problem: string };

/** A host form: its pattern (`bucket` and `region` groups) and what follows from it. */
interface HostForm {
  readonly pattern: RegExp;
  readonly endpoint?: (region: string) => string;
  readonly forcePathStyle?: boolean;
}

const HOST_FORMS: readonly HostForm[] = [
  { pattern: /^(?<bucket>.+)\.s3(?:[.-](?<region>[a-z0-9-]+))?\.amazonaws\.com(?:\.cn)?$/, forcePathStyle: false },
  {
    pattern: /^(?:(?<bucket>.+)\.)?(?<region>[a-z0-9-]+)\.digitaloceanspaces\.com$/,
    endpoint: (region) => `https://${region}.digitaloceanspaces.com`,
    forcePathStyle: false,
  },
  {
    pattern: /^(?:(?<bucket>.+)\.)?s3\.(?<region>[a-z0-9-]+)\.backblazeb2\.com$/,
    endpoint: (region) => `https://s3.${region}.backblazeb2.com`,
    forcePathStyle: true,
  },
  { pattern: /^(?:(?<bucket>.+)\.)?s3\.filebase\.com$/, endpoint: () => 'https://s3.filebase.com' },
  {
    pattern: /^(?:(?<bucket>.+)\.)?s3\.(?<region>[a-z0-9-]+)\.scw\.cloud$/,
    endpoint: (region) => `https://s3.${region}.scw.cloud`,
    forcePathStyle: false,
  },
];

const ARN = /^(?<bucket>arn:[^:/]+:s3[^:/]*:(?<region>[^:/]*):[^:/]*:accesspoint\/[^/]+)(?:\/(?<path>.*))?$/s;

interface HostGroups {
  readonly bucket?: string;
  readonly region?: string;
  readonly path?: string;
}

const groupsOf = (pattern: RegExp, text: string): HostGroups | undefined => pattern.exec(text)?.groups;

const accessPoint = (text: string): S3PlaceResult => {
  const { bucket, path, region = '' } = groupsOf(ARN, text) ?? {};
  if (bucket === undefined) {
    return { problem: 'invalid s3 access point arn: it must end in :accesspoint/NAME' };
  }
  return {
    bucket,
    path: path === undefined ? '' : bucketRoot(`/${path}`),
    ...(region === '' ? {} : { region }),
    forcePathStyle: false,
  };
};

/** Reads host and path of an `s3://` URL, forms in the order of Litestream's reference; an address is no bucket. */
export const s3PlaceOf = (host: string, path: string): S3PlaceResult => {
  if (host.startsWith('arn:')) {
    return accessPoint(`${host}${path}`);
  }
  const [name = '', port] = host.split(':');
  if (isIPv4(name) || host.startsWith('[')) {
    return { problem: `an address is no bucket: write s3://BUCKET/PATH?endpoint=http://HOST:PORT` };
  }
  const root = bucketRoot(path);
  if (port !== undefined && !host.includes('.com')) {
    const dot = host.indexOf('.');
    return dot < 0
      ? { bucket: '', path: root }
      : {
          bucket: host.slice(0, dot),
          path: root,
          region: 'us-east-1',
          endpoint: `http://${host.slice(dot + 1)}`,
          forcePathStyle: true,
        };
  }
  for (const { pattern, endpoint, forcePathStyle } of HOST_FORMS) {
    const groups = groupsOf(pattern, host);
    if (groups !== undefined) {
      const { bucket = '', region } = groups;
      return {
        bucket,
        path: root,
        ...(region === undefined ? {} : { region }),
        ...(endpoint === undefined ? {} : { endpoint: endpoint(region ?? '') }),
        ...(forcePathStyle === undefined ? {} : { forcePathStyle }),
      };
    }
  }
  return { bucket: host, path: root };
};

/** The part of an endpoint that names the server, lower case, with port. */
export const endpointHost = (endpoint: string): string =>
  (/^\w+:\/\/([^/?#]*)/.exec(endpoint)?.[1] ?? endpoint).toLowerCase().replace(/^.*@/, '');

/** True for hosts of this machine and of private networks, where plain HTTP is usual. */
export const isLocalHost = (hostWithPort: string): boolean => {
  const host = hostWithPort.replace(/:\d+$/, '').toLowerCase();
  if (host === 'localhost' || host === '[::1]' || /\.(?:local|localhost)$/.test(host)) {
    return true;
  }
  return (
    isIPv4(host) &&
    (/^(?:127|10)\./.test(host) || /^192\.168\./.test(host) || /^172\.(?:1[6-9]|2\d|3[01])\./.test(host))
  );
};

const PROVIDERS: readonly (readonly [RegExp, S3Provider])[] = [
  [/^(?:fly\.storage\.tigris\.dev|t3\.storage\.dev)$/, 'tigris'],
  [/\.r2\.cloudflarestorage\.com$/, 'r2'],
  [/\.backblazeb2\.com$/, 'backblaze'],
  [/^s3\.filebase\.com$/, 'filebase'],
  [/\.supabase\.co$/, 'supabase'],
  [/\.digitaloceanspaces\.com$/, 'digitalocean'],
  [/\.scw\.cloud$/, 'scaleway'],
  [/\.your-objectstorage\.com$/, 'hetzner'],
  [/^[^.]*storage[^.]*\.(?:[^.]+\.)*googleapis\.com$/, 'google'],
  [/\.amazonaws\.com(?:\.cn)?$/, 'aws'],
];

/** Providers that need path-style requests unless told otherwise. */
export const PATH_STYLE_PROVIDERS: readonly S3Provider[] = ['backblaze', 'filebase', 'supabase', 'minio'];

/** Who answers at an endpoint; `aws` without one. */
export const s3ProviderOf = (endpoint: string | undefined): S3Provider => {
  if (endpoint === undefined) {
    return 'aws';
  }
  const hostWithPort = endpointHost(endpoint);
  const host = hostWithPort.replace(/:\d+$/, '');
  const known = PROVIDERS.find(([pattern]) => pattern.test(host))?.[1];
  return known ?? (hostWithPort === host ? 'other' : 'minio');
};
