import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { type FactLogPlace, factLogPath } from '#runtime/fact-log-path';

const CONFIGURATION = '/etc/litestream.yml';
const HASH = createHash('sha256').update(CONFIGURATION).digest('hex').slice(0, 12);
const place = (more: Partial<FactLogPlace> = {}): FactLogPlace => ({
  statePath: undefined,
  origin: { kind: 'configuration', path: CONFIGURATION },
  environment: {},
  userId: 1000,
  homeDirectory: '/home/me',
  ...more,
});

describe('the place of the fact log', () => {
  it.each([
    ['state-path first', place({ statePath: '/state', environment: { STATE_DIRECTORY: '/s' }, userId: 0 }), '/state'],
    ['then the directory systemd gives', place({ environment: { STATE_DIRECTORY: '/s:/t' }, userId: 0 }), '/s'],
    [
      'root has /var/lib/litestream',
      place({ userId: 0, environment: { XDG_STATE_HOME: '/x' } }),
      '/var/lib/litestream',
    ],
    [
      'then the XDG state folder',
      place({ environment: { STATE_DIRECTORY: '', XDG_STATE_HOME: '/x' } }),
      '/x/litestream',
    ],
    ['which must be absolute', place({ environment: { XDG_STATE_HOME: 'x' } }), '/home/me/.local/state/litestream'],
    ['and has a default', place(), '/home/me/.local/state/litestream'],
  ])('%s', (_, given, directory) => {
    expect(factLogPath(given)).toBe(`${directory}/facts-${HASH}.db`);
  });

  it('two configurations of one user have two logs', () => {
    const other = place({ origin: { kind: 'configuration', path: '/etc/other.yml' } });
    expect(factLogPath(other)).not.toBe(factLogPath(place()));
  });

  it('one database on the command line keeps it in its metadata directory', () => {
    const origin = { kind: 'database', metaPath: '/data/.app.db-litestream' } as const;
    expect(factLogPath(place({ origin, statePath: '/state' }))).toBe('/data/.app.db-litestream/facts.db');
  });
});
