import { describe, expect, it } from 'vitest';
import { replicaSettingsFromUrl } from '#config/argument-configuration';
import { readConfiguration } from '#config/configuration';
import { configurationError, describeFinding } from '#config/problems';
import { ReplicationError } from '#errors/replication-error';

const context = { cwd: '/srv/app', homeDirectory: '/home/u', env: {} as Record<string, string> };
const fromUrl = (url: string, env: Record<string, string> = {}) => replicaSettingsFromUrl(url, { ...context, env });

const read = (text: string, env: Record<string, string> = {}) =>
  readConfiguration({ ...context, env, file: '/x.yml', text, expandEnv: false, pid: 1 });

/** One replica written as lines of YAML, with lines at top level before it. */
const inFile = (replica: string, top = '', env: Record<string, string> = {}) => {
  const lines = replica.split('\n').map((line) => `      ${line}\n`);
  return read(`${top}\ndbs:\n  - path: /a.db\n    replica:\n${lines.join('')}`, env);
};

const settingsOf = (result: ReturnType<typeof read>) => {
  if (result.kind === 'invalid') {
    throw configurationError(result.problems);
  }
  return result.configuration.databases[0]?.replicas[0];
};

const messagesOf = (result: ReturnType<typeof read>): readonly string[] =>
  result.kind === 'invalid' ? result.problems.map(({ message }) => message) : [];

const warningsOf = (result: ReturnType<typeof read>): readonly string[] =>
  result.warnings.filter(({ message }) => !message.includes('not in effect')).map(describeFinding);

