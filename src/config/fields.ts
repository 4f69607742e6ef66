/**
 * Readers of values and maps: each turns a node into a value of the key's type, or files a `type` problem in the words of
 * Litestream's YAML decoder (`cannot unmarshal !!str \`soon\` into time.Duration`).
 */
import { parseDuration } from './duration.ts';
import { nearestName } from './nearest-name.ts';
import type { Findings, Position } from './problems.ts';
import { excerptOf, isNullText, parseBoolean, parseInteger, tagOf } from './scalar.ts';
import { parseSize } from './size.ts';
import type { ConfigNode, MapNode } from './yaml-document.ts';

/** A value and where it stands. */
export interface Located<T> {
  readonly value: T;
  readonly at: Position;
}

/** An element of a list: `index` is its place in the file, also when elements before it could not be read. */
export interface ListElement<T> extends Located<T> {
  readonly index: number;
}

/** What reading needs besides the node. */
export interface Reading {
  readonly findings: Findings;
  /** Every known key that is present, by its path without indexes (`dbs[].replica.region`), with the first place. */
  readonly present: Map<string, Position>;
}

/** Where a node stands: `path` for messages (`dbs[0].dir`), `pattern` the same without indexes. */
export interface KeyPath {
  readonly path: string;
  readonly pattern: string;
}

/** Reads one value; undefined when a problem was filed. */
export type Field<T> = (node: ConfigNode, key: KeyPath, reading: Reading) => T | undefined;

/** Readers by key. */
// biome-ignore lint/suspicious/noExplicitAny: a table of readers of any value type; ReadMap gives each its own type back.
export type Fields = Readonly<Record<string, Field<any>>>;

/** The values of a map that were present and could be read. */
export type ReadMap<F extends Fields> = {
  readonly [K in keyof F]?: Located<F[K] extends Field<infer T> ? T : never> | undefined;
} & { readonly at: Position };

/** The file itself, above every key. */
export const ROOT_KEY: KeyPath = { path: '', pattern: '' };

/** The key below another one. */
export const below = (parent: KeyPath, name: string): KeyPath => ({
  path: parent.path === '' ? name : `${parent.path}.${name}`,
  pattern: parent.pattern === '' ? name : `${parent.pattern}.${name}`,
});

/** The element of a list. */
export const elementOf = (parent: KeyPath, index: number): KeyPath => ({
  path: `${parent.path}[${index}]`,
  pattern: `${parent.pattern}[]`,
});

/** True for `key:` without a value, `~` and `null`. */
export const isNull = (node: ConfigNode): boolean => node.kind === 'scalar' && !node.isQuoted && isNullText(node.text);

const shownNode = (node: ConfigNode): string => {
  if (node.kind === 'scalar') {
    return `${tagOf(node.text, node.isQuoted)} \`${excerptOf(node.text)}\``;
  }
  return node.kind === 'list' ? '!!seq' : '!!map';
};

/** Files "cannot unmarshal … into TYPE". */
export const mismatch = (
  node: ConfigNode,
  key: KeyPath,
  reading: Reading,
  type: string,
  suggestion?: string,
): undefined => {
  const message = `cannot unmarshal ${shownNode(node)} into ${type}`;
  reading.findings.problem({ kind: 'type', at: node.at, key: key.path, message, suggestion });
  return undefined;
};

/** Text as written: numbers and booleans are taken from their source. */
export const text: Field<string> = (node, key, reading) =>
  node.kind === 'scalar' ? node.text : mismatch(node, key, reading, 'string');

/** True or false, in the words `parseBoolean` knows. */
export const boolean: Field<boolean> = (node, key, reading) => {
  const value = node.kind === 'scalar' ? parseBoolean(node.text) : undefined;
  return value ?? mismatch(node, key, reading, 'bool', 'write true or false');
};

/** A whole number without quotes. */
export const integer: Field<number> = (node, key, reading) => {
  const value = node.kind === 'scalar' && !node.isQuoted ? parseInteger(node.text) : undefined;
  return value ?? mismatch(node, key, reading, 'int', 'write a whole number without quotes');
};

