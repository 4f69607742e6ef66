import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatDuration, parseDuration } from '#config/duration';
import { expandEnvironment } from '#config/environment';
import { splitExecCommand } from '#config/exec-words';
import { nearestName } from '#config/nearest-name';
import { expandPath, isReplicaUrl } from '#config/paths';
import { excerptOf, parseBoolean, parseInteger, tagOf } from '#config/scalar';
import { parseSize } from '#config/size';
import { ReplicationError } from '#errors/replication-error';

describe('durations', () => {
  it.each([
    ['1h30m', 5_400_000],
    ['1.5h', 5_400_000],
    ['500ms', 500],
    ['.5s', 500],
    ['1.s', 1000],
    ['100us', 0.1],
    ['100µs', 0.1],
    ['60ns', 0.00006],
    ['-1h', -3_600_000],
    ['+1s', 1000],
    ['0', 0],
    ['-0', 0],
    ['0s', 0],
    ['3d', 259_200_000],
    ['2w', 1_209_600_000],
  ])('reads %s as %d ms', (text, ms) => {
    expect(parseDuration(text)).toEqual({ kind: 'duration', ms });
  });

  it('tells a missing unit, an overflow and other text apart', () => {
    expect(parseDuration('10')).toEqual({ kind: 'missingUnit' });
    expect(parseDuration('1.5')).toEqual({ kind: 'missingUnit' });
    expect(parseDuration('2562048h')).toEqual({ kind: 'tooLarge' });
    for (const text of ['', 'soon', '1 s', '1y', '.s', '1h30', '--1s', '1e3s', 's']) {
      expect(parseDuration(text)).toEqual({ kind: 'malformed' });
    }
  });

  it.each([
    [60_000, '1m0s'],
    [86_400_000, '24h0m0s'],
    [500, '500ms'],
    [0, '0s'],
    [1500, '1.5s'],
    [0.00006, '60ns'],
    [0.1, '100µs'],
    [-3_600_000, '-1h0m0s'],
    [90_061_001, '25h1m1.001s'],
  ])('prints %d ms as %s', (ms, text) => {
    expect(formatDuration(ms)).toBe(text);
  });

  it('reads back what it prints', () => {
    fc.assert(
      fc.property(fc.integer({ min: -1e12, max: 1e12 }), (ms) => {
        expect(parseDuration(formatDuration(ms))).toEqual({ kind: 'duration', ms });
      }),
    );
  });
});

describe('sizes', () => {
  it.each([
    ['5MB', 5_000_000],
    ['5MiB', 5_242_880],
    ['1.5MB', 1_500_000],
    ['1.5MiB', 1_572_864],
    ['2.5GiB', 2_684_354_560],
    ['100', 100],
    ['1 MiB', 1_048_576],
    ['1mib', 1_048_576],
    ['1,000', 1000],
    ['10K', 10_000],
    ['7 b', 7],
  ])('reads %s as %d bytes', (text, bytes) => {
    expect(parseSize(text)).toEqual({ kind: 'size', bytes });
  });

  it('refuses other text and values above 2^63 - 1', () => {
    for (const text of ['', 'MB', '5XB', '-1', '1.2.3', 'five']) {
      expect(parseSize(text)).toEqual({ kind: 'invalid', reason: 'invalid size format' });
    }
    expect(parseSize('16EiB')).toEqual({ kind: 'invalid', reason: 'exceeds maximum' });
  });
});

describe('scalars', () => {
  it('reads booleans of YAML 1.1 in lower, title and upper case', () => {
    for (const word of ['true', 'True', 'TRUE', 'yes', 'on', 'On', 'y', 'Y']) {
      expect(parseBoolean(word)).toBe(true);
    }
    for (const word of ['false', 'No', 'OFF', 'n']) {
      expect(parseBoolean(word)).toBe(false);
    }
    for (const word of ['tRUE', '1', '', 'maybe']) {
      expect(parseBoolean(word)).toBeUndefined();
    }
  });

  it('reads integers of every base', () => {
    expect(['0600', '0o600', '0x1A', '0b11', '1_000', '-5', '0', '-0'].map(parseInteger)).toEqual([
      384, 384, 26, 3, 1000, -5, 0, 0,
    ]);
    expect(['08', '1.5', '', 'x', '9007199254740993'].map(parseInteger)).toEqual(Array(5).fill(undefined));
  });

  it('names the tag of a scalar and shows at most ten characters of it', () => {
    expect(tagOf('soon', false)).toBe('!!str');
    expect(tagOf('60', false)).toBe('!!int');
    expect(tagOf('60', true)).toBe('!!str');
    expect(tagOf('1.5', false)).toBe('!!float');
    expect(tagOf('true', false)).toBe('!!bool');
    expect(tagOf('yes', false)).toBe('!!str');
    expect(excerptOf('0123456789')).toBe('0123456789');
    expect(excerptOf('0123456789a')).toBe('0123456...');
  });
});

