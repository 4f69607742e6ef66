/**
 * `$NAME` and `${NAME}` in the raw text of a configuration file, before YAML is read: comments and quoted strings are
 * affected too. There is no escape and no default syntax: `${A:-x}` is a variable literally called `A:-x`.
 */
import type { Position } from './problems.ts';

/** The text with references replaced, and the names that had no value with the place of their first use, in order. */
export interface ExpandedText {
  readonly text: string;
  readonly unset: readonly { readonly name: string; readonly at: Position }[];
}

// Braces up to `}`; an unclosed brace; a word; one of the one-character names. Any other `$` stays as it is.
const REFERENCE = /\$(?:\{([^}]*)\}|(\{)|([A-Za-z0-9_]+)|([*#$@!?-]))/g;

/** Replaces references by values of `env`; `$PID` is `pid`. Unset is the empty string. */
export const expandEnvironment = (
  text: string,
  { env, pid }: { readonly env: Readonly<Record<string, string | undefined>>; readonly pid: number },
): ExpandedText => {
  const unset = new Map<string, number>();
  const expanded = text.replace(
    REFERENCE,
    (
      _all,
      braced: string | undefined,
      open: string | undefined,
      word: string | undefined,
      special: string | undefined,
      offset: number,
    ) => {
      if (open !== undefined || braced === '') {
        return '';
      }
      // `$1abc` is the one-character name `1`, then text, but `${1abc}` is one name.
      const isDigitName = word !== undefined && /^\d/.test(word);
      const name = braced ?? (isDigitName ? word.slice(0, 1) : word) ?? special ?? '';
      const rest = isDigitName ? word.slice(1) : '';
      if (name === 'PID') {
        return `${pid}${rest}`;
      }
      const value = Object.hasOwn(env, name) ? env[name] : undefined;
      if (value === undefined && !unset.has(name)) {
        unset.set(name, offset);
      }
      return `${value ?? ''}${rest}`;
    },
  );
  const positionOf = (offset: number): Position => {
    const before = text.slice(0, offset).split('\n');
    return { line: before.length, column: (before.at(-1)?.length ?? 0) + 1 };
  };
  return { text: expanded, unset: [...unset].map(([name, offset]) => ({ name, at: positionOf(offset) })) };
};