/** Milliseconds. */
export const duration: Field<number> = (node, key, reading) => {
  if (node.kind !== 'scalar') {
    return mismatch(node, key, reading, 'time.Duration');
  }
  const parsed = parseDuration(node.text);
  switch (parsed.kind) {
    case 'duration':
      return parsed.ms;
    case 'missingUnit':
      return mismatch(node, key, reading, 'time.Duration', 'missing unit, write for example 60s or 5m');
    case 'tooLarge':
      return mismatch(node, key, reading, 'time.Duration', 'out of range');
    case 'malformed':
      return mismatch(node, key, reading, 'time.Duration', 'write a duration such as 30s, 5m, 1h30m or 24h');
    default:
      return parsed satisfies never;
  }
};

/** Bytes: a plain integer or a size with a unit. */
export const size: Field<number> = (node, key, reading) => {
  if (node.kind !== 'scalar') {
    return mismatch(node, key, reading, 'size');
  }
  const plain = node.isQuoted ? undefined : parseInteger(node.text);
  const parsed = plain === undefined ? parseSize(node.text) : ({ kind: 'size', bytes: plain } as const);
  if (parsed.kind === 'size') {
    return parsed.bytes;
  }
  const suggestion = 'write bytes or a size such as 5MB or 16MiB';
  const message = `${parsed.reason}: "${excerptOf(node.text)}"`;
  reading.findings.problem({ kind: 'type', at: node.at, key: key.path, message, suggestion });
  return undefined;
};

/** A list whose elements are read one by one; a null element is a problem naming its index. */
export const listOf =
  <T>(element: Field<T>): Field<readonly ListElement<T>[]> =>
  (node, key, reading) => {
    if (node.kind !== 'list') {
      return mismatch(node, key, reading, 'list');
    }
    return node.items.flatMap((item, index) => {
      const itemKey = elementOf(key, index);
      if (isNull(item)) {
        const message = `${itemKey.path}: the list element is empty`;
        reading.findings.problem({ at: item.at, key: itemKey.path, message, suggestion: 'remove the dash or fill it' });
        return [];
      }
      const value = element(item, itemKey, reading);
      return value === undefined ? [] : [{ value, at: item.at, index }];
    });
  };

const unknownKey = (name: string, at: Position, key: KeyPath, known: readonly string[], reading: Reading): void => {
  const nearest = nearestName(name, known);
  reading.findings.warning({
    at,
    key: below(key, name).path,
    message: `field ${name} not found`,
    suggestion: nearest === undefined ? 'the key is unknown and has no effect' : `did you mean ${nearest}?`,
  });
};

/** Reads the known keys of a map; null values count as absent, unknown keys become warnings. */
export const readMap = <F extends Fields>(node: MapNode, key: KeyPath, reading: Reading, fields: F): ReadMap<F> => {
  const values: Record<string, Located<unknown>> = {};
  const known = Object.keys(fields);
  for (const [name, { keyAt, value: valueNode }] of node.entries) {
    const field = Object.hasOwn(fields, name) ? fields[name] : undefined;
    const fieldKey = below(key, name);
    if (field === undefined) {
      unknownKey(name, keyAt, key, known, reading);
      continue;
    }
    if (isNull(valueNode)) {
      continue;
    }
    if (!reading.present.has(fieldKey.pattern)) {
      reading.present.set(fieldKey.pattern, keyAt);
    }
    const value: unknown = field(valueNode, fieldKey, reading);
    if (value !== undefined) {
      values[name] = { value, at: valueNode.at };
    }
  }
  // The loop above put under each name what the reader of that name returned.
  return { ...values, at: node.at } as unknown as ReadMap<F>;
};

/** A map with the given keys. */
export const mapOf =
  <F extends Fields>(fields: F): Field<ReadMap<F>> =>
  (node, key, reading) =>
    node.kind === 'map' ? readMap(node, key, reading, fields) : mismatch(node, key, reading, 'map');
