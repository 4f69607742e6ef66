import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readConfiguration } from '#config/configuration';
import { FILE_FIELDS } from '#config/keys';
import { keysNotInEffect } from '#config/keys-in-effect';
import { configurationError, describeFinding } from '#config/problems';

const read = (text: string, env: Record<string, string> = {}) =>
  readConfiguration({ file: '/x.yml', text, expandEnv: true, env, cwd: '/srv/app', homeDirectory: '/home/u', pid: 1 });

const valid = (result: ReturnType<typeof read>) => {
  if (result.kind === 'invalid') {
    throw configurationError(result.problems);
  }
  return result.configuration;
};

const messagesOf = (result: ReturnType<typeof read>): readonly string[] =>
  result.kind === 'invalid' ? result.problems.map(({ message }) => message) : [];

const errorOf = (result: ReturnType<typeof read>) =>
  result.kind === 'invalid' ? configurationError(result.problems) : undefined;

const warningsOf = (result: ReturnType<typeof read>): readonly string[] =>
  result.warnings.filter(({ message }) => !message.includes('not in effect')).map(describeFinding);

const entry = 'dbs: [{path: /a.db, replica: {path: /b}}]\n';

describe('an empty file', () => {
  it.each(['', '# nothing\n', 'dbs:\n', 'dbs: []', '---\n', '~'])('%j has all defaults', (text) => {
    expect(valid(read(text))).toEqual({
      databases: [],
      directories: [],
      levels: [30_000, 300_000, 3_600_000].map((intervalMs, index) => ({
        level: index + 1,
        intervalMs,
        retentionMs: undefined,
      })),
      snapshot: { intervalMs: 86_400_000, retentionMs: 86_400_000 },
      l0RetentionMs: 300_000,
      l0RetentionCheckIntervalMs: 15_000,
      retentionEnabled: true,
      verifyCompaction: false,
      validationIntervalMs: 0,
      shutdownSyncTimeoutMs: 30_000,
      shutdownSyncIntervalMs: 500,
      heartbeat: undefined,
      metricsAddress: undefined,
      mcp: undefined,
      inspectAddress: undefined,
      exec: undefined,
      startupHooks: [],
      socket: { enabled: false, path: '/var/run/litestream.sock', permissions: 0o600, required: false },
      logging: { level: 'info', type: 'text', stderr: false, source: false },
      hooks: { failure: [], recovery: [], lag: { overMs: undefined, run: [] }, drill: [] },
      statePath: undefined,
      dormantAfterMs: undefined,
      strict: false,
    });
  });

  it('gives a frozen value', () => {
    const configuration = valid(read(entry));
    expect(Object.isFrozen(configuration.databases[0]?.replicas[0]?.snapshot)).toBe(true);
  });
});

