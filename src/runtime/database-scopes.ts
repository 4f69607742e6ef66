/**
 * Effects find what they work on by the actor system they run in: one provided machine serves every database, and a database's
 * own system is the key. Making a machine per database would cost its whole definition in memory.
 */
import type { AnyActorRef } from 'xstate';
import type { DatabaseScope } from '#effects/database-scope';
import { InvariantViolation } from '#errors/replication-error';
import type { MonitorErrors } from './monitor-errors.ts';

/** The effects' scope and the error reporters of the database's loops. */
export interface RunningScope {
  readonly scope: DatabaseScope;
  readonly walErrors: MonitorErrors;
  readonly replicaErrors: ReadonlyMap<string, MonitorErrors>;
}

const scopes = new WeakMap<AnyActorRef['system'], RunningScope>();

/** Registers the scope of a system before its root is started. */
export const bindScope = (system: AnyActorRef['system'], running: RunningScope): void => {
  scopes.set(system, running);
};

/** The scope of a system; an unbound system is a bug. */
export const scopeOf = (system: AnyActorRef['system']): RunningScope => {
  const running = scopes.get(system);
  if (running === undefined) throw new InvariantViolation('an effect ran in an actor system without a scope');
  return running;
};
