/**
 * The flag grammar of the command line, that of Litestream: `-name` and `--name` are the same, values follow as a word or
 * after `=`, booleans never take a word, the first word that is no flag ends the flags, `--` does so too and is dropped.
 * Libraries for Node cannot read long flags with one dash, hence our own.
 */
import { parseDuration } from '#config/duration';
import { parseInteger } from '#config/scalar';

/** The value of a flag, or why the text is none. */
export type ParsedValue<T> = { readonly value: T } | { readonly refused: string };

/** One flag of a command. */
export interface Flag<T> {
  readonly isBoolean: boolean;
  /** Value when the flag is absent. */
  readonly default: T;
  /** Name of the value in the usage text; empty for booleans. */
  readonly placeholder: string;
  /** What it does, a sentence without a full stop. */
  readonly help: string;
  /** Hidden flags are accepted but not listed. */
  readonly isHidden: boolean;
  readonly parse: (text: string) => ParsedValue<T>;
}

/** Flags by name. */
// biome-ignore lint/suspicious/noExplicitAny: a table of flags of any value type; FlagValues gives each its own type back.
export type FlagTable = Readonly<Record<string, Flag<any>>>;

/** The values of a table of flags. */
export type FlagValues<F extends FlagTable> = { readonly [K in keyof F]: F[K] extends Flag<infer T> ? T : never };

/** What the words of a command mean. */
export type ParsedFlags<F extends FlagTable> =
  | {
      readonly kind: 'parsed';
      readonly flags: FlagValues<F>;
      /** Names that were given, for flags whose absence differs from their default. */
      readonly given: ReadonlySet<keyof F>;
      /** Words after the flags. */
      readonly args: readonly string[];
    }
  /** `-h`, `-help` or `--help`: usage on stdout, exit 0. */
  | { readonly kind: 'help' }
  /** The message for stderr; usage follows on stdout, exit 1. */
  | { readonly kind: 'refused'; readonly message: string };

const TRUE_WORDS = ['1', 't', 'T', 'TRUE', 'true', 'True'];
const FALSE_WORDS = ['0', 'f', 'F', 'FALSE', 'false', 'False'];

/** A switch: bare, or `=true`, `=false` in the spellings of Go. */
export const booleanFlag = (help: string, { isHidden = false } = {}): Flag<boolean> => ({
  isBoolean: true,
  default: false,
  placeholder: '',
  help,
  isHidden,
  parse: (text) =>
    TRUE_WORDS.includes(text)
      ? { value: true }
      : FALSE_WORDS.includes(text)
        ? { value: false }
        : { refused: 'parse error' },
});

/** Any text; the default is the empty string. */
export const textFlag = (placeholder: string, help: string, fallback = ''): Flag<string> => ({
  isBoolean: false,
  default: fallback,
  placeholder,
  help,
  isHidden: false,
  parse: (text) => ({ value: text }),
});

/** A whole number, also in octal, hexadecimal and binary. */
export const integerFlag = (placeholder: string, help: string, fallback: number): Flag<number> => ({
  isBoolean: false,
  default: fallback,
  placeholder,
  help,
  isHidden: false,
  parse: (text) => {
    const value = parseInteger(text);
    if (value !== undefined) {
      return { value };
    }
    return { refused: /^[+-]?\d+$/.test(text) ? 'value out of range' : 'parse error' };
  },
});

/** A duration in milliseconds. */
export const durationFlag = (placeholder: string, help: string, fallbackMs: number): Flag<number> => ({
  isBoolean: false,
  default: fallbackMs,
  placeholder,
  help,
  isHidden: false,
  parse: (text) => {
    const parsed = parseDuration(text);
    return parsed.kind === 'duration' ? { value: parsed.ms } : { refused: 'parse error' };
  },
});

/** A value of any other kind. */
export const parsedFlag = <T>(placeholder: string, help: string, fallback: T, parse: Flag<T>['parse']): Flag<T> => ({
  isBoolean: false,
  default: fallback,
  placeholder,
  help,
  isHidden: false,
  parse,
});

const refusedValue = (name: string, text: string, isBoolean: boolean, reason: string): string =>
  isBoolean
    ? `invalid boolean value ${JSON.stringify(text)} for -${name}: ${reason}`
    : `invalid value ${JSON.stringify(text)} for flag -${name}: ${reason}`;

/** A word that is a flag: its name and the text after `=`, if any. Undefined for an argument. */
const splitFlag = (word: string): { readonly name: string; readonly text: string | undefined } | undefined => {
  if (!word.startsWith('-') || word === '-') {
    return undefined;
  }
  const body = word.slice(word.startsWith('--') ? 2 : 1);
  const equals = body.indexOf('=', 1);
  return equals < 0 ? { name: body, text: undefined } : { name: body.slice(0, equals), text: body.slice(equals + 1) };
};

/** Reads the words after the command. The first fault ends the reading; of repeated flags the last wins. */
export const parseFlags = <F extends FlagTable>(table: F, words: readonly string[]): ParsedFlags<F> => {
  const values: Record<string, unknown> = Object.fromEntries(
    Object.entries(table).map(([name, flag]) => [name, flag.default]),
  );
  const given = new Set<keyof F>();
  let index = 0;
  while (index < words.length) {
    const word = words[index] ?? '';
    if (word === '--') {
      index++;
      break;
    }
    const split = splitFlag(word);
    if (split === undefined) {
      break;
    }
    index++;
    const { name } = split;
    if (name === '' || name.startsWith('-') || name.startsWith('=')) {
      return { kind: 'refused', message: `bad flag syntax: ${word}` };
    }
    const flag = Object.hasOwn(table, name) ? table[name] : undefined;
    if (flag === undefined) {
      return name === 'h' || name === 'help'
        ? { kind: 'help' }
        : { kind: 'refused', message: `flag provided but not defined: -${name}` };
    }
    let text = split.text ?? (flag.isBoolean ? 'true' : undefined);
    if (text === undefined) {
      text = words[index];
      index++;
    }
    if (text === undefined) {
      return { kind: 'refused', message: `flag needs an argument: -${name}` };
    }
    const parsed = flag.parse(text);
    if ('refused' in parsed) {
      return { kind: 'refused', message: refusedValue(name, text, flag.isBoolean, parsed.refused) };
    }
    values[name] = parsed.value;
    given.add(name);
  }
  // Every name of the table got its default above and only values of its own parser since.
  return { kind: 'parsed', flags: values as FlagValues<F>, given, args: words.slice(index) };
};
