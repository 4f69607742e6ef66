/** `litestream databases`: what the configuration says, one row for each database and replica. */
import { defineCommand, noArguments, notAvailableYet } from './define-command.ts';
import { formatJson } from './json.ts';
import { loadForCommand } from './load-for-command.ts';
import { formatTable } from './table.ts';

/** A deprecated `-replica` keeps only replicas of that name or type. */
export const databases = defineCommand('databases', async ({ flags, args, io }) => {
  noArguments(args);
  if (flags['sync-state']) throw notAvailableYet('litestream databases -sync-state');
  if (flags.replica !== '') io.stderr.write("Warning: 'databases -replica' is deprecated\n");
  const { configuration } = await loadForCommand(flags, io);
  const rows = configuration.databases
    .flatMap(({ path, replicas }) => replicas.map((replica) => ({ path, replica })))
    .filter(({ replica: { name, type } }) => flags.replica === '' || [name, type].includes(flags.replica));
  io.stdout.write(
    flags.json
      ? formatJson(
          rows.map(({ path, replica: { type, name, location } }) => ({ path, replica: type, name, url: location })),
        )
      : formatTable(
          ['path', 'replica'],
          rows.map(({ path, replica }) => [path, replica.type]),
        ),
  );
  return 0;
});
