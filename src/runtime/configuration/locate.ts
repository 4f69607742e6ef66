/** Finds the configuration file: flag, environment, the system's place, then the working directory. */
import { lstat, stat } from 'node:fs/promises';
import { expandPath, type PathContext } from '#config/paths';
import { ReplicationError } from '#errors/replication-error';

/** Where Litestream looks without being told. */
export const DEFAULT_CONFIG_PATH =
  process.platform === 'win32' ? 'C:\\Litestream\\litestream.yml' : '/etc/litestream.yml';

/** Names tried in the working directory, in this order, when nothing else is there. */
export const SEARCH_PLACES = ['litestream.yml', 'litestream.yaml', '.config/litestream.yml'] as const;

/** What locating depends on. */
export interface LocateOptions extends PathContext {
  /** Value of `-config`; empty counts as absent. */
  readonly path?: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Replaces {@link DEFAULT_CONFIG_PATH}; for tests. */
  readonly defaultPath?: string | undefined;
}

/** The file that counts, and whether it was asked for by name. */
export interface LocatedFile {
  readonly path: string;
  readonly isExplicit: boolean;
}

const isFile = async (path: string): Promise<boolean> => {
  try {
    return (await stat(path)).isFile();
  } catch {
    return false;
  }
};

/** Root must not obey a file, or a link to one, that somebody else put into the directory it was started in. */
const isTrusted = async (path: string): Promise<boolean> => {
  const isRoot = process.getuid?.() === 0;
  return !isRoot || ((await lstat(path)).uid === 0 && (await stat(path)).uid === 0);
};

/** The part of cosmiconfig's Explorer that is used; its own declaration is stripped from the package. */
interface ExplorerModule {
  readonly Explorer: new (
    options: Readonly<Record<string, unknown>>,
  ) => { search(from: string): Promise<{ readonly filepath: string } | null> };
}

/**
 * Searches the working directory with cosmiconfig, loaded only when it comes to that. Nothing is parsed here. The Explorer
 * is taken by itself because the public function first obeys, and where it is JavaScript runs, a `.config/config.*` or
 * `package.json` of the working directory (9.0.2); the daemon often runs as root. Use the public one when that can be switched off.
 */
const searchWorkingDirectory = async (cwd: string): Promise<string | undefined> => {
  // The declaration file of this module is empty, see ExplorerModule.
  const { Explorer } = (await import('cosmiconfig/dist/Explorer.js')) as unknown as ExplorerModule;
  const keepText = (_path: string, content: string): string => content;
  const explorer = new Explorer({
    moduleName: 'litestream',
    searchPlaces: [...SEARCH_PLACES],
    searchStrategy: 'none',
    loaders: { '.yml': keepText, '.yaml': keepText },
    cache: false,
    ignoreEmptySearchPlaces: false,
    transform: (result: unknown) => result,
    metaConfigFilePath: null,
    mergeImportArrays: false,
    mergeSearchPlaces: false,
  });
  const result = await explorer.search(cwd);
  return result === null || !(await isTrusted(result.filepath)) ? undefined : result.filepath;
};

/**
 * The configuration file, absolute. `CONFIG_NOT_FOUND` with `config file not found: PATH` when a file asked for by name, or
 * every default place, is missing. Files are never merged.
 */
export const locateConfiguration = async (options: LocateOptions): Promise<LocatedFile> => {
  const { LITESTREAM_CONFIG } = options.env;
  const asked = options.path || LITESTREAM_CONFIG || undefined;
  if (asked !== undefined) {
    return { path: expandPath(asked, options), isExplicit: true };
  }
  const defaultPath = options.defaultPath ?? DEFAULT_CONFIG_PATH;
  if (await isFile(defaultPath)) {
    return { path: defaultPath, isExplicit: false };
  }
  const found = await searchWorkingDirectory(options.cwd);
  if (found === undefined) {
    throw new ReplicationError('CONFIG_NOT_FOUND', `config file not found: ${defaultPath}`, {
      retryable: false,
      hint: `Write that file, name another one with -config, or put ${SEARCH_PLACES[0]} into the working directory.`,
      details: { path: defaultPath },
    });
  }
  return { path: found, isExplicit: false };
};