describe('settings of the file', () => {
  it('reads every group', () => {
    const text = `
addr: ":9090"
mcp-addr: ":3001"
mcp-token: t
inspect-addr: "127.0.0.1:0"
exec: "node server.js"
socket: {enabled: true, permissions: 0660}
snapshot: {interval: 12h, retention: 14d}
levels: [{interval: 1m}, {interval: 15m, retention: 48h}]
validation: {interval: 6h}
verify-compaction: yes
retention: {enabled: false}
l0-retention: 0
heartbeat-url: https://health.example.org/ping/shop
shutdown-sync-timeout: 45s
logging: {level: WARNING, type: json, stderr: true}
hooks: {failure: [{cmd: [a, b]}], lag: {over: 1m, run: [{url: "https://x/y"}]}}
state-path: ~/state
dormant-after: 1h
`;
    expect(valid(read(text))).toMatchObject({
      metricsAddress: { host: '', port: 9090 },
      mcp: { address: { host: '127.0.0.1', port: 3001 }, token: 't', readOnly: true, restoreDirectory: undefined },
      inspectAddress: { host: '127.0.0.1', port: 0 },
      exec: 'node server.js',
      socket: { enabled: true, path: '/var/run/litestream.sock', permissions: 0o660 },
      snapshot: { intervalMs: 43_200_000, retentionMs: 1_209_600_000 },
      levels: [
        { level: 1, intervalMs: 60_000, retentionMs: undefined },
        { level: 2, intervalMs: 900_000, retentionMs: 172_800_000 },
      ],
      validationIntervalMs: 21_600_000,
      verifyCompaction: true,
      retentionEnabled: false,
      l0RetentionMs: 0,
      heartbeat: { url: 'https://health.example.org/ping/shop', intervalMs: 300_000 },
      shutdownSyncTimeoutMs: 45_000,
      logging: { level: 'warn', type: 'json', stderr: true },
      hooks: {
        failure: [{ kind: 'cmd', cmd: ['a', 'b'] }],
        lag: { overMs: 60_000, run: [{ kind: 'url', url: 'https://x/y' }] },
      },
      statePath: '/home/u/state',
      dormantAfterMs: 3_600_000,
    });
  });

  it.each([
    ['snapshot: {interval: 0s}', 'snapshot.interval: snapshot interval must be greater than 0 (got 0s)'],
    ['l0-retention: -1s', 'l0-retention: L0 retention must not be negative (got -1s)'],
    [
      'l0-retention-check-interval: 0s',
      'l0-retention-check-interval: L0 retention check interval must be greater than 0',
    ],
    ['shutdown-sync-timeout: -1s', 'shutdown-sync-timeout: shutdown sync timeout must not be negative (got -1s)'],
    ['shutdown-sync-interval: 0', 'shutdown-sync-interval: shutdown sync interval must be greater than 0 (got 0s)'],
    ['heartbeat-interval: 59s', 'heartbeat-interval: heartbeat interval must be at least 1 minute (got 59s)'],
    ['heartbeat-url: ftp://x', 'heartbeat-url: heartbeat URL must start with http:// or https://'],
    ['levels: [{retention: 1h}]', 'levels[0].interval: compaction interval must be greater than 0 (got 0s)'],
    ['levels: [{interval: 1h, retention: 0s}]', 'levels[0].retention: level retention must be greater than 0 (got 0s)'],
    ['levels:\n  -\n', 'levels[0]: the list element is empty'],
    ['addr: localhost', 'must specify port for bind address: "localhost"'],
    ['exec: "  "', 'cannot parse exec command: it is empty'],
    ['exec: [{cmd: []}]', 'exec[0].cmd: must be a non-empty list of words'],
    ['socket: {permissions: 01000}', 'socket.permissions: must be between 0 and 0777'],
    ['socket: {permissions: "0600"}', 'cannot unmarshal !!str `0600` into int'],
    [`socket: {path: /${'x'.repeat(107)}}`, 'socket.path: must not be longer than 107 bytes'],
    ['logging: {level: loud}', 'logging.level: unknown level "loud"'],
    ['hooks: {drill: [{}]}', 'hooks.drill[0]: must have either cmd'],
    ['retention: 72h', 'cannot unmarshal !!str `72h` into retention settings'],
    ['dbs: {path: /a.db}', 'cannot unmarshal !!map into list'],
    ['just text', 'cannot unmarshal !!str `just text` into the configuration'],
    ['part-size: 5XB', 'invalid size format: "5XB"'],
    ['addr: ":1"\naddr: ":2"', 'key "addr" is given twice, on lines 1 and 2'],
  ])('refuses %j', (text, token) => {
    expect(messagesOf(read(text))).toContainEqual(expect.stringContaining(token));
  });

  it('names snapshot.retention when the retention of v0.3 stands at the top', () => {
    expect(errorOf(read('retention: 72h'))?.message).toContain('snapshot.retention');
  });

  it('reads startup hooks from a list', () => {
    expect(valid(read('exec: [{cmd: [a, "b c"]}, {cmd: [d]}]'))).toMatchObject({
      exec: undefined,
      startupHooks: [['a', 'b c'], ['d']],
    });
  });

  it('lets LOG_LEVEL beat the file', () => {
    expect(valid(read('logging: {level: error}', { LOG_LEVEL: 'DEBUG' })).logging.level).toBe('debug');
  });

  it('reads hooks for lag in every form', () => {
    const run = [{ kind: 'cmd', cmd: ['a'] }];
    for (const lag of ['{over: 1m, cmd: [a]}', '{over: 1m, run: [{cmd: [a]}]}', '[{over: 1m, cmd: [a]}]']) {
      expect(valid(read(`hooks: {lag: ${lag}}`)).hooks.lag).toEqual({ overMs: 60_000, run });
    }
  });

  it('treats an explicit null as absent', () => {
    expect(valid(read('levels:\nsnapshot: {interval: ~}\nl0-retention: null')).levels).toHaveLength(3);
  });

  it('warns about an MCP listener that the network can reach without a token', () => {
    expect(warningsOf(read('mcp-addr: "0.0.0.0:3001"'))).toEqual([expect.stringContaining('set mcp-token')]);
    expect(warningsOf(read('mcp-addr: ":3001"'))).toEqual([]);
  });
});

