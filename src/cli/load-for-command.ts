/** The configuration as the commands that only look use it: warnings go to stderr, paths mean what they mean in the file. */
import { homedir } from 'node:os';
import { expandPath, type PathContext } from '#config/paths';
import type { Configuration, DatabaseSettings } from '#config/types';
import { ReplicationError } from '#errors/replication-error';
import type { LoadedConfiguration } from '#runtime/configuration/load';
import type { CommandIo } from './command-io.ts';

interface ConfigFlags {
  readonly config: string;
  readonly 'no-expand-env': boolean;
}

/** What paths of the command line are resolved against. */
export const pathContextOf = ({ env, cwd }: CommandIo): PathContext => {
  const { HOME } = env;
  return { cwd, homeDirectory: HOME || homedir() };
};

/** Loads without a word about warnings. With `onlyDatabase` broken entries of other databases do not matter. */
export const loadQuietly = async (
  flags: ConfigFlags,
  io: CommandIo,
  onlyDatabase?: string,
): Promise<LoadedConfiguration> => {
  const { loadConfiguration } = await import('#runtime/configuration/load');
  return loadConfiguration({
    path: flags.config,
    expandEnv: !flags['no-expand-env'],
    env: io.env,
    cwd: io.cwd,
    onlyDatabase,
    defaultPath: io.defaultConfigPath,
  });
};

/** Loads, and logs warnings to stderr. Codes of `loadConfiguration`. */
export const loadForCommand = async (
  flags: ConfigFlags,
  io: CommandIo,
  onlyDatabase?: string,
): Promise<LoadedConfiguration> => {
  const loaded = await loadQuietly(flags, io, onlyDatabase);
  if (loaded.warnings.length > 0) {
    const { logFindings } = await import('#runtime/process-log');
    await logFindings(loaded.warnings, loaded.configuration.logging, io);
  }
  return loaded;
};

/** The path as a database of the configuration. */
export const databasePathOf = (argument: string, io: CommandIo): string => expandPath(argument, pathContextOf(io));

/** `USAGE` with `database not found in config: PATH` when the file has no such database. */
export const findDatabase = ({ databases }: Configuration, path: string): DatabaseSettings => {
  const found = databases.find((database) => database.path === path);
  if (found !== undefined) return found;
  throw new ReplicationError('USAGE', `database not found in config: ${path}`, { retryable: false, details: { path } });
};
