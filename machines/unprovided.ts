/** Stand-ins for effects in machine definitions: the runtime replaces each of them, and forgetting one fails by name. */

import { fromPromise, type PromiseActorLogic } from 'xstate';
import { InvariantViolation } from '#errors/replication-error';

/** An effect that nobody provided: it rejects with its own name. */
export const unprovided = <Output, Input>(name: string): PromiseActorLogic<Output, Input> =>
  fromPromise<Output, Input>(() => Promise.reject(new InvariantViolation(`effect ${name} was not provided`)));
