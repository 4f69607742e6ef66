/** The checkpoint owed by age: a sealed restart of a WAL that was read to its end. */
import type { DatabaseScope } from './database-scope.ts';
import { recordCheckpoint } from './record.ts';

/** Tries one sealed restart. Busy is an answer, not an error. */
export const checkpoint = async (scope: DatabaseScope): Promise<{ readonly hasRestarted: boolean }> => {
  const outcome = await scope.source.checkpoint('sealed');
  await recordCheckpoint(scope, outcome);
  return { hasRestarted: outcome.result === 'restarted' || outcome.result === 'notNeeded' };
};
