/** A structured log. Messages and attribute names are those operators already know (cli.md 3 and 5.7). */

/** Severity, ascending. */
export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error';

/** Values a log line may carry. A nested object is a group. No secrets, no row contents. */
export type LogValue =
  | string
  | number
  | bigint
  | boolean
  | undefined
  | LogDuration
  | { readonly [key: string]: LogValue };

/** A duration: printed as `1m0s` in text and as nanoseconds in JSON. */
export interface LogDuration {
  readonly durationMs: number;
}

/** Attributes by name; undefined ones are left out. */
export type LogAttributes = Readonly<Record<string, LogValue>>;

export interface Log {
  write(level: LogLevel, message: string, attributes?: LogAttributes): void;
  /** A log that puts these attributes on every line. */
  with(attributes: LogAttributes): Log;
}
