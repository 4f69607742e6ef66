/**
 * Replica URLs: `scheme://[user[:password]@]host[:port]/path?query`. Splitting only; what the parts mean for a type is in
 * the file of that type. The parser is our own because access-point ARNs and several NATS servers are no hosts to `URL`.
 */
import { posix } from 'node:path';
import type { ReplicaType } from './replica-types.ts';

/** The parts of a URL, decoded. */
export interface ReplicaUrl {
  readonly type: ReplicaType;
  /** As written, lower case: `webdavs` and `gcs` are types of another name. */
  readonly scheme: string;
  readonly username: string | undefined;
  /** Secret. */
  readonly password: string | undefined;
  /** Host with port; empty for most file URLs. */
  readonly host: string;
  /** With leading slash when there is one, not cleaned; empty when the URL ends after the host. */
  readonly path: string;
  readonly query: ReadonlyMap<string, string>;
}

/** A replica URL taken apart, or why it is none. */
export type ParsedReplicaUrl =
  | { readonly kind: 'url'; readonly url: ReplicaUrl }
  /** No `scheme://` in front. */
  | { readonly kind: 'schemeMissing' }
  | { readonly kind: 'schemeUnknown'; readonly scheme: string }
  | { readonly kind: 'malformed'; readonly reason: string };

/** Schemes and the types they stand for. */
export const SCHEMES: Readonly<Record<string, ReplicaType>> = {
  abs: 'abs',
  file: 'file',
  gcs: 'gs',
  gs: 'gs',
  nats: 'nats',
  oss: 'oss',
  s3: 's3',
  sftp: 'sftp',
  webdav: 'webdav',
  webdavs: 'webdav',
};

const decode = (text: string): string | undefined => {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
};

const parseQuery = (text: string): ReadonlyMap<string, string> => {
  const query = new Map<string, string>();
  for (const [name, value] of new URLSearchParams(text)) {
    // The first of several values counts.
    if (!query.has(name)) {
      query.set(name, value);
    }
  }
  return query;
};

/** Splits a replica URL. Never throws; nothing of the text but the scheme is in the result of a failure. */
export const parseReplicaUrl = (text: string): ParsedReplicaUrl => {
  const match = /^(\w+):\/\/([^/?#]*)([^?#]*)(?:\?([^#]*))?/s.exec(text);
  if (match === null) {
    return { kind: 'schemeMissing' };
  }
  const scheme = (match[1] ?? '').toLowerCase();
  const type = Object.hasOwn(SCHEMES, scheme) ? SCHEMES[scheme] : undefined;
  if (type === undefined) {
    return { kind: 'schemeUnknown', scheme };
  }
  const authority = match[2] ?? '';
  const at = authority.lastIndexOf('@');
  const userinfo = at < 0 ? undefined : authority.slice(0, at);
  const colon = userinfo?.indexOf(':') ?? -1;
  const username = decode((colon < 0 ? userinfo : userinfo?.slice(0, colon)) ?? '');
  const password = decode(colon < 0 ? '' : (userinfo?.slice(colon + 1) ?? ''));
  const path = decode(match[3] ?? '');
  const host = decode(authority.slice(at + 1));
  if (username === undefined || password === undefined || path === undefined || host === undefined) {
    return { kind: 'malformed', reason: 'invalid URL escape: write a literal % as %25' };
  }
  return {
    kind: 'url',
    url: {
      type,
      scheme,
      username: username === '' ? undefined : username,
      password: password === '' ? undefined : password,
      host,
      path,
      query: parseQuery(match[4] ?? ''),
    },
  };
};

/**
 * The root inside a bucket as Litestream spells it: cleaned, without leading slash; `.` for a URL without a path and empty
 * for one that ends in the slash after the host. The difference shows in the keys of s3 and oss.
 */
export const bucketRoot = (path: string): string =>
  path === '' ? '.' : posix.normalize(`/${path}`).replace(/^\/+|\/+$/g, '');

/** The same where an empty root and `.` are one. */
export const joinedRoot = (path: string): string => {
  const root = bucketRoot(path);
  return root === '.' ? '' : root;
};

/** Absolute cleaned path on a server; empty stays empty. */
export const serverPath = (path: string): string => (path === '' ? '' : posix.normalize(path));

/** A query parameter under its camelCase or its dashed name; empty counts as absent. */
export const queryValue = (url: ReplicaUrl | undefined, name: string, alias?: string): string | undefined => {
  const value = url?.query.get(name) ?? (alias === undefined ? undefined : url?.query.get(alias));
  return value === '' ? undefined : value;
};

/** A boolean query parameter: `true 1 t yes` in any case, everything else is false. */
export const queryFlag = (url: ReplicaUrl | undefined, name: string, alias: string): boolean | undefined => {
  const value = queryValue(url, name, alias);
  return value === undefined ? undefined : ['true', '1', 't', 'yes'].includes(value.toLowerCase());
};
