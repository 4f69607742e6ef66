/** The flags of every command. Defaults and meanings are those of Litestream v0.5; additions say so in their text. */
import { parseTxid, type Txid, ZERO_TXID } from '#domain/txid';
import { booleanFlag, durationFlag, type Flag, integerFlag, parsedFlag, textFlag } from './flags.ts';

const configFlags = {
  config: textFlag('PATH', 'configuration file'),
  'no-expand-env': booleanFlag('leave $NAME in the configuration file as it is'),
} as const;

const jsonFlag = { json: booleanFlag('print JSON') } as const;

const socketFlags = (timeoutSeconds: number) => ({
  socket: textFlag('PATH', 'control socket of the daemon', '/var/run/litestream.sock'),
  timeout: integerFlag('SECONDS', 'how long to wait for the daemon', timeoutSeconds),
  ...jsonFlag,
});

/** Zero means the newest. */
const txidFlag: Flag<Txid> = parsedFlag(
  'TXID',
  'restore through this transaction, 16 hex digits',
  ZERO_TXID,
  (text) => {
    const value = parseTxid(text);
    return value === undefined ? { refused: 'invalid txid format' } : { value };
  },
);

/** One level, or all of them. */
const levelFlag = parsedFlag<number | 'all'>('LEVEL', 'level to list, 0 to 9, or all', 0, (text) => {
  if (text === 'all') return { value: 'all' };
  if (!/^[+-]?\d+$/.test(text)) return { refused: 'invalid level: must be 0-9 or "all"' };
  const level = Number(text);
  return level >= 0 && level <= 9 ? { value: level } : { refused: 'level must be between 0 and 9' };
});

const ltxFlags = {
  ...configFlags,
  ...jsonFlag,
  level: levelFlag,
  replica: textFlag('NAME', 'only this replica (addition)'),
  path: textFlag('PATH', 'the database, another way to give the argument (addition)'),
} as const;

/** Flags by command; `wal` is another name of `ltx`. */
export const COMMAND_FLAGS = {
  databases: {
    ...configFlags,
    ...jsonFlag,
    'sync-state': booleanFlag('add position and lag from the daemon (addition)'),
    replica: textFlag('NAME', 'only replicas of this name or type (deprecated)'),
  },
  history: { ...configFlags, ...jsonFlag },
  info: socketFlags(10),
  list: socketFlags(10),
  ltx: ltxFlags,
  mcp: configFlags,
  register: { ...socketFlags(30), replica: textFlag('URL', 'where to replicate to') },
  replicate: {
    ...configFlags,
    exec: textFlag('COMMAND', 'run this command beside replication and end with it'),
    'log-level': textFlag('LEVEL', 'trace, debug, info, warn or error'),
    'restore-if-db-not-exists': booleanFlag('restore every missing database first'),
    once: booleanFlag('one pass, then exit'),
    'force-snapshot': booleanFlag('with -once: snapshot every database'),
    'enforce-retention': booleanFlag('with -once: apply snapshot retention'),
  },
  reset: {
    ...configFlags,
    'dry-run': booleanFlag('show what would be removed'),
    force: booleanFlag('reset although a daemon answers on the control socket (addition)'),
  },
  restore: {
    ...configFlags,
    o: textFlag('PATH', 'output file; required for a replica URL'),
    txid: txidFlag,
    timestamp: textFlag('TIME', 'restore to this moment, RFC 3339'),
    'if-db-not-exists': booleanFlag('do nothing when the output exists'),
    'if-replica-exists': booleanFlag('do nothing when there is no backup'),
    force: booleanFlag('replace an existing output'),
    'dry-run': booleanFlag('show the plan, write nothing'),
    'integrity-check': textFlag('MODE', 'none, quick or full', 'none'),
    parallelism: integerFlag('N', 'files fetched at a time', 8),
    f: booleanFlag('go on applying new transactions'),
    'follow-interval': durationFlag('DURATION', 'with -f: pause between two looks', 1000),
    ...jsonFlag,
    replica: textFlag('NAME', 'restore from this replica (addition)'),
    generation: textFlag('NAME', 'v0.3 backups: this generation'),
    index: textFlag('HEX', 'v0.3 backups: up to this WAL index'),
  },
  start: socketFlags(30),
  status: { ...configFlags, ...jsonFlag },
  stop: socketFlags(30),
  sync: { ...socketFlags(30), wait: booleanFlag('wait until the replica has it') },
  unregister: { ...socketFlags(30), 'dry-run': booleanFlag('show what would happen') },
  version: { verbose: booleanFlag('print build and platform too') },
  wal: { ...ltxFlags, generation: textFlag('NAME', 'v0.3 backups: this generation') },
} as const;

/** Name of a command with flags. */
export type CommandName = keyof typeof COMMAND_FLAGS;

/** True when the word names a command. */
export const isCommandName = (word: string): word is CommandName => Object.hasOwn(COMMAND_FLAGS, word);
