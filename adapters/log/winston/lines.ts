/**
 * The three forms of a log line, as in Litestream's log:
 *
 *   text     time=2026-03-01T09:30:00.125Z level=INFO msg="replicating to" type=s3 sync-interval=1s
 *   json     {"time":"2026-03-01T09:30:00.125Z","level":"INFO","msg":"replicating to","type":"s3","sync-interval":1000000000}
 *   pretty   09:30:00 INF replicating to type=s3 sync-interval=1s
 */
import type { LogAttributes, LogDuration, LogLevel, LogValue } from '#ports/log';
import { durationNanoseconds, formatDuration } from './durations.ts';

/** The forms a configuration may choose. */
export type LogType = 'text' | 'json' | 'pretty';

/** Where in the code a line was written. */
export interface LogSource {
  readonly function: string;
  readonly file: string;
  readonly line: number;
}

/** One line before it has a form. */
export interface LogEntry {
  readonly atMs: number;
  readonly level: LogLevel;
  readonly message: string;
  readonly attributes: LogAttributes;
  readonly source?: LogSource | undefined;
}

/** What a form may vary with. */
export interface LineOptions {
  readonly type: LogType;
  /** Colours for a terminal; `pretty` only. */
  readonly hasColours: boolean;
  /** Minutes that the local zone is ahead of UTC at a moment. */
  readonly zoneMinutesAt: (atMs: number) => number;
}

const LEVEL_NAMES = { trace: 'TRACE', debug: 'DEBUG', info: 'INFO', warn: 'WARN', error: 'ERROR' } as const;
const SHORT_LEVEL_NAMES = { trace: 'TRACE', debug: 'DBG', info: 'INF', warn: 'WRN', error: 'ERR' } as const;
const LEVEL_COLOURS = { trace: 90, debug: 90, info: 32, warn: 33, error: 31 } as const;

/** The line without its end. */
export const formatLine = (entry: LogEntry, options: LineOptions): string => {
  const local = localTime(entry.atMs, options.zoneMinutesAt(entry.atMs));
  switch (options.type) {
    case 'text':
      return textLine(entry, local);
    case 'json':
      return jsonLine(entry, local);
    case 'pretty':
      return prettyLine(entry, local, options.hasColours);
  }
};

interface LocalTime {
  /** `2026-03-01T09:30:00.125` */
  readonly stamp: string;
  /** `Z` or `+02:00` */
  readonly zone: string;
}

const two = (value: number): string => String(value).padStart(2, '0');

const localTime = (atMs: number, zoneMinutes: number): LocalTime => {
  const stamp = new Date(atMs + zoneMinutes * 60_000).toISOString().slice(0, -1);
  if (zoneMinutes === 0) return { stamp, zone: 'Z' };
  const size = Math.abs(zoneMinutes);
  return { stamp, zone: `${zoneMinutes < 0 ? '-' : '+'}${two(Math.floor(size / 60))}:${two(size % 60)}` };
};

const textLine = ({ level, message, attributes, source }: LogEntry, { stamp, zone }: LocalTime): string => {
  const parts = [`time=${stamp}${zone}`, `level=${LEVEL_NAMES[level]}`];
  if (source !== undefined) parts.push(`source=${quoteIfNeeded(`${source.file}:${source.line}`)}`);
  parts.push(`msg=${quoteIfNeeded(message)}`);
  appendPairs(parts, attributes, '');
  return parts.join(' ');
};

const prettyLine = (
  { level, message, attributes, source }: LogEntry,
  { stamp }: LocalTime,
  hasColours: boolean,
): string => {
  const paint = (colour: number, text: string): string => (hasColours ? `\u001b[${colour}m${text}\u001b[0m` : text);
  const parts = [paint(90, stamp.slice(11, 19)), paint(LEVEL_COLOURS[level], SHORT_LEVEL_NAMES[level])];
  if (source !== undefined) parts.push(paint(90, `${source.file}:${source.line}`));
  parts.push(escapeControls(message));
  const pairs: string[] = [];
  appendPairs(pairs, attributes, '');
  return [...parts, ...pairs.map((pair) => paint(90, pair))].join(' ');
};

/** Groups become dotted keys; an absent value is left out. */
const appendPairs = (parts: string[], attributes: LogAttributes, prefix: string): void => {
  for (const [key, value] of Object.entries(attributes)) {
    if (value === undefined) continue;
    if (isGroup(value)) appendPairs(parts, value, `${prefix}${key}.`);
    else parts.push(`${quoteIfNeeded(`${prefix}${key}`)}=${quoteIfNeeded(textOf(value))}`);
  }
};

type LogScalar = string | number | bigint | boolean | LogDuration;

const isDuration = (value: object): value is LogDuration =>
  'durationMs' in value && typeof value.durationMs === 'number' && Object.keys(value).length === 1;

const isGroup = (value: LogValue): value is { readonly [key: string]: LogValue } =>
  typeof value === 'object' && !isDuration(value);

const textOf = (value: LogScalar): string =>
  typeof value === 'object' ? formatDuration(value.durationMs) : String(value);

// Separators other than the space, controls, formats, unassigned and lone surrogates: what does not print.
const NEEDS_QUOTES = /[\s="\p{C}\p{Z}]/u;
const UNPRINTABLE = /[\p{C}\p{Zl}\p{Zp}]|(?! )\p{Zs}/gu;

const SHORT_ESCAPES: Readonly<Record<string, string>> = {
  '\u0007': '\\a',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
};

const escapeControls = (text: string): string =>
  text.replace(UNPRINTABLE, (character) => {
    const short = SHORT_ESCAPES[character];
    if (short !== undefined) return short;
    const code = character.codePointAt(0) ?? 0;
    if (code < 0x80) return `\\x${code.toString(16).padStart(2, '0')}`;
    if (code < 0x1_0000) return `\\u${code.toString(16).padStart(4, '0')}`;
    return `\\U${code.toString(16).padStart(8, '0')}`;
  });

/** Double quotes with backslash escapes when the text is empty or has a space, `=`, `"` or something that does not print. */
const quoteIfNeeded = (text: string): string => {
  if (text !== '' && !NEEDS_QUOTES.test(text)) return text;
  return `"${escapeControls(text.replace(/[\\"]/g, '\\$&'))}"`;
};

const jsonLine = ({ level, message, attributes, source }: LogEntry, { stamp, zone }: LocalTime): string => {
  const time = `${stamp.replace(/\.?0+$/, '')}${zone}`;
  const parts = [`"time":"${time}"`, `"level":"${LEVEL_NAMES[level]}"`];
  if (source !== undefined) parts.push(`"source":${JSON.stringify(source)}`);
  parts.push(`"msg":${JSON.stringify(message)}`, ...jsonMembers(attributes));
  return `{${parts.join(',')}}`;
};

const jsonMembers = (attributes: LogAttributes): string[] =>
  Object.entries(attributes).flatMap(([key, value]) =>
    value === undefined ? [] : [`${JSON.stringify(key)}:${jsonValue(value)}`],
  );

const jsonValue = (value: Exclude<LogValue, undefined>): string => {
  if (typeof value === 'bigint') return value.toString();
  if (typeof value !== 'object') return JSON.stringify(value);
  if (isDuration(value)) return durationNanoseconds(value.durationMs).toString();
  return `{${jsonMembers(value).join(',')}}`;
};