describe('findings', () => {
  it('lists every problem with file, line, column and key in one error', () => {
    const text =
      'addr: localhost\nl0-retention: -1s\ndbs:\n  - path: /a.db\n    replica:\n      type: ftp\n      path: /b\n';
    expect(errorOf(read(text))).toMatchObject({
      code: 'CONFIG_INVALID',
      message:
        '3 problems in the configuration:\n' +
        '  must specify port for bind address: "localhost" [/x.yml:1:7 addr; write HOST:PORT or :PORT]\n' +
        '  l0-retention: L0 retention must not be negative (got -1s) [/x.yml:2:15 l0-retention]\n' +
        '  unknown replica type in config: "ftp" [/x.yml:6:13 dbs[0].replica.type; ' +
        'the types are abs, file, gs, nats, oss, s3, sftp, webdav]',
    });
  });

  it('warns about unknown keys with the nearest known one', () => {
    expect(warningsOf(read('dbs:\n  - path: /a.db\n    replica: {path: /b, sync-intervall: 1s}\n'))).toEqual([
      '/x.yml:3:25: dbs[0].replica.sync-intervall: field sync-intervall not found (did you mean sync-interval?)',
    ]);
  });

  it.each([
    ['strict: true\n', {}],
    ['', { LITESTREAM_CONFIG_STRICT: '1' }],
  ])('makes unknown keys errors in a strict file (%j)', (top, env) => {
    expect(errorOf(read(`${top}${entry}frob: 1`, env))?.message).toMatch(
      /^yaml: unmarshal errors:\n {2}line \d: field frob not found/,
    );
  });

  it('counts elements by their place in the file, also behind one that cannot be read', () => {
    const text = 'dbs:\n  -\n  - just text\n  - {path: /a.db}\n';
    const result = read(text);
    const keys = result.kind === 'invalid' ? result.problems.map(({ key, at }) => `${key} ${at.line}`) : [];
    expect(keys).toEqual(['dbs[0] 2', 'dbs[1] 3', 'dbs[2] 4']);
  });

  it('finds the line and column of a bad value wherever it stands', () => {
    const good = ['addr: ":1"', 'l0-retention: 1m', 'region: x', '# note', '', 'exec: "true"', 'strict: false'];
    fc.assert(
      fc.property(
        fc.shuffledSubarray(good),
        fc.nat({ max: good.length }),
        fc.nat({ max: 5 }),
        (lines, place, spaces) => {
          const at = Math.min(place, lines.length);
          const bad = `shutdown-sync-timeout:${' '.repeat(spaces + 1)}soon`;
          const result = read([...lines.slice(0, at), bad, ...lines.slice(at)].join('\n'));
          const problems = result.kind === 'invalid' ? result.problems : [];
          expect(problems.map(({ key, at: found }) => [key, found])).toEqual([
            ['shutdown-sync-timeout', { line: at + 1, column: bad.indexOf('soon') + 1 }],
          ]);
        },
      ),
    );
  });

  it('tells commands for one database of another broken entry by a warning also in a strict file', () => {
    const text =
      'strict: true\ndbs: [{path: /a.db, replica: {path: /b}}, {path: /c.db, replica: {path: /d, snapshot-interval: 1h}}]';
    const input = { file: '/x.yml', text, expandEnv: true, env: {}, cwd: '/', homeDirectory: '/', pid: 1 };
    expect(readConfiguration(input).kind).toBe('invalid');
    expect(readConfiguration({ ...input, onlyDatabase: '/a.db' }).kind).toBe('valid');
  });

  it('warns once for every unset variable', () => {
    expect(warningsOf(read(`${entry}# $GONE $GONE\n`))).toEqual([
      '/x.yml:2:3: environment variable GONE is not set and was replaced by nothing (set it, or use -no-expand-env)',
    ]);
  });

  it('says once for each key that it is not in effect yet, also in a strict file', () => {
    const text =
      'strict: true\ndbs: [{path: /a.db, replicas: [{path: /b, lease: {enabled: true}}, {path: /c, lease: {enabled: true}}]}]';
    const expected = keysNotInEffect.includes('replica.lease') ? ['replica.lease is not in effect yet'] : [];
    expect(read(text)).toMatchObject({ kind: 'valid', warnings: expected.map((message) => ({ message })) });
  });

  it('knows every key that is listed as not in effect', () => {
    const tops = keysNotInEffect.filter((key) => !key.startsWith('type: ') && !key.startsWith('replica.'));
    const names = tops.map((key) => /^[a-z0-9-]+/.exec(key)?.[0] ?? key);
    expect(names.filter((name) => !Object.hasOwn(FILE_FIELDS, name))).toEqual([]);
  });
});

