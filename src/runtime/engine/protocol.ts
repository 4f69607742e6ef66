/** Messages between the main thread and an engine worker. Page bytes are not among them: workers write files themselves. */
import type { ErrorCode } from '#errors/codes';
import { errorCodes } from '#errors/codes';
import { InvariantViolation, isReplicationError, messageOf, ReplicationError } from '#errors/replication-error';
import type { SourceDatabase, SourceSettings } from '#ports/source';

/** A call of the port by name. */
export type SourceMethod = keyof SourceDatabase;

/** To the worker. `create` and `forget` are not answered; a source is forgotten after it was closed. */
export type EngineRequest =
  | { readonly kind: 'create'; readonly source: number; readonly settings: SourceSettings }
  | { readonly kind: 'forget'; readonly source: number }
  | {
      readonly kind: 'call';
      readonly id: number;
      readonly source: number;
      readonly method: SourceMethod;
      readonly argument: unknown;
    };

/** An error as it crosses the border: everything that somebody decides or prints from. */
export interface SerialisedError {
  readonly family: 'replication' | 'invariant' | 'other';
  readonly code: string;
  readonly message: string;
  readonly retryable: boolean;
  readonly hint: string | undefined;
  readonly details: Readonly<Record<string, string | number | boolean | bigint>>;
  readonly stack: string | undefined;
}

/** From the worker, one for each call. */
export type EngineReply =
  | { readonly id: number; readonly kind: 'value'; readonly value: unknown }
  | { readonly id: number; readonly kind: 'error'; readonly error: SerialisedError };

/** The error without what cannot be sent; a cause becomes part of the stack only. */
export const serialiseError = (error: unknown): SerialisedError => {
  const message = messageOf(error);
  const stack = error instanceof Error ? error.stack : undefined;
  const nothing = { code: '', message, retryable: false, hint: undefined, details: {}, stack };
  if (isReplicationError(error)) {
    const { code, retryable, hint, details } = error;
    return { ...nothing, family: 'replication', code, retryable, hint, details };
  }
  return { ...nothing, family: error instanceof InvariantViolation ? 'invariant' : 'other' };
};

/** The error again, of the same family; its stack is the worker's. */
export const deserialiseError = ({
  family,
  code,
  message,
  retryable,
  hint,
  details,
  stack,
}: SerialisedError): Error => {
  const error =
    family === 'replication' && isErrorCode(code)
      ? new ReplicationError(code, message, { retryable, details, ...(hint === undefined ? {} : { hint }) })
      : family === 'invariant'
        ? new InvariantViolation(message)
        : new Error(message);
  if (stack !== undefined) error.stack = stack;
  return error;
};

const isErrorCode = (code: string): code is ErrorCode => code in errorCodes;
