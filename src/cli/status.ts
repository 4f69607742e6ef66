/** `litestream status`: the local replication state of every database, or of one. */
import { formatTxid } from '#domain/txid';
import { defineCommand, usageError } from './define-command.ts';
import { formatJson } from './json.ts';
import { databasePathOf, findDatabase, loadForCommand } from './load-for-command.ts';
import { formatHumanSize, formatTable } from './table.ts';

/** A database that is not configured is an error, not an empty table. */
export const status = defineCommand('status', async ({ flags, args, io }) => {
  const [wanted, ...surplus] = args;
  if (surplus.length > 0) throw usageError('too many arguments');
  const { configuration } = await loadForCommand(flags, io);
  const databases =
    wanted === undefined ? configuration.databases : [findDatabase(configuration, databasePathOf(wanted, io))];
  const { readLocalState } = await import('#runtime/local-state');
  const rows: { readonly database: string; readonly status: string; readonly local_txid: string; wal_size: string }[] =
    [];
  for (const database of databases) {
    const { txid, walBytes, ...state } = await readLocalState(database);
    rows.push({
      database: database.path,
      status: state.status,
      local_txid: txid === undefined ? '-' : formatTxid(txid),
      wal_size: walBytes === undefined ? '-' : formatHumanSize(walBytes),
    });
  }
  io.stdout.write(
    flags.json
      ? formatJson(rows)
      : formatTable(
          ['database', 'status', 'local txid', 'wal size'],
          rows.map((row) => [row.database, row.status, row.local_txid, row.wal_size]),
        ),
  );
  return 0;
});