describe('age', () => {
  it.each([
    [
      'a replica',
      'dbs:\n  - path: /a.db\n    replica:\n      path: /b\n      age: {recipients: [age1x]}\n',
      '/x.yml:5:12',
      'database /a.db',
    ],
    [
      'a database',
      'dbs:\n  - path: /a.db\n    age: {identities: [k]}\n    replica: {path: /b}\n',
      '/x.yml:3:10',
      'database /a.db',
    ],
    ['the top', 'age: {recipients: [age1x]}\n', '/x.yml:1:6', 'every replica of the file'],
    ['a text', 'age: AGE-SECRET-KEY-1XYZ\n', '/x.yml:1:6', 'every replica of the file'],
  ])('is refused on %s with the known sentence, the place and whom it concerns', (_where, text, place, whom) => {
    const error = errorOf(read(text));
    expect(error).toMatchObject({
      code: 'AGE_NOT_SUPPORTED',
      hint: expect.stringContaining('remove the age section') as string,
    });
    expect(error?.message).toMatch(
      /^age encryption is not currently supported, if you need encryption please revert back to Litestream v0\.3\.x/,
    );
    expect(error?.message).toContain(place);
    expect(error?.message).toContain(whom);
    expect(error?.message).not.toMatch(/age1x|AGE-SECRET/);
  });

  it.each(['age: {}', 'age: {recipients: [], identities: []}'])('is a warning when empty (%s)', (text) => {
    expect(valid(read(text)).databases).toEqual([]);
    expect(warningsOf(read(text))).toEqual([expect.stringContaining('age is empty')]);
  });
});

