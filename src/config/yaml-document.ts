/**
 * YAML text to a tree of nodes that keep their source text and position. Aliases and `<<` merges are resolved; scalars are
 * not interpreted (see scalar.ts). Only the first document counts.
 */
import {
  Composer,
  type CST,
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  Lexer,
  LineCounter,
  type Node,
  Parser,
  type YAMLMap,
} from 'yaml';
import type { Findings, Position } from './problems.ts';

/** A value of the file. */
export type ConfigNode = ScalarNode | ListNode | MapNode;

/** A single value as text; `isQuoted` tells `"1"` from `1`. */
export interface ScalarNode {
  readonly kind: 'scalar';
  readonly at: Position;
  readonly text: string;
  readonly isQuoted: boolean;
}

/** A list, in the order of the file. */
export interface ListNode {
  readonly kind: 'list';
  readonly at: Position;
  readonly items: readonly ConfigNode[];
}

/** Keys in file order, merged ones last. */
export interface MapNode {
  readonly kind: 'map';
  readonly at: Position;
  readonly entries: ReadonlyMap<string, MapEntry>;
}

/** A value of a map and the place of its key. */
export interface MapEntry {
  readonly keyAt: Position;
  readonly value: ConfigNode;
}

/** Our own words for the library's error codes: its messages quote the text, which may hold a secret. */
const SYNTAX_MESSAGES: Readonly<Record<string, string>> = {
  BAD_ALIAS: 'unknown anchor; a value that begins with * or & needs quotes',
  BAD_DQ_ESCAPE: 'unknown escape character in double quotes',
  BAD_INDENT: 'did not find expected node content; check the indentation and the closing bracket',
  BAD_SCALAR_START: 'found character that cannot start any token; a value that begins with @ or ` needs quotes',
  BLOCK_AS_IMPLICIT_KEY: 'mapping values are not allowed in this context; a value that holds ": " needs quotes',
  BLOCK_IN_FLOW: 'did not find expected node content inside brackets',
  KEY_OVER_1024_CHARS: 'a key is longer than 1024 characters',
  MISSING_CHAR: 'did not find expected node content; a closing quote, bracket, colon or comma is missing',
  MULTILINE_IMPLICIT_KEY: 'could not find expected ":"',
  TAB_AS_INDENT: 'found character that cannot start any token; indent with spaces instead of tabs',
  UNEXPECTED_TOKEN: 'did not find expected node content',
};

/** Deep enough for every sensible file; deeper ones are refused rather than recursed into. */
const DEPTH_MAX = 64;

/** Open brackets and blocks the parser may hold; a little more than {@link DEPTH_MAX} levels need. */
const PARSER_STACK_MAX = 4 * DEPTH_MAX;

interface Conversion {
  readonly findings: Findings;
  readonly positionOf: (node: Node) => Position;
  readonly resolveAlias: (node: Node) => Node | undefined;
  /** Converted nodes, so that an alias used a million times is converted once. */
  readonly done: Map<Node, ConfigNode>;
  readonly open: Set<Node>;
}

const nullNode = (at: Position): ScalarNode => ({ kind: 'scalar', at, text: '', isQuoted: false });

const keyTextOf = (key: unknown): string | undefined => {
  if (key === null) {
    return '';
  }
  return isScalar(key) ? (key.source ?? String(key.value ?? '')) : undefined;
};

const mergeSources = (value: ConfigNode): readonly MapNode[] => {
  if (value.kind === 'map') {
    return [value];
  }
  return value.kind === 'list' ? value.items.filter((item) => item.kind === 'map') : [];
};

const convertMap = (node: YAMLMap, conversion: Conversion, depth: number): MapNode => {
  const at = conversion.positionOf(node);
  const entries = new Map<string, MapEntry>();
  const merges: MapNode[] = [];
  for (const pair of node.items) {
    const keyNode = pair.key as Node | null;
    const keyAt = keyNode === null ? at : conversion.positionOf(keyNode);
    const name = keyTextOf(keyNode);
    const value = pair.value === null ? nullNode(keyAt) : convert(pair.value as Node, conversion, depth + 1);
    if (name === undefined) {
      conversion.findings.problem({ kind: 'type', at: keyAt, key: '', message: 'a key must be a plain word' });
      continue;
    }
    if (name === '<<' && isScalar(keyNode) && keyNode.type === 'PLAIN') {
      merges.push(...mergeSources(value));
      continue;
    }
    const earlier = entries.get(name);
    if (earlier !== undefined) {
      const message = `key "${name}" is given twice, on lines ${earlier.keyAt.line} and ${keyAt.line}`;
      conversion.findings.problem({ at: keyAt, key: name, message, suggestion: 'remove one of them' });
      continue;
    }
    entries.set(name, { keyAt, value });
  }
  for (const source of merges) {
    for (const [name, entry] of source.entries) {
      if (!entries.has(name)) {
        entries.set(name, entry);
      }
    }
  }
  return { kind: 'map', at, entries };
};

