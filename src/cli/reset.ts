/** `litestream reset`: deletes the local replication state of a database; the database and its replicas stay. */
import { defaultMetaPath } from '#config/database-entry';
import type { DatabaseSettings, LoggingSettings } from '#config/types';
import { isReplicationError, ReplicationError } from '#errors/replication-error';
import type { CommandIo } from './command-io.ts';
import { defineCommand, onlyArgument } from './define-command.ts';
import { databasePathOf, loadForCommand } from './load-for-command.ts';

/** A configured database is reset where its `meta-path` says, any other one beside its file. */
export const reset = defineCommand('reset', async ({ flags, args, io }) => {
  const path = databasePathOf(onlyArgument('reset', args, 'database path required'), io);
  const { place, logging } = await placeOf(path, flags, io);
  const { inspectLocalFiles, resetLocalFiles } = await import('#runtime/reset-local-state');
  const { hasMetadata, directory, files } = await inspectLocalFiles(place);
  const print = (...lines: readonly string[]): void => {
    io.stdout.write(`${lines.join('\n')}\n`);
  };
  if (!hasMetadata) {
    print(`No local Litestream state to reset for: ${path}`, `Metadata directory does not exist: ${place.metaPath}`);
    return 0;
  }
  if (flags['dry-run']) {
    print(`Local Litestream state of: ${path}`, `Would remove: ${directory}`);
    print(...(files.length === 0 ? ['There are no local LTX files.'] : files.map((file) => `  ${file}`)));
    if (files.length > 0) print('Dry run: nothing removed.');
    return 0;
  }
  const { createProcessLog } = await import('#runtime/process-log');
  const { log, close } = createProcessLog(logging, io);
  await resetLocalFiles(place, log, () => {
    print(`Resetting local Litestream state for: ${path}`, `Removing: ${directory}`);
  }).finally(close);
  print('Reset complete. Next replication sync will create a fresh snapshot.');
  return 0;
});

interface Found {
  readonly place: Pick<DatabaseSettings, 'path' | 'metaPath'>;
  readonly logging: LoggingSettings;
}

/** Without a configuration at the default places the defaults count; one asked for by name must be readable. */
const placeOf = async (
  path: string,
  flags: { readonly config: string; readonly 'no-expand-env': boolean },
  io: CommandIo,
): Promise<Found> => {
  const { LITESTREAM_CONFIG } = io.env;
  try {
    const { configuration } = await loadForCommand(flags, io, path);
    const place = configuration.databases.find((database) => database.path === path);
    return { place: place ?? { path, metaPath: defaultMetaPath(path) }, logging: configuration.logging };
  } catch (error) {
    if (!isReplicationError(error)) throw error;
    const isOptional = flags.config === '' && !LITESTREAM_CONFIG;
    if (error.code !== 'CONFIG_NOT_FOUND' || !isOptional) {
      throw new ReplicationError(error.code, `cannot read config: ${error.message}`, {
        retryable: false,
        cause: error,
      });
    }
    const { loggingOfEnvironment } = await import('#runtime/process-log');
    return { place: { path, metaPath: defaultMetaPath(path) }, logging: loggingOfEnvironment(io.env) };
  }
};