describe('environment references', () => {
  const env = { ROOT: '/data', EMPTY: '', 'A:-x': 'odd', PID: 'not this' };
  const expand = (text: string) => expandEnvironment(text, { env, pid: 7 });

  it.each([
    ['$ROOT/a', '/data/a'],
    ['$' + '{ROOT}a', '/dataa'],
    ['$ROOTa', ''],
    ['$PID $' + '{PID}', '7 7'],
    ['$' + '{A:-x}', 'odd'],
    ['$' + '{B:-x}', ''],
    ['a$$b', 'ab'],
    ['a$5c', 'ac'],
    ['$' + '{}x', 'x'],
    ['a$' + '{b', 'ab'],
    ['a$ b$', 'a$ b$'],
    ['$.', '$.'],
    ['# $EMPTY', '# '],
  ])('replaces %j by %j', (text, expected) => {
    expect(expand(text).text).toBe(expected);
  });

  it('names each unset variable once, with the place of its first use', () => {
    expect(expand('a: $ROOT\nb: $GONE\nc: $GONE $EMPTY').unset).toEqual([{ name: 'GONE', at: { line: 2, column: 4 } }]);
  });
});

describe('local paths', () => {
  const context = { cwd: '/srv/app', homeDirectory: '/home/u' };

  it.each([
    ['sqlite3:///data/a.db', '/data/a.db'],
    ['sqlite://./a.db', '/srv/app/a.db'],
    ['sqlite://~/a.db', '/home/u/a.db'],
    ['~', '/home/u'],
    ['~/x/../a.db', '/home/u/a.db'],
    ['~user/a.db', '/srv/app/~user/a.db'],
    ['a//b/./c/', '/srv/app/a/b/c'],
    ['/x/../y', '/y'],
  ])('expands %s to %s', (text, path) => {
    expect(expandPath(text, context)).toBe(path);
  });

  it('refuses ~ without a home directory', () => {
    expect(() => expandPath('~/a', { cwd: '/', homeDirectory: undefined })).toThrow(ReplicationError);
  });

  it('takes a URL for a replica unless its scheme is sqlite', () => {
    expect(['s3://b', 'sqlite:///a', 'sqlite3:///a', '/a', 'C:\\a'].map(isReplicaUrl)).toEqual([
      true,
      false,
      false,
      false,
      false,
    ]);
  });
});

describe('the exec command', () => {
  it.each([
    [`node "a b.js" --x='y z' q\\ r`, ['node', 'a b.js', '--x=y z', 'q r']],
    ['  true  ', ['true']],
    [`a "" ''`, ['a', '', '']],
    [`"a\\"b" '\\'`, ['a"b', '\\']],
    [`sh -c 'a; b && $C'`, ['sh', '-c', 'a; b && $C']],
  ])('splits %j', (command, words) => {
    expect(splitExecCommand(command)).toEqual({ kind: 'words', words });
  });

  it.each(['', '   ', `a 'b`, 'a "b', 'a; b', 'a && b', 'a | b', 'a > b', '(a)', 'a \\'])('refuses %j', (command) => {
    expect(splitExecCommand(command)).toMatchObject({
      kind: 'refused',
      reason: expect.stringContaining('cannot parse exec command') as string,
    });
  });
});

describe('nearest names', () => {
  it('finds a typing mistake and leaves strangers alone', () => {
    const known = ['sync-interval', 'secret-access-key', 'path'];
    expect(nearestName('sync-intervall', known)).toBe('sync-interval');
    expect(nearestName('secret_access_key', known)).toBe('secret-access-key');
    expect(nearestName('pth', known)).toBe('path');
    expect(nearestName('frobnicate', known)).toBeUndefined();
  });
});
