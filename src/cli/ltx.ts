/** `litestream ltx`, and its older name `wal`: the LTX files of a replica. */
import type { LoggingLevel } from '#config/types';
import { ALL_LEVELS } from '#domain/level';
import { formatTxid } from '#domain/txid';
import { chooseReplicas, replicasNamed } from './chosen-replicas.ts';
import type { COMMAND_FLAGS } from './command-flags.ts';
import type { CommandIo } from './command-io.ts';
import { defineCommand, type Invocation, notAvailableYet, onlyArgument } from './define-command.ts';
import { interruptible } from './interruption.ts';
import { formatJson } from './json.ts';
import { formatTable } from './table.ts';
import { formatSeconds } from './times.ts';

const MISSING_ARGUMENT = 'database path or replica URL required';

/** `-path DB` was never in Litestream, but guides show it. */
const argumentOf = (path: string, args: readonly string[], io: CommandIo): string => {
  if (path === '') return onlyArgument('ltx', args, MISSING_ARGUMENT);
  io.stderr.write("Warning: '-path' is deprecated, please give the path as an argument instead\n");
  return onlyArgument('ltx', [path, ...args], MISSING_ARGUMENT);
};

/** A replica that was copied has a warning for every file; in a listing that is noise unless somebody looks for it. */
const quietly = (level: LoggingLevel): LoggingLevel => (level === 'info' || level === 'warn' ? 'error' : level);

type LtxFlags = Invocation<typeof COMMAND_FLAGS.ltx>['flags'];

const list = async (argument: string, flags: LtxFlags, io: CommandIo): Promise<number> => {
  const chosen = await chooseReplicas(argument, flags, io);
  const replicas = replicasNamed(chosen.replicas, flags.replica);
  const levels = ALL_LEVELS.filter((level) => flags.level === 'all' || level === flags.level);
  const { createProcessLog } = await import('#runtime/process-log');
  const { listReplicaFiles } = await import('#runtime/list-replica-files');
  const { log, close } = createProcessLog(
    { ...chosen.logging, level: quietly(chosen.logging.level), stderr: true },
    io,
  );
  const files = await interruptible((signal) => listReplicaFiles(replicas, levels, log, signal)).finally(close);
  if (typeof files === 'number') return files;
  const isOfSeveral = replicas.length > 1;
  const rows = files.map((file) => ({
    ...(isOfSeveral ? { replica: file.replica } : {}),
    level: file.level,
    min_txid: formatTxid(file.minTxid),
    max_txid: formatTxid(file.maxTxid),
    size: file.sizeBytes,
    timestamp: formatSeconds(file.createdAtMs),
  }));
  io.stdout.write(
    flags.json
      ? formatJson(rows)
      : formatTable(
          [...(isOfSeveral ? ['replica'] : []), 'level', 'min_txid', 'max_txid', 'size', 'created'],
          rows.map((row) => Object.values(row).map(String)),
        ),
  );
  return 0;
};

/** Level 0 unless `-level` says otherwise; with several replicas a first column names them. */
export const ltx = defineCommand('ltx', ({ flags, args, io }) => list(argumentOf(flags.path, args, io), flags, io));

/** `ltx` with a warning. */
export const wal = defineCommand('wal', ({ flags, args, io }) => {
  io.stderr.write("Warning: 'wal' command is deprecated, please use 'ltx' instead\n");
  if (flags.generation !== '') throw notAvailableYet('litestream wal -generation');
  return list(argumentOf(flags.path, args, io), flags, io);
});
