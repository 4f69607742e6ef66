/** The frame of every command: flags in, exit code out; help and flag errors are the same everywhere. */
import { ReplicationError } from '#errors/replication-error';
import { COMMAND_FLAGS, type CommandName } from './command-flags.ts';
import type { CommandIo } from './command-io.ts';
import { type FlagTable, type FlagValues, parseFlags } from './flags.ts';
import { formatTry, formatUsage } from './usage.ts';

/** What a command works with. */
export interface Invocation<F extends FlagTable> {
  readonly flags: FlagValues<F>;
  /** Names of the flags that were written. */
  readonly given: ReadonlySet<keyof F>;
  /** Words after the flags. */
  readonly args: readonly string[];
  readonly io: CommandIo;
}

/** A command: words after its name to an exit code. Errors are thrown and printed by the caller. */
export type Command = (words: readonly string[], io: CommandIo) => Promise<number>;

const printUsage = async (name: CommandName, { stdout, env, defaultConfigPath }: CommandIo): Promise<void> => {
  const { DEFAULT_CONFIG_PATH } = await import('#runtime/configuration/locate');
  const { LITESTREAM_CONFIG } = env;
  stdout.write(formatUsage(name, { configPath: LITESTREAM_CONFIG || (defaultConfigPath ?? DEFAULT_CONFIG_PATH) }));
};

/** Wraps the work of a command in its flags. `-h`: usage, 0. A wrong flag: the usage, and `USAGE` with the message. */
export const defineCommand =
  <N extends CommandName>(
    name: N,
    work: (invocation: Invocation<(typeof COMMAND_FLAGS)[N]>) => Promise<number>,
  ): Command =>
  async (words, io) => {
    const parsed = parseFlags(COMMAND_FLAGS[name], words);
    if (parsed.kind === 'parsed') {
      return work({ flags: parsed.flags, given: parsed.given, args: parsed.args, io });
    }
    await printUsage(name, io);
    if (parsed.kind === 'help') return 0;
    throw usageError(parsed.message);
  };

/** An error of the command line; with `example` it ends in `Try: EXAMPLE`. */
export const usageError = (message: string, example?: string): ReplicationError =>
  new ReplicationError('USAGE', message, {
    retryable: false,
    ...(example === undefined ? {} : { hint: `Try: ${example}` }),
  });

/**
 * The only argument; an empty one counts as missing. `USAGE` with `missing` as its message and the example of the command
 * when there is none, and when there are more.
 */
export const onlyArgument = (name: CommandName, args: readonly string[], missing: string): string => {
  const [argument = '', ...surplus] = args;
  if (argument === '') throw usageError(missing, formatTry(name).replace('Try: ', ''));
  if (surplus.length > 0) throw usageError('too many arguments');
  return argument;
};

/** `USAGE` when there is any argument. */
export const noArguments = (args: readonly string[]): void => {
  if (args.length > 0) throw usageError('too many arguments');
};

/** What the flag or command is for is not built; said plainly instead of doing something else. */
export const notAvailableYet = (what: string): ReplicationError =>
  new ReplicationError('USAGE', `${what}: not available in this version yet`, { retryable: false });
