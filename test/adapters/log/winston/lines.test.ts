import { describe, expect, it } from 'vitest';
import { formatDuration } from '#adapters/log/winston/durations';
import { parseLogLevel } from '#adapters/log/winston/levels';
import { formatLine, type LineOptions, type LogEntry } from '#adapters/log/winston/lines';

const AT_MS = Date.UTC(2026, 2, 1, 9, 30, 0, 125);
const entry = (more: Partial<LogEntry> = {}): LogEntry => ({
  atMs: AT_MS,
  level: 'info',
  message: 'replicating to',
  attributes: { type: 's3', 'sync-interval': { durationMs: 1000 }, bucket: 'shop', endpoint: '' },
  ...more,
});
const options = (more: Partial<LineOptions> = {}): LineOptions => ({
  type: 'text',
  hasColours: false,
  zoneMinutesAt: () => 0,
  ...more,
});
const text = (attributes: LogEntry['attributes'], message = 'm'): string =>
  formatLine(entry({ attributes, message }), options()).replace('time=2026-03-01T09:30:00.125Z level=INFO ', '');

describe('log lines as text', () => {
  it('look like those of Litestream', () => {
    expect(formatLine(entry(), options())).toBe(
      'time=2026-03-01T09:30:00.125Z level=INFO msg="replicating to" type=s3 sync-interval=1s bucket=shop endpoint=""',
    );
  });

  it('show local time with its offset', () => {
    const at = (minutes: number): string => formatLine(entry(), options({ zoneMinutesAt: () => minutes })).slice(0, 34);
    expect(at(120)).toBe('time=2026-03-01T11:30:00.125+02:00');
    expect(at(-210)).toBe('time=2026-03-01T06:00:00.125-03:30');
  });

  it('quote values that are empty or hold a space, =, " or something that does not print', () => {
    expect(text({ a: 'b c', d: 'e=f', g: 'h"i', j: '' })).toBe('msg=m a="b c" d="e=f" g="h\\"i" j=""');
    expect(text({ a: 'x\ny\tz\u0000\u001b[31m' })).toBe('msg=m a="x\\ny\\tz\\x00\\x1b[31m"');
    expect(text({ a: 'back\\slash', b: 'back\\slash space ' })).toBe('msg=m a=back\\slash b="back\\\\slash space "');
    expect(text({ a: 'grüße', b: 'nb\u00a0sp', c: '\u2028' })).toBe('msg=m a=grüße b="nb\\u00a0sp" c="\\u2028"');
  });

  it('show numbers, TXIDs, truth values, durations and groups', () => {
    const attributes = {
      n: 1.5,
      big: 2n ** 64n - 1n,
      yes: true,
      absent: undefined,
      txid: { min: 1n, max: { deep: 'x y' } },
      backoff: { durationMs: 300_000 },
    };
    expect(text(attributes)).toBe(
      'msg=m n=1.5 big=18446744073709551615 yes=true txid.min=1 txid.max.deep="x y" backoff=5m0s',
    );
  });

  it('carry the five levels and the source', () => {
    const levels = (['trace', 'debug', 'info', 'warn', 'error'] as const).map(
      (level) => /level=(\w+)/.exec(formatLine(entry({ level }), options()))?.[1],
    );
    expect(levels).toEqual(['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR']);
    const source = { function: 'open', file: 'db.ts', line: 211 };
    expect(formatLine(entry({ source, attributes: {} }), options())).toBe(
      'time=2026-03-01T09:30:00.125Z level=INFO source=db.ts:211 msg="replicating to"',
    );
  });
});

describe('log lines as JSON', () => {
  it('are one object with durations in nanoseconds, groups nested and TXIDs exact', () => {
    const attributes = { ...entry().attributes, txid: { min: 2n ** 64n - 1n }, none: undefined, ok: false };
    expect(formatLine(entry({ attributes }), options({ type: 'json' }))).toBe(
      '{"time":"2026-03-01T09:30:00.125Z","level":"INFO","msg":"replicating to","type":"s3","sync-interval":1000000000,' +
        '"bucket":"shop","endpoint":"","txid":{"min":18446744073709551615},"ok":false}',
    );
  });

  it('carry the source as an object, and drop zeros at the end of the time', () => {
    const source = { function: 'open', file: 'db.ts', line: 211 };
    const at = (atMs: number): unknown =>
      JSON.parse(formatLine(entry({ atMs, source, attributes: {} }), options({ type: 'json' })));
    expect(at(AT_MS - 125)).toEqual({ time: '2026-03-01T09:30:00Z', level: 'INFO', source, msg: 'replicating to' });
    expect(at(AT_MS - 5)).toMatchObject({ time: '2026-03-01T09:30:00.12Z' });
  });

  it('stay one line whatever a value holds', () => {
    const line = formatLine(entry({ message: 'a\nb', attributes: { 'k"\n': 'v\r\n"' } }), options({ type: 'json' }));
    expect(line).not.toContain('\n');
    expect(JSON.parse(line)).toMatchObject({ msg: 'a\nb', 'k"\n': 'v\r\n"' });
  });
});

describe('log lines for people', () => {
  it('are short, with the message bare', () => {
    expect(formatLine(entry(), options({ type: 'pretty' }))).toBe(
      '09:30:00 INF replicating to type=s3 sync-interval=1s bucket=shop endpoint=""',
    );
    const source = { function: '', file: 'db.ts', line: 7 };
    expect(formatLine(entry({ level: 'warn', source, attributes: {} }), options({ type: 'pretty' }))).toBe(
      '09:30:00 WRN db.ts:7 replicating to',
    );
  });

  it('have colours only on a terminal, and no message brings its own', () => {
    const coloured = formatLine(entry({ level: 'error' }), options({ type: 'pretty', hasColours: true }));
    expect(coloured).toContain('\u001b[31mERR\u001b[0m');
    expect(formatLine(entry({ message: 'a\u001b[31mb\nc' }), options({ type: 'pretty' }))).toContain('a\\x1b[31mb\\nc');
  });
});

describe('durations', () => {
  it.each([
    [0, '0s'],
    [1000, '1s'],
    [60_000, '1m0s'],
    [1500, '1.5s'],
    [259_200_000, '72h0m0s'],
    [3_661_001, '1h1m1.001s'],
    [250, '250ms'],
    [1.5, '1.5ms'],
    [0.25, '250µs'],
    [0.000_001, '1ns'],
    [-60_000, '-1m0s'],
  ])('%d ms is %s', (durationMs, expected) => {
    expect(formatDuration(durationMs)).toBe(expected);
  });
});

describe('level words', () => {
  it('are known in any case; any other word is no level', () => {
    expect(['trace', 'Debug', 'INFO', 'warn', 'warning', 'Error'].map(parseLogLevel)).toEqual([
      'trace',
      'debug',
      'info',
      'warn',
      'warn',
      'error',
    ]);
    expect(['', 'verbose', 'info ', 'constructor'].map(parseLogLevel)).toEqual(Array(4).fill(undefined));
  });
});
