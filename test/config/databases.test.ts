import { describe, expect, it } from 'vitest';
import { readConfiguration } from '#config/configuration';
import { databaseInDirectory } from '#config/directory';
import { configurationError, describeFinding } from '#config/problems';

const read = (text: string, { env = {}, onlyDatabase }: { env?: Record<string, string>; onlyDatabase?: string } = {}) =>
  readConfiguration({
    file: '/x.yml',
    text,
    expandEnv: true,
    env,
    cwd: '/srv/app',
    homeDirectory: '/home/u',
    pid: 1,
    onlyDatabase,
  });

const valid = (result: ReturnType<typeof read>) => {
  if (result.kind === 'invalid') {
    throw configurationError(result.problems);
  }
  return result.configuration;
};

const messagesOf = (result: ReturnType<typeof read>): readonly string[] =>
  result.kind === 'invalid' ? result.problems.map(({ message }) => message) : [];

const warningsOf = (result: ReturnType<typeof read>): readonly string[] =>
  result.warnings.filter(({ message }) => !message.includes('not in effect')).map(describeFinding);

describe('one database entry', () => {
  it('has all defaults of the reference', () => {
    expect(valid(read('dbs:\n  - {path: a.db, replica: {path: backup}}')).databases).toEqual([
      {
        path: '/srv/app/a.db',
        metaPath: '/srv/app/.a.db-litestream',
        monitorIntervalMs: 1000,
        checkpointIntervalMs: 60_000,
        busyTimeoutMs: 1000,
        minCheckpointPageCount: 1000,
        truncatePageN: 121_359,
        maxSyncWalBytes: 67_108_864,
        restoreIfDbNotExists: false,
        drill: undefined,
        replicas: [
          {
            type: 'file',
            name: 'file',
            path: '/srv/app/backup',
            location: 'file:///srv/app/backup',
            syncIntervalMs: 1000,
            maxSyncLtxFiles: 256,
            autoRecover: false,
            snapshot: { intervalMs: 86_400_000, retentionMs: 86_400_000 },
            lease: { enabled: false, ttlMs: 30_000 },
            maxBacklogBytes: 10_737_418_240,
          },
        ],
      },
    ]);
  });

  it('reads every key', () => {
    const text = `
dbs:
  - path: sqlite:///srv/a.db
    meta-path: ~/meta
    monitor-interval: 2s
    checkpoint-interval: 0s
    busy-timeout: 0
    min-checkpoint-page-count: 1
    truncate-page-n: -1
    max-sync-wal-bytes: 1MiB
    restore-if-db-not-exists: yes
    drill: {interval: 1d, path: /tmp/drill}
    replica: {path: /b, sync-interval: 10s, max-sync-ltx-files: 0, auto-recover: on, lease: {enabled: true, ttl: 1m}}
`;
    expect(valid(read(text)).databases).toMatchObject([
      {
        path: '/srv/a.db',
        metaPath: '/home/u/meta',
        monitorIntervalMs: 2000,
        checkpointIntervalMs: 0,
        busyTimeoutMs: 0,
        minCheckpointPageCount: 1,
        truncatePageN: 0,
        maxSyncWalBytes: 1_048_576,
        restoreIfDbNotExists: true,
        drill: { intervalMs: 86_400_000, path: '/tmp/drill' },
        replicas: [
          { syncIntervalMs: 10_000, maxSyncLtxFiles: 0, autoRecover: true, lease: { enabled: true, ttlMs: 60_000 } },
        ],
      },
    ]);
  });

  it.each([
    ['path: /a.db', 'must specify replica for database'],
    ['{path: /a.db, replicas: []}', 'must specify replica for database'],
    ['{path: /a.db, replica: {path: /b}, replicas: [{path: /c}]}', "cannot specify 'replica' and 'replicas'"],
    ['{path: /a.db, dir: /d, pattern: x, replica: {path: /b}}', "cannot specify both 'path' and 'dir'"],
    ['{replica: {path: /b}}', "must specify either 'path' or 'dir'"],
    ['{path: "", replica: {path: /b}}', "must specify either 'path' or 'dir'"],
    ['{dir: /d, replica: {path: /b}}', "'pattern' is required when using 'dir'"],
    ['{dir: /d, pattern: "[", replica: {path: /b}}', "'pattern' is not a valid glob"],
    ['{path: /a.db, watch: true, replica: {path: /b}}', "'watch' can only be enabled with a directory"],
    ['{path: /a.db, recursive: true, replica: {path: /b}}', "'recursive' can only be used with 'dir'"],
    ['{path: /a.db, meta-dir: /m, replica: {path: /b}}', "'meta-dir' can only be used with 'dir'"],
    [
      '{dir: /d, pattern: x, meta-dir: /m, meta-path: /n, replica: {path: /b}}',
      "cannot specify both 'meta-path' and 'meta-dir'",
    ],
    ['{path: /a.db, monitor-interval: 0s, replica: {path: /b}}', 'monitor interval must be greater than 0 (got 0s)'],
    [
      '{path: /a.db, busy-timeout: -1s, replica: {path: /b}}',
      'dbs[/a.db].busy-timeout: must not be negative (got -1s)',
    ],
    ['{path: /a.db, max-sync-wal-bytes: -1, replica: {path: /b}}', 'must not be negative'],
    [
      '{path: /a.db, replica: {path: /b, sync-interval: 0s}}',
      'dbs[/a.db].replica.sync-interval: sync interval must be',
    ],
    ['{path: /a.db, replicas: [{path: /b, sync-interval: 0s}]}', 'dbs[/a.db].replicas[0].sync-interval: sync interval'],
    [
      '{path: /a.db, snapshot: {interval: 0s}, replica: {path: /b}}',
      'dbs[/a.db].snapshot.interval: snapshot interval must',
    ],
    ['', 'dbs[0]: the list element is empty'],
    ['{path: /a.db, replica: s3://b/x}', 'cannot unmarshal !!str `s3://b/x` into replica settings'],
  ])('refuses %j', (entry, token) => {
    expect(messagesOf(read(`dbs:\n  - ${entry}`))).toContainEqual(expect.stringContaining(token));
  });
});

