/** Errors as plain values for contexts and facts: an Error object would turn into {} in JSON. */
import { errorCodeOf, messageOf } from '#errors/replication-error';

/** Code and message of anything thrown. */
export interface Failure {
  readonly code: string;
  readonly message: string;
}

/** The plain form of an error. */
export const failureOf = (error: unknown): Failure => ({ code: errorCodeOf(error), message: messageOf(error) });
