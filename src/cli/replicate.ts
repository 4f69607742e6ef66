/** `litestream replicate`: the daemon, from a configuration file or for one database. */
import { configurationFromArguments } from '#config/argument-configuration';
import { isReplicaUrl } from '#config/paths';
import type { LoggingLevel } from '#config/types';
import type { ReplicateConfiguration } from '#runtime/replicate-command';
import type { COMMAND_FLAGS } from './command-flags.ts';
import type { CommandIo } from './command-io.ts';
import { defineCommand, type Invocation, notAvailableYet, usageError } from './define-command.ts';
import { loadQuietly, pathContextOf } from './load-for-command.ts';

type ReplicateFlags = Invocation<typeof COMMAND_FLAGS.replicate>['flags'];

/** Runs until it is stopped; the exit code may be that of the child command. */
export const replicate = defineCommand('replicate', async ({ flags, given, args, io }) => {
  refuseContradictions(flags, args);
  if (given.has('exec') && flags.exec.trim() === '') throw usageError('cannot parse exec command: it is empty');
  const logLevel = await logLevelOf(flags['log-level']);
  const { runReplicate } = await import('#runtime/replicate-command');
  return runReplicate({
    load: () => (args.length === 0 ? loadQuietly(flags, io) : Promise.resolve(fromArguments(args, io))),
    exec: flags.exec,
    logLevel,
    restoreIfDbNotExists: flags['restore-if-db-not-exists'],
    isOnce: flags.once,
    streams: io,
  });
});

const refuseContradictions = (flags: ReplicateFlags, [databasePath, ...urls]: readonly string[]): void => {
  if (databasePath !== undefined) {
    if (databasePath === '')
      throw usageError('database path required', 'litestream replicate /path/to/db s3://bucket/prefix');
    const late = urls.find((word) => word.startsWith('-'));
    if (late !== undefined) {
      throw usageError(`flag "${late}" must be positioned before DB_PATH and REPLICA_URL arguments`);
    }
    if (urls.length === 0) throw usageError(`must specify at least one replica URL for ${databasePath}`);
    if (flags.config !== '') throw usageError('cannot specify a replica URL and the -config flag');
    const bare = urls.find((url) => !isReplicaUrl(url));
    if (bare !== undefined) throw usageError(`replica url scheme required: ${bare}`);
  }
  if (flags.once && flags.exec !== '') throw usageError('cannot specify -once flag with -exec');
  for (const name of ['force-snapshot', 'enforce-retention'] as const) {
    if (!flags[name]) continue;
    if (!flags.once) throw usageError(`cannot specify -${name} flag without -once`);
    throw notAvailableYet(`litestream replicate -once -${name}`);
  }
};

const logLevelOf = async (word: string): Promise<LoggingLevel | undefined> => {
  if (word === '') return undefined;
  const { loggingLevelOf } = await import('#runtime/process-log');
  const level = loggingLevelOf(word);
  if (level === undefined) throw usageError(`unknown -log-level "${word}"; known: trace, debug, info, warn, error`);
  return level;
};

const fromArguments = ([databasePath = '', ...urls]: readonly string[], io: CommandIo): ReplicateConfiguration => ({
  ...configurationFromArguments(databasePath, urls, { ...pathContextOf(io), env: io.env }),
  path: undefined,
});
