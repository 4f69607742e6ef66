/** Usage texts: the overview of commands and one text for each command, made from the table of its flags. */
import { formatDuration } from '#config/duration';
import { nearestName } from '#config/nearest-name';
import { COMMAND_FLAGS, type CommandName } from './command-flags.ts';
import type { Flag } from './flags.ts';

interface CommandText {
  /** One line of the overview. */
  readonly summary: string;
  /** What may follow the flags, one line for each form. */
  readonly forms: readonly string[];
  readonly example: string;
  /** Not in the overview: another name, or not built yet. */
  readonly isHidden?: boolean;
}

const COMMAND_TEXTS: Readonly<Record<CommandName, CommandText>> = {
  databases: {
    summary: 'list the databases of the configuration and their replicas',
    forms: ['[flags]'],
    example: 'litestream databases',
  },
  history: {
    summary: 'show what happened to a database and its replicas (addition)',
    forms: ['[flags] DB_PATH'],
    example: 'litestream history /path/to/db',
  },
  info: {
    summary: 'show the running daemon',
    forms: ['[flags]'],
    example: 'litestream info',
    isHidden: true,
  },
  list: {
    summary: 'list the databases of the running daemon',
    forms: ['[flags]'],
    example: 'litestream list',
    isHidden: true,
  },
  ltx: {
    summary: 'list the LTX files of a database or replica',
    forms: ['[flags] DB_PATH', '[flags] REPLICA_URL'],
    example: 'litestream ltx /path/to/db',
  },
  mcp: {
    summary: 'serve the tools for assistants on stdin and stdout',
    forms: ['[flags]'],
    example: 'litestream mcp -config /etc/litestream.yml',
    isHidden: true,
  },
  register: {
    summary: 'add a database to the running daemon',
    forms: ['[flags] -replica URL DB_PATH'],
    example: 'litestream register -replica s3://bucket/prefix /path/to/db',
    isHidden: true,
  },
  replicate: {
    summary: 'replicate databases until stopped',
    forms: ['[flags]', '[flags] DB_PATH REPLICA_URL [REPLICA_URL ...]'],
    example: 'litestream replicate /path/to/db s3://bucket/prefix',
  },
  reset: {
    summary: 'delete the local replication state of a database',
    forms: ['[flags] DB_PATH'],
    example: 'litestream reset /path/to/db',
  },
  restore: {
    summary: 'restore a database from its replica',
    forms: ['[flags] DB_PATH', '[flags] -o PATH REPLICA_URL'],
    example: 'litestream restore -o /path/to/db s3://bucket/prefix',
  },
  start: {
    summary: 'resume a stopped database of the running daemon',
    forms: ['[flags] DB_PATH'],
    example: 'litestream start /path/to/db',
    isHidden: true,
  },
  status: {
    summary: 'show the local replication state of the databases',
    forms: ['[flags] [DB_PATH]'],
    example: 'litestream status',
  },
  stop: {
    summary: 'stop replicating one database of the running daemon',
    forms: ['[flags] DB_PATH'],
    example: 'litestream stop /path/to/db',
    isHidden: true,
  },
  sync: {
    summary: 'make the running daemon sync one database now',
    forms: ['[flags] DB_PATH'],
    example: 'litestream sync /path/to/db',
    isHidden: true,
  },
  unregister: {
    summary: 'remove a database from the running daemon',
    forms: ['[flags] DB_PATH'],
    example: 'litestream unregister /path/to/db',
    isHidden: true,
  },
  version: { summary: 'print the version', forms: ['[flags]'], example: 'litestream version' },
  wal: {
    summary: 'another name of ltx (deprecated)',
    forms: ['[flags] DB_PATH', '[flags] REPLICA_URL'],
    example: 'litestream ltx /path/to/db',
    isHidden: true,
  },
};

const OVERVIEW_END = 'Run "litestream COMMAND -h" for the flags of a command.';

const listed = (): readonly (readonly [string, CommandText])[] =>
  Object.entries(COMMAND_TEXTS)
    .filter(([, { isHidden }]) => isHidden !== true)
    .sort(([a], [b]) => (a < b ? -1 : 1));

/** Overview of all commands, in alphabetical order. */
export const formatOverview = (): string => {
  const commands = listed().map(([name, { summary }]) => `  ${name.padEnd(12)}${summary}\n`);
  return `litestream keeps a copy of SQLite databases up to date, transaction by transaction.\n\nUsage:\n\n  litestream COMMAND [flags] [arguments]\n\nCommands:\n\n${commands.join('')}\n${OVERVIEW_END}\n`;
};

const shownDefault = (flag: Flag<unknown>): string => {
  const { default: value } = flag;
  const isPlain = (typeof value === 'string' && value !== '') || (typeof value === 'number' && value !== 0);
  if (!isPlain) {
    return '';
  }
  return flag.placeholder === 'DURATION' ? ` (default ${formatDuration(Number(value))})` : ` (default ${value})`;
};

const formatFlag = (name: string, flag: Flag<unknown>, configPath: string): string => {
  const value = flag.placeholder === '' ? '' : ` ${flag.placeholder}`;
  const fallback = name === 'config' ? ` (default ${configPath})` : shownDefault(flag);
  return `  -${name}${value}\n        ${flag.help}${fallback}\n`;
};

/** Usage of one command; `configPath` is the configuration file that counts when `-config` is absent. */
export const formatUsage = (name: CommandName, { configPath }: { readonly configPath: string }): string => {
  const { forms, summary, example } = COMMAND_TEXTS[name];
  const flags = Object.entries<Flag<unknown>>(COMMAND_FLAGS[name])
    .filter(([, { isHidden }]) => !isHidden)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([flagName, flag]) => formatFlag(flagName, flag, configPath));
  const lines = forms.map((form) => `  litestream ${name} ${form}\n`);
  return `litestream ${name}: ${summary}.\n\nUsage:\n\n${lines.join('')}\nFlags:\n\n${flags.join('')}\nExample:\n\n  ${example}\n`;
};

/** The line `Try: …` behind a usage error. */
export const formatTry = (name: CommandName): string => `Try: ${COMMAND_TEXTS[name].example}`;

/** Message for a word that is no command. */
export const unknownCommandMessage = (word: string): string => {
  const nearest = nearestName(
    word,
    listed().map(([name]) => name),
  );
  return `litestream ${word}: unknown command${nearest === undefined ? '' : ` (did you mean ${nearest}?)`}`;
};