describe('several replicas and repeated paths', () => {
  const three = `
dbs:
  - path: /a.db
    replicas: [{url: "s3://one/x"}, {url: "s3://two/x"}, {type: file, path: /mnt/x}]
`;

  it('names replicas after their type and counts further ones', () => {
    expect(valid(read(three)).databases[0]?.replicas.map(({ name }) => name)).toEqual(['s3', 's3-2', 'file']);
  });

  it('makes one database of entries with one path', () => {
    const repeated = `
dbs:
  - {path: /a.db, monitor-interval: 2s, snapshot: {interval: 1h}, replica: {url: "s3://one/x"}}
  - {path: /b.db, replica: {path: /b}}
  - {path: /x/../a.db, restore-if-db-not-exists: true, replica: {url: "s3://two/x"}}
  - {path: sqlite:///a.db, monitor-interval: 2s, replica: {type: file, path: /mnt/x}}
`;
    const { databases } = valid(read(repeated));
    expect(databases.map(({ path }) => path)).toEqual(['/a.db', '/b.db']);
    expect(databases[0]?.replicas.map(({ name, location }) => [name, location])).toEqual([
      ['s3', 's3://one/x'],
      ['s3-2', 's3://two/x'],
      ['file', 'file:///mnt/x'],
    ]);
    expect(databases[0]).toMatchObject({ monitorIntervalMs: 2000, restoreIfDbNotExists: true });
  });

  it('refuses repeated entries that disagree, naming key, values and entries', () => {
    const text = `
dbs:
  - {path: /a.db, busy-timeout: 2s, replica: {path: /b}}
  - {path: /a.db, busy-timeout: 3s, replica: {path: /c}}
`;
    expect(messagesOf(read(text))).toEqual([
      'database "/a.db" has two values of busy-timeout: 2s in database config #1, 3s in database config #2',
    ]);
  });

  it('refuses two replicas with one name or one destination', () => {
    expect(messagesOf(read('dbs: [{path: /a.db, replicas: [{name: x, path: /b}, {name: x, path: /c}]}]'))).toEqual([
      'two replicas of database /a.db have the name "x"',
    ]);
    const same = 'dbs: [{path: /a.db, replica: {path: /b}}, {path: /c.db, replica: {path: /x/../b}}]';
    expect(messagesOf(read(same))).toEqual([
      'replica of /c.db has the same destination as dbs[0].replica of /a.db: file:///b',
    ]);
    expect(messagesOf(read('dbs: [{path: /a.db, replicas: [{path: /b}, {path: /b}]}]'))).toHaveLength(1);
  });

  it('does not take a name that is given explicitly for a default', () => {
    const text = 'dbs: [{path: /a.db, replicas: [{path: /b}, {name: file, path: /c}]}]';
    expect(valid(read(text)).databases[0]?.replicas.map(({ name }) => name)).toEqual(['file-2', 'file']);
  });

  it('refuses two databases with one metadata directory', () => {
    const text =
      'dbs: [{path: /a.db, meta-path: /m, replica: {path: /b}}, {path: /c.db, meta-path: /m, replica: {path: /d}}]';
    expect(messagesOf(read(text))).toEqual([expect.stringContaining('meta-path collision')]);
  });
});

