/** The two families of errors: the world went wrong, or we did. Every error of ours has a stable code and a hint. */

import type { ErrorCode } from './codes.ts';

/** What an error carries besides its code and message. */
export interface ErrorDetails {
  /** True when the same work may succeed later without anybody doing anything. Decided where the error is made. */
  readonly retryable: boolean;
  /** What to do next, a full sentence for the operator. */
  readonly hint?: string;
  /** Identifiers of the object concerned: path, TXIDs, level. No secrets, no row contents. */
  readonly details?: Readonly<Record<string, string | number | boolean | bigint>>;
  /** The error this one was made from. */
  readonly cause?: unknown;
}

/** Something in the world went wrong: a full disk, a damaged file, a storage that is down. */
export class ReplicationError extends Error {
  override readonly name = 'ReplicationError';
  readonly code: ErrorCode;
  readonly retryable: boolean;
  readonly hint: string | undefined;
  readonly details: Readonly<Record<string, string | number | boolean | bigint>>;

  constructor(code: ErrorCode, message: string, { retryable, hint, details, cause }: ErrorDetails) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.retryable = retryable;
    this.hint = hint;
    this.details = details ?? {};
  }
}

/** A bug of ours: a promise the code makes to itself was broken. Never retried, never caught to carry on. */
export class InvariantViolation extends Error {
  override readonly name = 'InvariantViolation';
}

/** True for errors of the world, false for bugs of ours. */
export const isReplicationError = (error: unknown): error is ReplicationError => error instanceof ReplicationError;

/** True for errors that may go away by themselves; everything that is not a {@link ReplicationError} is not retryable. */
export const isRetryableError = (error: unknown): boolean => error instanceof ReplicationError && error.retryable;

/** The stable code of an error, or `INTERNAL` for anything that is not a {@link ReplicationError}. */
export const errorCodeOf = (error: unknown): ErrorCode | 'INTERNAL' =>
  error instanceof ReplicationError ? error.code : 'INTERNAL';

/** The message of anything thrown. */
export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Throws the signal's reason as an `ABORTED` error when the signal is aborted. */
export const throwIfAborted = (signal: AbortSignal, what: string): void => {
  if (signal.aborted) {
    throw new ReplicationError('ABORTED', `${what} was cancelled`, { retryable: false, cause: signal.reason });
  }
};
