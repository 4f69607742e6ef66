/** What `DB_PATH` or `REPLICA_URL` means to the commands that read a replica. */
import { replicaSettingsFromUrl } from '#config/argument-configuration';
import { isReplicaUrl } from '#config/paths';
import type { LoggingSettings, ReplicaSettings } from '#config/types';
import type { CommandIo } from './command-io.ts';
import { usageError } from './define-command.ts';
import { databasePathOf, findDatabase, loadForCommand, pathContextOf } from './load-for-command.ts';

/** Where to read from, and how to log. */
export interface ChosenReplicas {
  /** Absolute path of the database; undefined for a URL. */
  readonly databasePath: string | undefined;
  /** In the order of the configuration; one for a URL. */
  readonly replicas: readonly ReplicaSettings[];
  readonly logging: LoggingSettings;
}

/**
 * The replicas of a database of the configuration, or the one the URL names (which reads no configuration). `USAGE` for a
 * URL with `-config`, and for a database that is not configured.
 */
export const chooseReplicas = async (
  argument: string,
  flags: { readonly config: string; readonly 'no-expand-env': boolean },
  io: CommandIo,
): Promise<ChosenReplicas> => {
  if (isReplicaUrl(argument)) {
    if (flags.config !== '') throw usageError('cannot specify a replica URL and the -config flag');
    const { loggingOfEnvironment } = await import('#runtime/process-log');
    const replica = replicaSettingsFromUrl(argument, { ...pathContextOf(io), env: io.env });
    return { databasePath: undefined, replicas: [replica], logging: loggingOfEnvironment(io.env) };
  }
  const databasePath = databasePathOf(argument, io);
  const { configuration } = await loadForCommand(flags, io, databasePath);
  const { replicas } = findDatabase(configuration, databasePath);
  return { databasePath, replicas, logging: configuration.logging };
};

/** Those of the name, all for an empty one. `USAGE` when there is none. */
export const replicasNamed = (replicas: readonly ReplicaSettings[], name: string): readonly ReplicaSettings[] => {
  const named = name === '' ? replicas : replicas.filter((replica) => replica.name === name);
  if (named.length > 0) return named;
  throw usageError(`no replica named "${name}"; known: ${replicas.map((replica) => replica.name).join(', ')}`);
};
