import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  ALL_STREAMS,
  DAEMON_STREAM,
  databaseStream,
  isWithinStream,
  levelStream,
  parseStream,
  replicaStream,
} from '#events/streams';

describe('names of streams', () => {
  it('are the places of actors', () => {
    expect(databaseStream('/data/app.db')).toBe('db:/data/app.db');
    expect(replicaStream('/data/app.db', 's3')).toBe('db:/data/app.db/replica:s3');
    expect(levelStream('/data/app.db', 's3', 9)).toBe('db:/data/app.db/replica:s3/level:9');
  });

  it('can be taken apart again, whatever the path and the name hold', () => {
    const text = fc.oneof(fc.string(), fc.stringMatching(/^[%:/a-z0-9A-F]*$/), fc.constant('/a/replica:x/level:1'));
    fc.assert(
      fc.property(text, text, (path, replica) => {
        expect(parseStream(databaseStream(path))).toEqual({ kind: 'database', path });
        expect(parseStream(replicaStream(path, replica))).toEqual({ kind: 'replica', path, replica });
        expect(parseStream(levelStream(path, replica, 3))).toEqual({ kind: 'level', path, replica, level: 3 });
      }),
    );
    expect(parseStream(DAEMON_STREAM)).toEqual({ kind: 'daemon' });
    for (const name of ['', 'db', 'other', 'db:/a/level:1', 'db:/a/replica:s3/level:x']) {
      expect(parseStream(name)).toBeUndefined();
    }
  });

  it('a database covers its replicas and levels, and no database whose path begins like its own', () => {
    const parent = databaseStream('/a');
    expect(isWithinStream(parent, parent)).toBe(true);
    expect(isWithinStream(levelStream('/a', 's3', 1), parent)).toBe(true);
    expect(isWithinStream(levelStream('/a', 's3', 1), replicaStream('/a', 's3'))).toBe(true);
    expect(isWithinStream(replicaStream('/a', 's33'), replicaStream('/a', 's3'))).toBe(false);
    for (const other of ['/ab', '/a/b', '/a/replica:s3'])
      expect(isWithinStream(databaseStream(other), parent)).toBe(false);
    expect(isWithinStream(DAEMON_STREAM, parent)).toBe(false);
    expect(isWithinStream(DAEMON_STREAM, ALL_STREAMS)).toBe(true);
  });
});
