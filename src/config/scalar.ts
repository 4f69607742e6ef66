/**
 * Scalars of YAML 1.1, read from their source text by the type of the key: a ready 1.1 schema would damage keys and strings
 * (`on:` would become `true:`, `12:34` would become 754).
 */

/** Booleans in lower, Title and UPPER case; undefined for anything else. */
export const parseBoolean = (text: string): boolean | undefined => {
  const lower = text.toLowerCase();
  const title = `${lower.slice(0, 1).toUpperCase()}${lower.slice(1)}`;
  if (text !== lower && text !== title && text !== lower.toUpperCase()) {
    return undefined;
  }
  if (['true', 'yes', 'on', 'y'].includes(lower)) {
    return true;
  }
  return ['false', 'no', 'off', 'n'].includes(lower) ? false : undefined;
};

const RADIX: readonly (readonly [RegExp, number])[] = [
  [/^0x([\da-f]+)$/i, 16],
  [/^0b([01]+)$/i, 2],
  [/^0o([0-7]+)$/i, 8],
  [/^0([0-7]+)$/, 8],
  [/^(0|[1-9]\d*)$/, 10],
];

/** Decimal, octal (`0600`, `0o600`), hexadecimal, binary, with `_` between digits; undefined beyond 2^53 and for other text. */
export const parseInteger = (text: string): number | undefined => {
  const sign = text.startsWith('-') ? -1 : 1;
  const digits = (/^[+-]/.test(text) ? text.slice(1) : text).replaceAll('_', '');
  for (const [pattern, radix] of RADIX) {
    const match = pattern.exec(digits);
    if (match?.[1] !== undefined) {
      const value = Number.parseInt(match[1], radix);
      // `0 * -1` is -0, which compares equal to 0 but prints as -0.
      return Number.isSafeInteger(value) ? sign * value || 0 : undefined;
    }
  }
  return undefined;
};

/** True for a plain scalar that means "no value". */
export const isNullText = (text: string): boolean => ['', '~', 'null', 'Null', 'NULL'].includes(text);

/** The tag a scalar has for a message: `!!int`, `!!float`, `!!bool`, `!!null`, else `!!str`. */
export const tagOf = (text: string, isQuoted: boolean): string => {
  if (isQuoted) {
    return '!!str';
  }
  if (isNullText(text)) {
    return '!!null';
  }
  if (parseInteger(text) !== undefined) {
    return '!!int';
  }
  if (/^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i.test(text)) {
    return '!!float';
  }
  return ['true', 'false'].includes(text.toLowerCase()) && parseBoolean(text) !== undefined ? '!!bool' : '!!str';
};

/** At most the first 7 characters, as messages show a scalar that does not fit. */
export const excerptOf = (text: string): string => {
  const line = text.replace(/\s+/g, ' ');
  return line.length > 10 ? `${line.slice(0, 7)}...` : line;
};
