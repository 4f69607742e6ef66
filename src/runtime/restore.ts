/** Joins a restore to the local file system, SQLite and the storages of its replicas. */
import { setMaxListeners } from 'node:events';
import { createSystemClock } from '#adapters/clock/system/system-clock';
import { createIntegrityChecker } from '#adapters/integrity/better-sqlite3/integrity-checker';
import { createNodeOutputFiles } from '#adapters/output/node/output-files';
import { createSeededRandom } from '#adapters/random/seeded/seeded-random';
import { createWalReplay } from '#adapters/v03-replay/better-sqlite3/wal-replay';
import type { ReplicaSettings } from '#config/replica-types';
import { restoreDatabase } from '#effects/restore/restore';
import type { RestoreOutcome, RestoreReplica, RestoreRequest } from '#effects/restore/restore-types';
import { ReplicationError } from '#errors/replication-error';
import type { Log } from '#ports/log';
import { createStorage } from './storage-registry.ts';

/** A restore as a command asks for it. */
export interface RunRestoreOptions extends Omit<RestoreRequest, 'replicas'> {
  /** Destinations of the database, in the order of the configuration. */
  readonly replicas: readonly ReplicaSettings[];
  /** Only the replica of this name. */
  readonly replicaName?: string;
  readonly log: Log;
}

/**
 * Restores from the replica with the newest data, or from the one named. `USAGE` when no replica has the name; else as
 * `restoreDatabase`. Storages are closed whatever happens.
 */
export const runRestore = async (options: RunRestoreOptions): Promise<RestoreOutcome> => {
  const { replicas: settings, replicaName, log, ...request } = options;
  // Every listing and transfer under way listens; their number is bounded, but above Node's idea of a leak.
  setMaxListeners(0, request.signal);
  const clock = createSystemClock();
  // Waits and names need no repeatable chance outside tests.
  const random = createSeededRandom(clock.nowMs() ^ (process.pid << 8));
  const services = {
    clock,
    random,
    log,
    files: createNodeOutputFiles({ random: random.fork('output-names') }),
    integrity: createIntegrityChecker(),
    walReplay: createWalReplay(),
  };
  const replicas: RestoreReplica[] = [];
  try {
    for (const replica of selectReplicas(settings, replicaName)) {
      replicas.push({ name: replica.name, storage: await createStorage(replica, { clock, random, log }) });
    }
    return await restoreDatabase(services, { ...request, replicas });
  } finally {
    await Promise.all(replicas.map(({ storage }) => storage.close()));
  }
};

const selectReplicas = (
  replicas: readonly ReplicaSettings[],
  replicaName: string | undefined,
): readonly ReplicaSettings[] => {
  if (replicaName === undefined) return replicas;
  const selected = replicas.filter(({ name }) => name === replicaName);
  if (selected.length > 0) return selected;
  const known = replicas.map(({ name }) => name).join(', ');
  throw new ReplicationError('USAGE', `no replica named "${replicaName}"; known: ${known}`, {
    retryable: false,
    hint: 'Give one of these names to -replica, or leave it out to take the newest data.',
  });
};
