/** The grammar of the file: every key, its type and where it may stand. Defaults and ranges are in defaults.ts. */
import {
  boolean,
  duration,
  type Field,
  type Fields,
  integer,
  type ListElement,
  listOf,
  mapOf,
  mismatch,
  type ReadMap,
  readMap,
  size,
  text,
} from './fields.ts';

/** `age` in any shape: true when it asks for encryption, false when it is empty. Anything not understood asks for it. */
const age: Field<boolean> = (node) => {
  if (node.kind !== 'map') {
    return node.kind === 'list' ? node.items.length > 0 : node.text.trim() !== '';
  }
  return [...node.entries.values()].some(({ value }) =>
    value.kind === 'map' ? value.entries.size > 0 : value.kind === 'list' ? value.items.length > 0 : value.text !== '',
  );
};

/** A list of texts; one text counts as a list of one. */
const texts: Field<readonly string[]> = (node, key, reading) =>
  node.kind === 'scalar' ? [node.text] : listOf(text)(node, key, reading)?.map(({ value }) => value);

const snapshot = mapOf({ interval: duration, retention: duration });
const lease = mapOf({ enabled: boolean, ttl: duration });

/** Replica keys that a top-level value provides for every replica that does not set them. */
const inheritable = {
  'sync-interval': duration,
  'max-sync-ltx-files': integer,
  'auto-recover': boolean,
  'validation-interval': duration,
  lease,
  'max-backlog': size,
  age,
  'access-key-id': text,
  'secret-access-key': text,
  bucket: text,
  region: text,
  endpoint: text,
  'force-path-style': boolean,
  'skip-verify': boolean,
  'sign-payload': boolean,
  'require-content-md5': boolean,
  'storage-class': text,
  'part-size': size,
  concurrency: integer,
  'sse-customer-key': text,
  'sse-customer-key-path': text,
  'sse-customer-algorithm': text,
  'sse-kms-key-id': text,
  'account-name': text,
  'account-key': text,
  'sas-token': text,
  host: text,
  user: text,
  password: text,
  'key-path': text,
  'host-key': text,
  'concurrent-writes': boolean,
  'webdav-url': text,
  'webdav-username': text,
  'webdav-password': text,
  jwt: text,
  seed: text,
  creds: text,
  nkey: text,
  username: text,
  token: text,
  tls: boolean,
  'root-cas': texts,
  'client-cert': text,
  'client-key': text,
  'max-reconnects': integer,
  'reconnect-wait': duration,
  timeout: duration,
} satisfies Fields;

const replicaFields = {
  ...inheritable,
  name: text,
  type: text,
  url: text,
  path: text,
  retention: duration,
  'retention-check-interval': duration,
  'snapshot-interval': duration,
} satisfies Fields;

const replica: Field<RawReplica> = (node, key, reading) => {
  if (node.kind !== 'map') {
    return mismatch(node, key, reading, 'replica settings', 'write "url: SCHEME://…" or "path: …" below the key');
  }
  // One pattern wherever the replica stands, so that a key is reported as not in effect once.
  return readMap(node, { path: key.path, pattern: 'replica' }, reading, replicaFields);
};

const databaseFields = {
  path: text,
  dir: text,
  pattern: text,
  recursive: boolean,
  watch: boolean,
  'meta-path': text,
  'meta-dir': text,
  'max-depth': integer,
  'max-databases': integer,
  'monitor-interval': duration,
  'checkpoint-interval': duration,
  'busy-timeout': duration,
  'min-checkpoint-page-count': integer,
  'max-checkpoint-page-count': integer,
  'truncate-page-n': integer,
  'max-sync-wal-bytes': size,
  'restore-if-db-not-exists': boolean,
  drill: mapOf({ interval: duration, path: text }),
  snapshot,
  age,
  replica,
  replicas: listOf(replica),
} satisfies Fields;

const startupHookFields = { cmd: listOf(text) } satisfies Fields;

/** A list of startup hooks, or the one child command. */
const exec: Field<RawExec> = (node, key, reading) => {
  if (node.kind === 'scalar') {
    return { kind: 'command', command: node.text };
  }
  const hooks = listOf(mapOf(startupHookFields))(node, { path: key.path, pattern: 'exec' }, reading);
  return hooks === undefined ? undefined : { kind: 'hooks', hooks };
};

const hookFields = { cmd: listOf(text), url: text } satisfies Fields;
const hookList = listOf(mapOf(hookFields));

/** `retention:` must be a map; v0.3 and the guide write a duration below a replica, which some move to the top. */
const retention: Field<ReadMap<{ enabled: Field<boolean> }>> = (node, key, reading) =>
  node.kind === 'scalar'
    ? mismatch(node, key, reading, 'retention settings', 'a retention time belongs to snapshot.retention')
    : mapOf({ enabled: boolean })(node, key, reading);

const lagFields = { over: duration, run: hookList, cmd: listOf(text), url: text } satisfies Fields;

/** `hooks.lag` with its limit: one hook or several, `{over: 1m, cmd: […]}`, `{over: 1m, run: […]}` or a list of the first. */
const lag: Field<readonly ListElement<ReadMap<typeof lagFields>>[]> = (node, key, reading) => {
  if (node.kind === 'list') {
    return listOf(mapOf(lagFields))(node, key, reading);
  }
  const value = mapOf(lagFields)(node, key, reading);
  return value === undefined ? undefined : [{ value, at: node.at, index: 0 }];
};

/** Keys of the file itself. */
export const FILE_FIELDS = {
  ...inheritable,
  dbs: listOf(mapOf(databaseFields)),
  addr: text,
  'mcp-addr': text,
  'mcp-token': text,
  'mcp-read-only': boolean,
  'mcp-restore-dir': text,
  'inspect-addr': text,
  exec,
  socket: mapOf({ enabled: boolean, path: text, permissions: integer, required: boolean }),
  snapshot,
  levels: listOf(mapOf({ interval: duration, retention: duration })),
  validation: mapOf({ interval: duration }),
  'l0-retention': duration,
  'l0-retention-check-interval': duration,
  'verify-compaction': boolean,
  retention,
  'heartbeat-url': text,
  'heartbeat-interval': duration,
  'shutdown-sync-timeout': duration,
  'shutdown-sync-interval': duration,
  logging: mapOf({ level: text, type: text, stderr: boolean, source: boolean }),
  hooks: mapOf({ failure: hookList, recovery: hookList, lag, drill: hookList }),
  'state-path': text,
  'dormant-after': duration,
  strict: boolean,
} satisfies Fields;

/** The file as written: keys present, of the right type, not yet checked against each other. */
export type RawFile = ReadMap<typeof FILE_FIELDS>;

/** One entry of `dbs` as written. */
export type RawDatabase = ReadMap<typeof databaseFields>;

/** One replica as written. */
export type RawReplica = ReadMap<typeof replicaFields>;

/** One hook as written: a command or a URL. */
export type RawHook = ReadMap<typeof hookFields>;

/** `exec` as written: the child command, or commands to run once at the start. */
export type RawExec =
  | { readonly kind: 'command'; readonly command: string }
  | {
      readonly kind: 'hooks';
      readonly hooks: readonly ListElement<ReadMap<typeof startupHookFields>>[];
    };
/** Top-level values that replicas inherit. */
export type Inherited = ReadMap<typeof inheritable>;
/** Names of the keys replicas inherit. */
export const INHERITABLE_KEYS = Object.keys(inheritable) as readonly (keyof typeof inheritable)[];