describe('snapshot schedules', () => {
  const schedulesOf = (text: string) =>
    valid(read(text)).databases.map(({ replicas }) => {
      const { intervalMs, retentionMs } = replicas[0]?.snapshot ?? { intervalMs: 0, retentionMs: 0 };
      return [intervalMs / 3_600_000, retentionMs / 3_600_000];
    });
  const two = (a: string, b: string, top = '') =>
    `${top}\ndbs:\n  - {path: /a.db, ${a} replica: {path: /b}}\n  - {path: /c.db, ${b} replica: {path: /d}}\n`;

  it('takes the value only one database sets for the whole file', () => {
    expect(schedulesOf(two('snapshot: {interval: 1h},', ''))).toEqual([
      [1, 24],
      [1, 24],
    ]);
  });

  it('lets the top level win', () => {
    const text = two('snapshot: {interval: 1h, retention: 2h},', '', 'snapshot: {interval: 5h}');
    expect(schedulesOf(text)).toEqual([
      [5, 2],
      [5, 2],
    ]);
    expect(warningsOf(read(text))).toEqual([expect.stringContaining('5h0m0s wins over 1h0m0s')]);
  });

  it('keeps differing values with their databases and warns with both', () => {
    const text = two('snapshot: {retention: 48h},', 'snapshot: {retention: 72h},');
    expect(schedulesOf(text)).toEqual([
      [24, 48],
      [24, 72],
    ]);
    expect(warningsOf(read(text))).toEqual([
      expect.stringContaining('conflicting database snapshot retentions: /a.db has 48h0m0s, /c.db has 72h0m0s'),
    ]);
  });

  it('lets the keys of v0.3 on a replica win', () => {
    const text =
      'snapshot: {interval: 5h}\ndbs: [{path: /a.db, replica: {path: /b, retention: 72h, snapshot-interval: 1h}}]';
    expect(schedulesOf(text)).toEqual([[1, 72]]);
  });
});

describe('directories', () => {
  const directoryOf = (entry: string) => {
    const [directory] = valid(read(`dbs:\n  - {dir: /data, pattern: "*.db", ${entry}}`)).directories;
    if (directory === undefined) {
      throw new Error('no directory was read');
    }
    return directory;
  };
  const placeOf = (entry: string) => {
    const { metaPath, replicas } = databaseInDirectory(directoryOf(entry), 'a/b.db');
    return [metaPath, replicas[0]?.location];
  };

  it('have their own defaults', () => {
    expect(directoryOf('replica: {path: /backup}')).toMatchObject({
      dir: '/data',
      pattern: '*.db',
      recursive: false,
      watch: false,
      metaPath: undefined,
      metaDir: undefined,
      maxDepth: 16,
      maxDatabases: 10_000,
    });
  });

  it.each([
    ['replica: {path: /backup}', '/data/a/.b.db-litestream', 'file:///backup/a/b.db'],
    ['meta-path: /m, replica: {url: "s3://bkt/base?region=x"}', '/m/a/.b.db-litestream', 's3://bkt/base/a/b.db'],
    ['meta-dir: /m, replica: {url: "s3://bkt"}', '/m/a/b.db-litestream', 's3://bkt/a/b.db'],
    ['replica: {type: gs, bucket: bkt, path: base}', '/data/a/.b.db-litestream', 'gs://bkt/base/a/b.db'],
    ['replica: {type: gs, bucket: bkt}', '/data/a/.b.db-litestream', 'gs://bkt/a/b.db'],
    ['replica: {url: "nats://h/bkt"}', '/data/a/.b.db-litestream', 'nats://h/bkt/a/b.db'],
    [
      'replica: {url: "s3://arn:aws:s3:us-east-2:1:accesspoint/ap"}',
      '/data/a/.b.db-litestream',
      's3://arn:aws:s3:us-east-2:1:accesspoint/ap/a/b.db',
    ],
  ])('places a database found with %s', (entry, metaPath, location) => {
    expect(placeOf(entry)).toEqual([metaPath, location]);
  });

  it('listed twice have the replicas of both', () => {
    const text = `
dbs:
  - {dir: /data, pattern: "*.db", replica: {path: /b}}
  - {dir: /data/, pattern: "*.db", replica: {path: /c}}
`;
    const { directories } = valid(read(text));
    expect(directories.map(({ replicas }) => replicas.map(({ name }) => name))).toEqual([['file', 'file-2']]);
  });
});

describe('commands for one database', () => {
  const text = 'dbs: [{path: /a.db, replica: {path: /b}}, {path: /broken.db, replica: {type: s3}}]';

  it('are told about other broken entries by warnings only', () => {
    const result = read(text, { onlyDatabase: '/a.db' });
    expect(valid(result).databases.map(({ path }) => path)).toEqual(['/a.db']);
    expect(warningsOf(result)).toEqual([expect.stringContaining('bucket required for s3 replica')]);
  });

  it('fail on their own entry', () => {
    expect(messagesOf(read(text, { onlyDatabase: '/broken.db' }))).toEqual(['bucket required for s3 replica']);
  });

  it('are refused when any entry asks for age encryption', () => {
    const aged =
      'dbs: [{path: /a.db, replica: {path: /b}}, {path: /c.db, replica: {path: /d, age: {recipients: [x]}}}]';
    expect(messagesOf(read(aged, { onlyDatabase: '/a.db' }))).toHaveLength(1);
  });
});
