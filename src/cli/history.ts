/** `litestream history`: what happened to a database and its replicas, from the fact log. */
import { defaultMetaPath } from '#config/database-entry';
import { errorCodeOf } from '#errors/replication-error';
import type { CommandIo } from './command-io.ts';
import { defineCommand, onlyArgument } from './define-command.ts';
import { formatJson } from './json.ts';
import { databasePathOf, loadForCommand } from './load-for-command.ts';

/** One line a fact, oldest first; with `-json` an array. */
export const history = defineCommand('history', async ({ flags, args, io }) => {
  const path = databasePathOf(onlyArgument('history', args, 'database path required'), io);
  const { readHistory } = await import('#runtime/read-history');
  const entries = readHistory({ path, env: io.env, ...(await originOf(path, flags, io)) });
  if (flags.json) {
    const all: unknown[] = [];
    for await (const { json } of entries) all.push(json);
    io.stdout.write(formatJson(all));
    return 0;
  }
  for await (const { line } of entries) io.stdout.write(`${line}\n`);
  return 0;
});

interface Origin {
  readonly metaPath: string;
  readonly configurationPath: string | undefined;
  readonly statePath: string | undefined;
}

/** A database that is replicated from the command line has a history without any configuration. */
const originOf = async (
  path: string,
  flags: { readonly config: string; readonly 'no-expand-env': boolean },
  io: CommandIo,
): Promise<Origin> => {
  try {
    const { configuration, path: configurationPath } = await loadForCommand(flags, io, path);
    const database = configuration.databases.find((candidate) => candidate.path === path);
    const metaPath = database?.metaPath ?? defaultMetaPath(path);
    return { metaPath, configurationPath, statePath: configuration.statePath };
  } catch (error) {
    if (errorCodeOf(error) !== 'CONFIG_NOT_FOUND' || flags.config !== '') throw error;
    return { metaPath: defaultMetaPath(path), configurationPath: undefined, statePath: undefined };
  }
};