describe('replica URLs', () => {
  it.each([
    ['s3://foo/bar', { bucket: 'foo', path: 'bar', region: undefined, endpoint: undefined, forcePathStyle: false }],
    [
      's3://foo.localhost:9000/bar',
      { bucket: 'foo', path: 'bar', region: 'us-east-1', endpoint: 'http://localhost:9000', forcePathStyle: true },
    ],
    [
      's3://foo.s3.us-west-000.backblazeb2.com/bar',
      {
        bucket: 'foo',
        region: 'us-west-000',
        endpoint: 'https://s3.us-west-000.backblazeb2.com',
        forcePathStyle: true,
      },
    ],
    ['s3://mybkt.example.org/db', { bucket: 'mybkt.example.org', path: 'db', endpoint: undefined }],
    [
      's3://arn:aws:s3:us-east-2:123456789012:accesspoint/ap/a/b',
      { bucket: 'arn:aws:s3:us-east-2:123456789012:accesspoint/ap', region: 'us-east-2', path: 'a/b' },
    ],
    ['s3://arn:aws:s3:us-east-2:123456789012:accesspoint/ap', { path: '' }],
    [
      's3://b/db?endpoint=fly.storage.tigris.dev&region=auto',
      { endpoint: 'https://fly.storage.tigris.dev', region: 'auto', requireContentMd5: false, provider: 'tigris' },
    ],
    [
      's3://b/db?endpoint=localhost:9000',
      { endpoint: 'http://localhost:9000', forcePathStyle: true, provider: 'minio' },
    ],
    ['s3://b/db?endpoint=localhost:9000&forcePathStyle=false', { forcePathStyle: false }],
    ['s3://b/db?force-path-style=true', { forcePathStyle: true }],
    ['s3://b/db?partSize=6000000&concurrency=3', { partSizeBytes: 6_000_000, concurrency: 3 }],
    ['s3://b/db?endpoint=https://acc.r2.cloudflarestorage.com', { concurrency: 2, provider: 'r2' }],
    ['s3://b.s3.eu-west-1.amazonaws.com/p', { bucket: 'b', region: 'eu-west-1', endpoint: undefined }],
    ['s3://b.s3.amazonaws.com/p', { bucket: 'b', region: undefined }],
    [
      's3://b.nyc3.digitaloceanspaces.com/p',
      { bucket: 'b', region: 'nyc3', endpoint: 'https://nyc3.digitaloceanspaces.com', forcePathStyle: false },
    ],
    ['s3://b', { path: '.' }],
    ['s3://b/', { path: '' }],
    ['s3://b//a//db/', { path: 'a/db' }],
    ['s3://b/a%20b', { path: 'a b' }],
    ['gs://bkt/p/', { type: 'gs', bucket: 'bkt', path: 'p' }],
    ['gs://bkt', { type: 'gs', path: '' }],
    ['abs://acct@cont/p', { type: 'abs', accountName: 'acct', bucket: 'cont', path: 'p' }],
    ['abs://acct.blob.core.windows.net/cont/p/q', { type: 'abs', accountName: 'acct', bucket: 'cont', path: 'p/q' }],
    [
      'sftp://u:p@h:2222/srv/x',
      {
        type: 'sftp',
        host: 'h',
        port: 2222,
        user: 'u',
        password: 'p',
        path: '/srv/x',
        location: 'sftp://u@h:2222/srv/x',
      },
    ],
    ['sftp://u@h/srv//x/', { port: 22, password: undefined, path: '/srv/x/' }],
    ['nats://h:4222/bkt', { type: 'nats', url: 'nats://h:4222', bucket: 'bkt', path: '', auth: undefined }],
    ['nats://u:p@h/bkt/a/b', { path: 'a/b', auth: { kind: 'password', username: 'u', password: 'p' } }],
    [
      'oss://b.oss-cn-hangzhou.aliyuncs.com/x',
      { type: 'oss', bucket: 'b', region: 'cn-hangzhou', path: 'x', endpoint: undefined },
    ],
    [
      'oss://b.oss-eu-central-1-internal.aliyuncs.com/x',
      { region: 'eu-central-1', endpoint: 'https://oss-eu-central-1-internal.aliyuncs.com' },
    ],
    [
      'webdavs://u:p@h:8443/dav/x',
      { type: 'webdav', url: 'https://h:8443', username: 'u', password: 'p', path: '/dav/x' },
    ],
    ['webdav://h/x', { url: 'http://h', username: undefined }],
    ['file:///srv/backup/../b2', { type: 'file', path: '/srv/b2' }],
    ['file://a/b', { path: '/a/b' }],
    ['file:///a%20b', { path: '/a b' }],
  ])('%s', (url, expected) => {
    expect(fromUrl(url)).toMatchObject(expected);
  });

  it.each([
    ['ftp://x/y', 'STORAGE_UNKNOWN_SCHEME', 'unknown replica type in config: "ftp"'],
    ['/srv/backup', 'CONFIG_INVALID', 'replica url scheme required'],
    ['', 'CONFIG_INVALID', 'replica url scheme required'],
    ['file://', 'CONFIG_INVALID', 'file replica path required'],
    ['s3:///x', 'CONFIG_INVALID', 'bucket required for s3 replica'],
    ['s3://localhost:9000/x', 'CONFIG_INVALID', 'bucket required for s3 replica'],
    ['s3://127.0.0.1:9000/x', 'CONFIG_INVALID', 'an address is no bucket'],
    ['s3://arn:aws:s3:us-east-2:1:bucket/x', 'CONFIG_INVALID', 'invalid s3 access point arn'],
    ['s3://b/x?partSize=0', 'CONFIG_INVALID', 'must be a positive integer'],
    ['s3://b/x?concurrency=two', 'CONFIG_INVALID', 'must be a positive integer'],
    ['sftp://h/x', 'CONFIG_INVALID', 'user required for sftp replica'],
    ['sftp://u@/x', 'CONFIG_INVALID', 'host required for sftp replica'],
    ['nats://h', 'CONFIG_INVALID', 'bucket required for nats replica'],
    ['gs:///x', 'CONFIG_INVALID', 'bucket required for gs replica'],
    ['abs://cont/x', 'CONFIG_INVALID', 'account-name required for abs replica'],
    ['webdav:///x', 'CONFIG_INVALID', 'webdav-url required for webdav replica'],
    ['oss://b/', 'CONFIG_INVALID', 'path required for oss replica'],
    ['s3://b/%zz', 'CONFIG_INVALID', 'invalid URL escape'],
  ])('refuses %j', (url, code, token) => {
    let caught: unknown;
    try {
      fromUrl(url);
    } catch (error) {
      caught = error;
    }
    expect(caught).toBeInstanceOf(ReplicationError);
    expect(caught).toMatchObject({ code, retryable: false, message: expect.stringContaining(token) as string });
  });

  it('takes credentials and endpoints of the environment where the type has them', () => {
    expect(fromUrl('s3://b/x', { LITESTREAM_S3_ENDPOINT: 'http://m:9000' })).toMatchObject({
      endpoint: 'http://m:9000',
      forcePathStyle: true,
    });
    expect(fromUrl('abs://a@c', { LITESTREAM_AZURE_ACCOUNT_KEY: 'k', LITESTREAM_AZURE_SAS_TOKEN: '?s' })).toMatchObject(
      {
        accountKey: 'k',
        sasToken: 's',
      },
    );
    expect(fromUrl('oss://b/x', { OSS_ACCESS_KEY_ID: 'i', OSS_ACCESS_KEY_SECRET: 's' })).toMatchObject({
      accessKeyId: 'i',
      secretAccessKey: 's',
    });
  });
});

