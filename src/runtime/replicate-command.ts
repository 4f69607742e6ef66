/** `replicate` as a process: signals first, then configuration, log and ports, then the daemon or a single pass. */
import { setMaxListeners } from 'node:events';
import { splitExecCommand } from '#config/exec-words';
import { describeFinding, type Finding } from '#config/problems';
import type { Configuration, LoggingLevel } from '#config/types';
import { ReplicationError } from '#errors/replication-error';
import { createNodePorts } from './node-ports.ts';
import { createProcessLog, type LogStreams } from './process-log.ts';
import { listenForSignals, type ProcessSignals } from './process-signals.ts';
import { replicateDaemon } from './replicate-daemon.ts';
import { replicateSinglePass } from './replicate-single-pass.ts';
import { VERSION } from './version.ts';

/** A configuration from a file, or from database and URLs of the command line. */
export interface ReplicateConfiguration {
  readonly configuration: Configuration;
  readonly warnings: readonly Finding[];
  /** Absolute path of the file; undefined: there is none. */
  readonly path: string | undefined;
}

/** What the flags of `replicate` say. */
export interface ReplicateOptions {
  load(): Promise<ReplicateConfiguration>;
  /** Replaces the `exec` of the file; empty: none. */
  readonly exec: string;
  readonly logLevel: LoggingLevel | undefined;
  readonly restoreIfDbNotExists: boolean;
  readonly isOnce: boolean;
  readonly streams: LogStreams;
}

/** Everything under way at one moment hangs on one abort signal: that is bounded, but above Node's idea of a leak. */
const LISTENERS_MAX = 1000;

/**
 * Runs until a signal, the end of the child or, with `-once`, the end of the pass. Returns the exit code; errors are thrown:
 * those of the configuration before anything is opened or logged.
 */
export const runReplicate = async (options: ReplicateOptions): Promise<number> => {
  setMaxListeners(LISTENERS_MAX);
  // Signals first: one that comes while things are being opened must not kill the process half way.
  const signals = listenForSignals();
  try {
    const loaded = await options.load();
    const configuration = withFlags(loaded.configuration, options);
    const command = commandOf(configuration, options);
    const output = createProcessLog(configuration.logging, options.streams);
    try {
      return await replicate({ ...loaded, configuration }, command, options.isOnce, output.log, signals);
    } finally {
      await output.close();
    }
  } finally {
    signals.close();
  }
};

const replicate = async (
  { configuration, warnings, path }: ReplicateConfiguration,
  command: readonly string[] | undefined,
  isOnce: boolean,
  log: ReturnType<typeof createProcessLog>['log'],
  signals: ProcessSignals,
): Promise<number> => {
  log.write('info', 'litestream', { version: VERSION, level: configuration.logging.level });
  for (const warning of warnings) log.write('warn', describeFinding(warning));
  if (configuration.databases.length === 0) log.write('error', 'no databases specified in configuration');
  if (!configuration.retentionEnabled) {
    log.write('warn', 'retention is disabled: files of the replicas are never deleted by this program');
  }
  const ports = await createNodePorts({ configuration, configurationPath: path, log });
  return isOnce
    ? replicateSinglePass(configuration, ports, signals)
    : replicateDaemon({ configuration, ports, command, hasFile: path !== undefined, signals });
};

const withFlags = (configuration: Configuration, { logLevel, restoreIfDbNotExists }: ReplicateOptions) => ({
  ...configuration,
  logging: { ...configuration.logging, ...(logLevel === undefined ? {} : { level: logLevel }) },
  databases: restoreIfDbNotExists
    ? configuration.databases.map((database) => ({ ...database, restoreIfDbNotExists: true }))
    : configuration.databases,
});

/** Split before anything is opened: a command that cannot be understood costs nothing. */
const commandOf = ({ exec }: Configuration, options: ReplicateOptions): readonly string[] | undefined => {
  const command = options.exec === '' ? exec : options.exec;
  if (command === undefined || command === '') return undefined;
  if (options.isOnce) throw refused('cannot specify -once flag with -exec');
  const split = splitExecCommand(command);
  if (split.kind === 'refused') throw refused(split.reason);
  return split.words;
};

const refused = (message: string): ReplicationError => new ReplicationError('USAGE', message, { retryable: false });