describe('YAML', () => {
  it('supports anchors, aliases and merges', () => {
    const text =
      'dbs:\n  - &one {path: /a.db, monitor-interval: 2s, replica: {path: /b}}\n  - {<<: *one, path: /c.db, replica: {path: /d}}\n';
    expect(valid(read(text)).databases).toMatchObject([
      { path: '/a.db', monitorIntervalMs: 2000 },
      { path: '/c.db', monitorIntervalMs: 2000, replicas: [{ path: '/d' }] },
    ]);
  });

  it('keeps texts as they are written', () => {
    const text =
      'dbs: [{path: /a.db, replica: {type: sftp, host: h, user: on, password: 0123, host-key: x, path: 12:34}}]';
    expect(valid(read(text)).databases[0]?.replicas[0]).toMatchObject({ user: 'on', password: '0123', path: '12:34' });
  });

  it('reads only the first document', () => {
    expect(valid(read(`${entry}---\ndbs: [`)).databases).toHaveLength(1);
  });

  it.each([
    '['.repeat(20_000),
    '- '.repeat(20_000),
    '{a: '.repeat(3000),
    '&a [*a]',
    `a: ${'&x '.repeat(2)}1`,
    '*x',
    '? {a: b}\n: c',
  ])('refuses what cannot be read without failing otherwise (%#)', (text) => {
    expect(errorOf(read(text))).toMatchObject({ code: 'CONFIG_INVALID' });
  });

  it.each(['['.repeat(20_000), '- '.repeat(20_000)])('refuses deep nesting before it is composed (%#)', (text) => {
    expect(messagesOf(read(text))).toEqual(['yaml: line 1: nested too deeply']);
  });

  it('never throws, whatever the text', () => {
    const words = [
      'dbs',
      'path',
      'replica',
      'replicas',
      'age',
      'levels',
      'exec',
      'hooks',
      'lag',
      'snapshot',
      '- ',
      ': ',
      '\n',
      '  ',
      '[',
      ']',
      '{',
      '}',
      '"',
      '*a',
      '&a ',
      '<<',
      '~',
      '1s',
      's3://b',
      '!!x ',
      '|',
      '\t',
      '$',
      '%',
      '@',
    ];
    const soup = fc
      .array(fc.oneof(fc.constantFrom(...words), fc.string({ maxLength: 3 })), { maxLength: 40 })
      .map((parts) => parts.join(''));
    fc.assert(
      fc.property(soup, (text) => {
        const result = read(text);
        return result.kind === 'valid' || configurationError(result.problems).message.length > 0;
      }),
      { numRuns: 2000 },
    );
  });

  it('never throws for known keys with values of any shape', () => {
    const { tree } = fc.letrec<{ tree: unknown }>((tie) => ({
      tree: fc.oneof(
        { maxDepth: 4 },
        fc.constantFrom('', '0', '-1s', 'x', 's3://b/c', '[', 'true', '~'),
        fc.array(tie('tree'), { maxLength: 3 }),
        fc.dictionary(
          fc.constantFrom(
            ...Object.keys(FILE_FIELDS),
            'path',
            'dir',
            'replica',
            'replicas',
            'url',
            'interval',
            'cmd',
            'run',
          ),
          tie('tree'),
          { maxKeys: 5 },
        ),
      ),
    }));
    fc.assert(
      fc.property(tree, (value) => {
        const result = read(JSON.stringify(value));
        return result.kind === 'valid' || configurationError(result.problems).message.length > 0;
      }),
      { numRuns: 1000 },
    );
  });
});

describe('secrets', () => {
  const SECRET = 'hunter2-Zq9';
  const secretKeys = [
    'secret-access-key',
    'password',
    'sas-token',
    'account-key',
    'jwt',
    'seed',
    'token',
    'webdav-password',
    'sse-customer-key',
  ];

  it.each(['s3', 'abs', 'nats', 'sftp', 'webdav', 'oss', 'gs', 'file', 'ftp'])(
    'of a %s replica appear in no message',
    (type) => {
      const lines = secretKeys.map((key) => `      ${key}: ${SECRET}\n`).join('');
      const broken = `dbs:\n  - path: /a.db\n    replica:\n      type: ${type}\n      concurrency: 0\n      endpoint: http://u:${SECRET}@h\n${lines}`;
      const result = read(broken);
      expect(result.kind).toBe('invalid');
      expect(errorOf(result)?.message).not.toContain(SECRET);
      expect(JSON.stringify(result.warnings)).not.toContain(SECRET);
    },
  );

  it.each(['s3', 'sftp', 'webdav', 'nats', 'gs', 'ftp', 'abs', 'oss', 'file'])(
    'of a %s URL appear in no message and no location',
    (scheme) => {
      const url = `${scheme}://user:${SECRET}@host/x?secret=${SECRET}`;
      const once = read(`dbs: [{path: /a.db, replica: {url: "${url}", path: y}}]`);
      expect(JSON.stringify([errorOf(once)?.message, once.warnings])).not.toContain(SECRET);
      const twice = read(`dbs: [{path: /a.db, replicas: [{url: "${url}"}, {url: "${url}"}]}]`);
      expect(twice.kind).toBe('invalid');
      expect(JSON.stringify([errorOf(twice)?.message, twice.warnings])).not.toContain(SECRET);
    },
  );

  it.each([
    `password: *${SECRET}`,
    `password: "${SECRET}`,
    `password: @${SECRET}`,
    `password: a: ${SECRET}`,
    `password: [${SECRET}`,
    `heartbeat-url: ${SECRET}`,
    `password: {${SECRET}: 1}`,
  ])('in text that is not YAML appear in no message (%#)', (text) => {
    const result = read(text);
    expect(result.kind).toBe('invalid');
    expect(errorOf(result)?.message).not.toContain(SECRET);
  });
});