describe('replicas in a file', () => {
  it('lets the scheme beat the type and gcs mean gs', () => {
    expect(settingsOf(inFile('type: s3\nurl: gs://b/x'))).toMatchObject({ type: 'gs' });
    expect(settingsOf(inFile('type: gcs\nbucket: b'))).toMatchObject({ type: 'gs' });
    expect(warningsOf(inFile('url: gcs://b/x'))).toEqual([expect.stringContaining('write gs')]);
  });

  it('keeps the path of a key as it is written', () => {
    expect(settingsOf(inFile('type: s3\nbucket: b\npath: /db/'))).toMatchObject({ path: '/db/' });
    expect(settingsOf(inFile('type: s3\nbucket: b'))).toMatchObject({ path: '' });
  });

  it.each([
    ['url: s3://b/x\npath: y', 'cannot specify url & path for s3 replica'],
    ['url: s3://b/x\nbucket: y', 'cannot specify url & bucket for s3 replica'],
    ['url: sftp://u@h/x\nhost: y', 'cannot specify url & host for sftp replica'],
    ['url: webdav://h/x\nwebdav-url: http://y', 'cannot specify url & webdav-url for webdav replica'],
    ['path: s3://b/x', 'replica path cannot be a url'],
    ['url: /b/x', 'replica url scheme required'],
    ['type: nats\nbucket: b\nclient-cert: /c', 'client-cert and client-key must both'],
    ['url: s3://b/x\nconcurrency: 0', 'concurrency: must be at least 1'],
    ['path: /b\nmax-sync-ltx-files: -1', 'max-sync-ltx-files: must not be negative'],
    ['path: /b\nretention: 0s', 'retention: must be greater than 0 (got 0s)'],
    ['url: s3://b/x\nsse-customer-key: "?"', 'sse-customer-key is not valid base64'],
    ['url: s3://b/x\nsse-customer-key: QUJD', 'sse-customer-key must be 32 bytes after decoding (got 3)'],
    ['url: s3://b/x\nsse-customer-key: QUJD\nsse-kms-key-id: k', 'mutually exclusive'],
    ['url: s3://b/x\nsse-customer-algorithm: DES', 'sse-customer-algorithm must be AES256'],
    [
      `url: s3://b/x\nendpoint: http://s3.example.org\nsse-customer-key: ${'A'.repeat(43)}=`,
      'a customer key must not travel over plain HTTP',
    ],
    ['type: oss\nbucket: b\npath: p\naccess-key-id: a', 'must both be set for oss replica'],
  ])('refuses %j', (replica, token) => {
    expect(messagesOf(inFile(replica))).toContainEqual(expect.stringContaining(token));
  });

  it('inherits what the replica does not set and lets the URL beat an inherited value', () => {
    const top =
      'region: eu-central-1\nbucket: shared\nsync-interval: 2s\nskip-verify: true\npart-size: 8MiB\npassword: pw';
    expect(settingsOf(inFile('type: s3\npath: p\nregion: ""\nskip-verify: false', top))).toMatchObject({
      bucket: 'shared',
      region: 'eu-central-1',
      syncIntervalMs: 2000,
      skipVerify: false,
      partSizeBytes: 8 * 1024 * 1024,
    });
    expect(settingsOf(inFile('url: s3://own/p?region=us-west-1', top))).toMatchObject({
      bucket: 'own',
      region: 'us-west-1',
    });
    expect(settingsOf(inFile('url: s3://own/p?region=us-west-1\nregion: x', top))).toMatchObject({ region: 'x' });
    expect(settingsOf(inFile('type: nats\nbucket: b\nusername: u', top))).toMatchObject({
      auth: { kind: 'password', username: 'u', password: 'pw' },
    });
  });

  it('does not take the type, name, URL or path from the top', () => {
    expect(warningsOf(inFile('path: /b', 'url: s3://x/y\ntype: s3\nname: n'))).toHaveLength(3);
    expect(settingsOf(inFile('path: /b', 'url: s3://x/y\ntype: s3'))).toMatchObject({ type: 'file', name: 'file' });
  });

  it("keeps a bucket at Amazon's own host there, whatever the default endpoint", () => {
    const top = 'endpoint: http://minio.local:9000';
    expect(settingsOf(inFile('url: s3://b.s3.eu-west-1.amazonaws.com/x', top))).toMatchObject({ endpoint: undefined });
    expect(settingsOf(inFile('url: s3://b/x', top))).toMatchObject({ endpoint: 'http://minio.local:9000' });
  });

  it('lets an explicit path style beat the provider and a key beat the query', () => {
    expect(settingsOf(inFile('url: s3://b/x?forcePathStyle=true\nforce-path-style: no'))).toMatchObject({
      forcePathStyle: false,
    });
    expect(settingsOf(inFile('url: s3://b/x\nendpoint: s3.example.org'))).toMatchObject({
      endpoint: 'https://s3.example.org',
      forcePathStyle: true,
      region: 'us-east-1',
    });
  });

  it('warns about half a pair of keys, small parts and an unverified host', () => {
    expect(warningsOf(inFile('url: s3://b/x\naccess-key-id: a'))).toEqual([
      expect.stringContaining('access-key-id is given'),
    ]);
    expect(warningsOf(inFile('url: s3://b/x\npart-size: 5MB'))).toEqual([expect.stringContaining('5000000 bytes')]);
    expect(warningsOf(inFile('url: sftp://u@h/x'))).toEqual([expect.stringContaining('sftp host key not verified')]);
  });

  it('takes the account of the guide from a host that equals it', () => {
    const replica = 'url: abs://storage-account/container/app\naccount-name: storage-account\naccount-key: k';
    expect(settingsOf(inFile(replica))).toMatchObject({
      accountName: 'storage-account',
      bucket: 'container',
      path: 'app',
      accountKey: 'k',
    });
  });

  it('prefers credentials of NATS in the documented order', () => {
    const nats = 'type: nats\nbucket: b\n';
    expect(settingsOf(inFile(`${nats}jwt: j\nseed: s\ntoken: t`))).toMatchObject({ auth: { kind: 'jwt' } });
    expect(settingsOf(inFile(`${nats}jwt: j\ncreds: c\nnkey: n`))).toMatchObject({
      auth: { kind: 'creds', credsPath: '/srv/app/c' },
    });
    expect(settingsOf(inFile(`${nats}nkey: n\nseed: s`))).toMatchObject({ auth: { kind: 'nkey', seed: 's' } });
    expect(settingsOf(inFile(`${nats}username: u\ntoken: t`))).toMatchObject({ auth: { kind: 'token', token: 't' } });
    expect(settingsOf(inFile(`${nats}root-cas: [~/ca.pem]`))).toMatchObject({ tls: true, rootCas: ['/home/u/ca.pem'] });
  });
});
