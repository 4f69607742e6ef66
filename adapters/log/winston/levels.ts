/** Log levels: their order and their spelling. */
import type { LogLevel } from '#ports/log';

/** Importance in winston's sense: a smaller number is more important. */
export const LEVEL_ORDER: Readonly<Record<LogLevel, number>> = { error: 0, warn: 1, info: 2, debug: 3, trace: 4 };

/** The words accepted, for messages about others. */
export const LEVEL_WORDS = ['trace', 'debug', 'info', 'warn', 'warning', 'error'] as const;

const LEVEL_BY_WORD: ReadonlyMap<string, LogLevel> = new Map([
  ['trace', 'trace'],
  ['debug', 'debug'],
  ['info', 'info'],
  ['warn', 'warn'],
  ['warning', 'warn'],
  ['error', 'error'],
]);

/**
 * The level a word names, in any case; `undefined` for any other word, which the caller refuses with the list of
 * {@link LEVEL_WORDS} (Litestream takes it for `info`, and a typing error goes unseen).
 */
export const parseLogLevel = (word: string): LogLevel | undefined => LEVEL_BY_WORD.get(word.toLowerCase());