const convertFresh = (node: Node, conversion: Conversion, depth: number): ConfigNode => {
  const at = conversion.positionOf(node);
  if (isMap(node)) {
    return convertMap(node, conversion, depth);
  }
  if (isSeq(node)) {
    const items = node.items.map((item) =>
      item === null ? nullNode(at) : convert(item as Node, conversion, depth + 1),
    );
    return { kind: 'list', at, items };
  }
  if (isScalar(node)) {
    const isPlain = node.type === undefined || node.type === 'PLAIN';
    // `source` is the text as written; quoted and block scalars are decoded in `value`.
    return { kind: 'scalar', at, text: String(node.value ?? node.source ?? ''), isQuoted: !isPlain };
  }
  return nullNode(at);
};

const convert = (node: Node, conversion: Conversion, depth: number): ConfigNode => {
  const target = isAlias(node) ? conversion.resolveAlias(node) : node;
  const at = conversion.positionOf(node);
  if (target === undefined || conversion.open.has(target) || depth > DEPTH_MAX) {
    const reason = depth > DEPTH_MAX ? 'nested too deeply' : 'an alias that refers to itself or to nothing';
    conversion.findings.problem({ kind: 'syntax', at, key: '', message: `yaml: line ${at.line}: ${reason}` });
    return nullNode(at);
  }
  const known = conversion.done.get(target);
  if (known !== undefined) {
    return known;
  }
  conversion.open.add(target);
  const converted = convertFresh(target, conversion, depth);
  conversion.open.delete(target);
  conversion.done.set(target, converted);
  return converted;
};

/**
 * The first document, or undefined when it is nested too deeply. The library composes by recursion, and thousands of
 * brackets would exhaust the stack (seen to end the process in yaml 2.9), so the depth is watched while tokens are made.
 */
const composeFirst = (text: string, lines: LineCounter): Document.Parsed | undefined => {
  let isTooDeep = false;
  function* tokens(): Generator<CST.Token> {
    const parser = new Parser(lines.addNewLine);
    lines.addNewLine(0);
    for (const lexeme of new Lexer().lex(text)) {
      yield* parser.next(lexeme);
      if (parser.stack.length > PARSER_STACK_MAX) {
        isTooDeep = true;
        return;
      }
    }
    yield* parser.end();
  }
  const composer = new Composer({ schema: 'failsafe', version: '1.2', uniqueKeys: false, logLevel: 'error' });
  for (const document of composer.compose(tokens(), true, text.length)) {
    return isTooDeep ? undefined : document;
  }
  return undefined;
};

/**
 * Reads the first document. Undefined when the text is not YAML (the problems say where) or holds nothing at all.
 * Never throws.
 */
export const readYaml = (text: string, findings: Findings): ConfigNode | undefined => {
  const lines = new LineCounter();
  // The parser reports the end of the text for what is left open; the last line with content says more.
  const contentEnd = Math.max(0, text.trimEnd().length - 1);
  const positionAt = (offset: number): Position => {
    const { line, col } = lines.linePos(Math.min(Math.max(offset, 0), contentEnd));
    return { line: Math.max(1, line), column: Math.max(1, col) };
  };
  const syntaxProblem = (offset: number, message: string): void => {
    const at = positionAt(offset);
    findings.problem({ kind: 'syntax', at, key: '', message: `yaml: line ${at.line}: ${message}` });
  };
  try {
    const document = composeFirst(text, lines);
    if (document === undefined) {
      syntaxProblem(0, 'nested too deeply');
      return undefined;
    }
    const [first] = document.errors;
    if (first !== undefined) {
      syntaxProblem(first.pos[0], SYNTAX_MESSAGES[first.code] ?? 'did not find expected node content');
      return undefined;
    }
    if (document.contents === null) {
      return undefined;
    }
    return convert(
      document.contents,
      {
        findings,
        positionOf: (node) => positionAt(node.range?.[0] ?? 0),
        resolveAlias: (node) => (isAlias(node) ? node.resolve(document) : undefined),
        done: new Map(),
        open: new Set(),
      },
      0,
    );
  } catch {
    // A bug of the library must not look like one of ours, and its message would quote the text.
    syntaxProblem(0, 'the text cannot be read as YAML');
    return undefined;
  }
};
