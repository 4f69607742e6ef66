/** What the main thread and an engine worker say to each other: small values, never page bytes. */
import type { ErrorCode } from '#errors/codes';
import { errorCodes } from '#errors/codes';
import { InvariantViolation, messageOf, ReplicationError } from '#errors/replication-error';
import type { SourceDatabase, SourceSettings } from '#ports/source';

/** Calls that cross the thread border. */
export type SourceCall = keyof SourceDatabase;

/** To a worker. */
export type EngineRequest =
  | { readonly kind: 'create'; readonly source: number; readonly settings: SourceSettings }
  | {
      readonly kind: 'call';
      readonly id: number;
      readonly source: number;
      readonly call: SourceCall;
      readonly args: readonly unknown[];
    };

/** From a worker, one for each call. */
export type EngineReply =
  | { readonly kind: 'done'; readonly id: number; readonly value: unknown }
  | { readonly kind: 'failed'; readonly id: number; readonly error: EngineError };

/** An error as it crosses the border: classes do not survive the copy. */
export type EngineError =
  | {
      readonly family: 'world';
      readonly code: ErrorCode;
      readonly message: string;
      readonly retryable: boolean;
      readonly hint: string | undefined;
      readonly details: ReplicationError['details'];
      readonly cause: string | undefined;
    }
  | { readonly family: 'bug'; readonly message: string; readonly stack: string | undefined };

/** The plain form of anything thrown. */
export const encodeError = (error: unknown): EngineError =>
  error instanceof ReplicationError
    ? {
        family: 'world',
        code: error.code,
        message: error.message,
        retryable: error.retryable,
        hint: error.hint,
        details: error.details,
        cause: error.cause === undefined ? undefined : messageOf(error.cause),
      }
    : { family: 'bug', message: messageOf(error), stack: error instanceof Error ? error.stack : undefined };

/** The error again; a code nobody knows is a bug. */
export const decodeError = (error: EngineError): Error => {
  if (error.family === 'world' && Object.hasOwn(errorCodes, error.code)) {
    const { code, message, retryable, hint, details, cause } = error;
    return new ReplicationError(code, message, { retryable, details, cause, ...(hint === undefined ? {} : { hint }) });
  }
  const bug = new InvariantViolation(error.message);
  if (error.family === 'bug' && error.stack !== undefined) bug.stack = error.stack;
  return bug;
};
