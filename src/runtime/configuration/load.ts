/** Locates, reads and validates the configuration: the one way from a path to a value. */
import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { readConfiguration } from '#config/configuration';
import { configurationError, type Finding } from '#config/problems';
import type { Configuration } from '#config/types';
import { ReplicationError } from '#errors/replication-error';
import { locateConfiguration } from './locate.ts';

/** How to load. */
export interface LoadOptions {
  /** Value of `-config`. */
  readonly path?: string | undefined;
  /** False for `-no-expand-env`. Default true. */
  readonly expandEnv?: boolean;
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Absolute working directory. */
  readonly cwd?: string;
  /** Only this database (absolute path) is wanted: broken entries of others are warnings. `age` is refused all the same. */
  readonly onlyDatabase?: string | undefined;
  /** Replaces the default place of the file; for tests. */
  readonly defaultPath?: string | undefined;
}

/** A loaded configuration. */
export interface LoadedConfiguration {
  readonly configuration: Configuration;
  /** To be logged, once each; see `describeFinding`. */
  readonly warnings: readonly Finding[];
  /** Absolute path of the file. */
  readonly path: string;
}

const homeOf = (env: Readonly<Record<string, string | undefined>>): string | undefined => {
  const { HOME } = env;
  if (HOME !== undefined && HOME !== '') {
    return HOME;
  }
  try {
    return homedir();
  } catch {
    return undefined;
  }
};

const readText = async (path: string): Promise<string> => {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ENOENT') {
      throw new ReplicationError('CONFIG_NOT_FOUND', `config file not found: ${path}`, {
        retryable: false,
        details: { path },
        cause: error,
      });
    }
    const reason = error instanceof Error ? error.message : String(error);
    throw new ReplicationError('CONFIG_INVALID', `cannot read config file ${path}: ${reason}`, {
      retryable: false,
      details: { path },
      cause: error,
    });
  }
};

/**
 * Loads the configuration. `CONFIG_NOT_FOUND`: no file; `AGE_NOT_SUPPORTED`: the file asks for age encryption anywhere;
 * `CONFIG_INVALID`: the message lists every problem with file, line, column and key.
 */
export const loadConfiguration = async (options: LoadOptions = {}): Promise<LoadedConfiguration> => {
  const env = options.env ?? process.env;
  const cwd = options.cwd ?? process.cwd();
  const homeDirectory = homeOf(env);
  const { path } = await locateConfiguration({
    path: options.path,
    env,
    cwd,
    homeDirectory,
    defaultPath: options.defaultPath,
  });
  const result = readConfiguration({
    file: path,
    text: await readText(path),
    expandEnv: options.expandEnv ?? true,
    env,
    cwd,
    homeDirectory,
    pid: process.pid,
    onlyDatabase: options.onlyDatabase,
  });
  if (result.kind === 'invalid') {
    throw configurationError(result.problems);
  }
  return { configuration: result.configuration, warnings: result.warnings, path };
};
