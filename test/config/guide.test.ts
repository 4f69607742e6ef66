/** The configurations of Litestream's migration guide and the annotated example of the documentation must load. */
import { describe, expect, it } from 'vitest';
import { readConfiguration } from '#config/configuration';
import { configurationError } from '#config/problems';

const read = (text: string, env: Record<string, string> = {}) => {
  const result = readConfiguration({
    file: '/etc/litestream.yml',
    text,
    expandEnv: true,
    env,
    cwd: '/',
    homeDirectory: '/root',
    pid: 1,
  });
  if (result.kind === 'invalid') {
    throw configurationError(result.problems);
  }
  return result.configuration;
};

const HOUR = 3_600_000;

describe('configurations of the migration guide', () => {
  it('give the same result in the old and the new format', () => {
    const old = read('dbs:\n  - path: /a.db\n    replicas:\n      - url: s3://b/a\n        retention: 72h\n');
    const current = read('dbs:\n  - path: /a.db\n    replica:\n      url: s3://b/a\n      retention: 72h\n');
    expect(old).toEqual(current);
    expect(old.databases[0]?.replicas[0]?.snapshot.retentionMs).toBe(72 * HOUR);
  });

  it('override defaults', () => {
    const text =
      'mcp-addr: ":3001"\nsnapshot: {interval: 24h, retention: 168h}\n' +
      'levels:\n  - {interval: 1h, retention: 24h}\n  - {interval: 24h, retention: 168h}\n';
    expect(read(text)).toMatchObject({
      mcp: { address: { port: 3001 } },
      snapshot: { intervalMs: 24 * HOUR, retentionMs: 168 * HOUR },
      levels: [
        { level: 1, intervalMs: HOUR, retentionMs: 24 * HOUR },
        { level: 2, intervalMs: 24 * HOUR, retentionMs: 168 * HOUR },
      ],
    });
  });

  it('have several destinations in a list or in entries of one path', () => {
    const list =
      'dbs:\n  - path: /a.db\n    replicas:\n      - url: s3://one/a\n      - url: s3://two/a\n      - {type: file, path: /mnt/a}\n';
    const entries =
      'dbs:\n  - {path: /a.db, replica: {url: "s3://one/a"}}\n  - {path: /a.db, replica: {url: "s3://two/a"}}\n' +
      '  - {path: /a.db, replica: {type: file, path: /mnt/a}}\n';
    expect(read(list)).toEqual(read(entries));
    expect(read(list).databases[0]?.replicas.map(({ name }) => name)).toEqual(['s3', 's3-2', 'file']);
  });

  it('move from S3 to NATS, Google and Azure', () => {
    const text = `
dbs:
  - {path: /n.db, replica: {type: nats, url: "nats://h:4222/bucket", username: u, password: "\${NATS_PASSWORD}"}}
  - {path: /g.db, replica: {url: "gs://b/app"}}
  - path: /z.db
    replica: {url: "abs://storage-account/container/app", account-name: "\${ACCOUNT}", account-key: "\${KEY}"}
`;
    const env = { NATS_PASSWORD: 'pw', ACCOUNT: 'storage-account', KEY: 'k' };
    expect(read(text, env).databases.map(({ replicas }) => replicas[0])).toMatchObject([
      { type: 'nats', bucket: 'bucket', auth: { kind: 'password', username: 'u', password: 'pw' } },
      { type: 'gs', bucket: 'b', path: 'app' },
      { type: 'abs', accountName: 'storage-account', bucket: 'container', path: 'app', accountKey: 'k' },
    ]);
  });
});

describe('a large configuration', () => {
  const text = `
access-key-id: \${BACKUP_KEY_ID}
secret-access-key: \${BACKUP_SECRET}
region: eu-central-1
sync-interval: 2s
addr: "127.0.0.1:9090"          # Prometheus metrics
exec: "node /srv/shop/server.js --port 8080"
socket: {enabled: true, path: /run/litestream.sock, permissions: 0660}
dbs:
  - path: /srv/shop/orders.db
    restore-if-db-not-exists: true
    replica: {url: "s3://shop-backup/orders", storage-class: STANDARD_IA}
  - path: /srv/shop/users.db
    replicas:
      - {name: primary, url: "s3://shop-backup/users"}
      - name: offsite
        url: sftp://backup@vault.example.org:2222/srv/backup/users
        key-path: /etc/litestream/id_ed25519
        host-key: ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIExampleExampleExampleExample
  - path: sqlite:///srv/shop/search.db
    replica: {type: s3, bucket: shop, path: search, endpoint: "http://minio.local:9000", part-size: 16MiB}
  - dir: /srv/shop/tenants
    pattern: "*.db"
    recursive: true
    watch: true
    meta-dir: /var/lib/litestream
    replica: {url: "gs://shop-tenants/live", sync-interval: 10s}
`;

  it('loads as documented', () => {
    const { databases, directories } = read(text, { BACKUP_KEY_ID: 'id', BACKUP_SECRET: 'secret' });
    expect(databases).toMatchObject([
      {
        path: '/srv/shop/orders.db',
        restoreIfDbNotExists: true,
        replicas: [
          {
            type: 's3',
            region: 'eu-central-1',
            accessKeyId: 'id',
            secretAccessKey: 'secret',
            syncIntervalMs: 2000,
            storageClass: 'STANDARD_IA',
          },
        ],
      },
      {
        path: '/srv/shop/users.db',
        replicas: [{ name: 'primary' }, { name: 'offsite', keyPath: '/etc/litestream/id_ed25519' }],
      },
      {
        path: '/srv/shop/search.db',
        replicas: [{ endpoint: 'http://minio.local:9000', partSizeBytes: 16_777_216, provider: 'minio' }],
      },
    ]);
    expect(directories).toMatchObject([
      { dir: '/srv/shop/tenants', metaDir: '/var/lib/litestream', replicas: [{ type: 'gs', syncIntervalMs: 10_000 }] },
    ]);
  });
});
