/** Throws the local state away, because it is damaged or an operator asked: database and replicas stay as they are. */
import { databaseStream } from '#events/streams';
import type { DatabaseScope } from './database-scope.ts';

/** Closes the source without a pass, removes the local files and says why. Numbering goes on above the replicas (I-2). */
export const resetSource = async (scope: DatabaseScope, cause: string): Promise<void> => {
  await scope.source.close({ finalPass: false });
  await scope.levelZero.removeAll();
  await scope.facts.append(databaseStream(scope.path), { type: 'database.reset', cause });
  scope.log.write('warn', 'local replication state was reset', { cause });
};
