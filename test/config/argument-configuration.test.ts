import { describe, expect, it } from 'vitest';
import { configurationFromArguments } from '#config/argument-configuration';

const context = { cwd: '/srv', homeDirectory: '/home/u', env: {} };

describe('the configuration of command-line arguments', () => {
  it('is one database with defaults and a replica for each URL', () => {
    const { configuration } = configurationFromArguments('a.db', ['file:///b', 's3://c/d', 's3://e/f'], context);
    expect(configuration.databases).toMatchObject([
      { path: '/srv/a.db', metaPath: '/srv/.a.db-litestream', monitorIntervalMs: 1000, replicas: [{}, {}, {}] },
    ]);
    expect(configuration.databases[0]?.replicas.map(({ name, type }) => [name, type])).toEqual([
      ['file', 'file'],
      ['s3', 's3'],
      ['s3-2', 's3'],
    ]);
    expect(configuration).toMatchObject({ metricsAddress: undefined, mcp: undefined, socket: { enabled: false } });
  });

  it('is refused with the messages Litestream has', () => {
    const messageFor = (...urls: string[]): string => {
      try {
        configurationFromArguments('a.db', urls, context);
      } catch (error) {
        return error instanceof Error ? error.message : '';
      }
      return '';
    };
    expect(messageFor('/srv/out')).toBe('replica url scheme required: /srv/out');
    expect(messageFor('user:hunter2@host/x')).toBe('replica url scheme required: host/x');
    expect(messageFor('ftp://x/y')).toBe('unknown replica type in config: "ftp"');
    expect(messageFor('')).toContain('replica url scheme required');
    expect(messageFor('file:///b', 'file:///b')).toContain('same destination');
  });
});
