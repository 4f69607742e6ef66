/** From the words of the command line to an exit code: finds the command, loads it, prints what it throws. */
import { InvariantViolation, isReplicationError, messageOf } from '#errors/replication-error';
import type { CommandIo } from './command-io.ts';
import type { Command } from './define-command.ts';

/** Each command is loaded when it is called: `version` must not pay for the others. */
const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  databases: async () => (await import('./databases.ts')).databases,
  history: async () => (await import('./history.ts')).history,
  ltx: async () => (await import('./ltx.ts')).ltx,
  replicate: async () => (await import('./replicate.ts')).replicate,
  reset: async () => (await import('./reset.ts')).reset,
  restore: async () => (await import('./restore.ts')).restore,
  status: async () => (await import('./status.ts')).status,
  version: async () => (await import('./version.ts')).version,
  wal: async () => (await import('./ltx.ts')).wal,
};

/** Commands of Litestream, or of this program's plan, that are not built. */
const NOT_BUILT: ReadonlySet<string> = new Set([
  'generations',
  'info',
  'list',
  'mcp',
  'register',
  'snapshots',
  'start',
  'stop',
  'sync',
  'unregister',
]);

const HELP_WORDS: ReadonlySet<string> = new Set(['help', '-h', '-help', '--help']);

/** Runs one command line without the program's own name; never throws. */
export const runCommandLine = async (words: readonly string[], io: CommandIo): Promise<number> => {
  try {
    return await dispatch(words, io);
  } catch (error) {
    io.stderr.write(formatError(error));
    return 1;
  }
};

const dispatch = async ([first, ...rest]: readonly string[], io: CommandIo): Promise<number> => {
  if (first !== undefined && HELP_WORDS.has(first)) {
    await printOverview(io);
    return 0;
  }
  const name = first === '--version' || first === '-v' ? 'version' : first;
  if (name === undefined || name.startsWith('-')) {
    await printOverview(io);
    return 1;
  }
  const load = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (load !== undefined) {
    const command = await load();
    return command(rest, io);
  }
  const { unknownCommandMessage } = await import('./usage.ts');
  const message = NOT_BUILT.has(name)
    ? `litestream ${name}: not available in this version yet`
    : unknownCommandMessage(name);
  io.stderr.write(`Error: ${message}\n`);
  return 1;
};

const printOverview = async ({ stdout }: CommandIo): Promise<void> => {
  const { formatOverview } = await import('./usage.ts');
  stdout.write(formatOverview());
};

/** `Error: MESSAGE`, then what to do. Anything that is not an error of the world is a bug of ours and says so, in one line. */
export const formatError = (error: unknown): string => {
  if (isReplicationError(error)) {
    return `Error: ${error.message}\n${error.hint === undefined ? '' : `${error.hint}\n`}`;
  }
  const kind = error instanceof InvariantViolation ? 'invariant violated' : 'unexpected failure';
  return `Error: internal error, ${kind}: ${messageOf(error).replace(/\s+/g, ' ')}\n`;
};
