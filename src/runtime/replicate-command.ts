/** `replicate` as a process: configuration, log, daemon or single pass, child command, signals, exit code. */
import { splitExecCommand } from '#config/exec-words';
import { describeFinding } from '#config/problems';
import type { Configuration, LoggingLevel, LoggingSettings } from '#config/types';
import { replicateOnce } from '#effects/replicate-once';
import { messageOf, ReplicationError } from '#errors/replication-error';
import type { Log } from '#ports/log';
import { type Child, type ChildEnd, startChild } from './child-process.ts';
import type { LoadedConfiguration } from './configuration/load.ts';
import { startDaemon } from './daemon.ts';
import { createScope } from './database-scope-factory.ts';
import { createNodePorts, type NodePorts } from './node-ports.ts';
import { createProcessLog, DEFAULT_LOGGING } from './process-log.ts';
import { restoreMissing } from './restore-missing.ts';
import { createUploadLimiters } from './upload-limiters.ts';
import { VERSION } from './version.ts';

export interface ReplicateOptions {
  load(): Promise<LoadedConfiguration>;
  /** Replaces the `exec` of the file; empty: none. */
  readonly exec: string;
  readonly logLevel: LoggingLevel | undefined;
  readonly restoreIfDbNotExists: boolean;
  readonly isOnce: boolean;
}

/** Runs until a signal, the end of the child or, with `-once`, the end of the pass. Returns the exit code; errors are thrown. */
export const runReplicate = async (options: ReplicateOptions): Promise<number> => {
  // Signals first: one that comes while things are being opened must not kill the process half way.
  const signals = listenForSignals();
  try {
    const loaded = await options.load();
    const configuration = withFlags(loaded.configuration, options);
    const output = createProcessLog(configuration.logging);
    try {
      const { log } = output;
      log.write('info', 'litestream', { version: VERSION, level: configuration.logging.level });
      for (const warning of loaded.warnings) log.write('warn', describeFinding(warning));
      if (configuration.databases.length === 0) log.write('error', 'no databases specified in configuration');
      const ports = await createNodePorts({ configuration, configurationPath: loaded.path, log });
      return options.isOnce
        ? await runOnce(configuration, ports, log, signals)
        : await runDaemon(configuration, ports, log, options.exec, signals);
    } finally {
      await output.close();
    }
  } finally {
    signals.close();
  }
};

const withFlags = (configuration: Configuration, options: ReplicateOptions): Configuration => ({
  ...configuration,
  logging: logging(configuration.logging, options.logLevel),
  databases: options.restoreIfDbNotExists
    ? configuration.databases.map((database) => ({ ...database, restoreIfDbNotExists: true }))
    : configuration.databases,
});

const logging = (settings: LoggingSettings, level: LoggingLevel | undefined): LoggingSettings => ({
  ...DEFAULT_LOGGING,
  ...settings,
  ...(level === undefined ? {} : { level }),
});

interface Signals {
  /** Called for every SIGINT and SIGTERM, also for those that came before. */
  onSignal(listener: (signal: 'SIGINT' | 'SIGTERM') => void): void;
  close(): void;
}

const listenForSignals = (): Signals => {
  const early: ('SIGINT' | 'SIGTERM')[] = [];
  let deliver = (signal: 'SIGINT' | 'SIGTERM'): void => void early.push(signal);
  const onInterrupt = (): void => deliver('SIGINT');
  const onTerminate = (): void => deliver('SIGTERM');
  process.on('SIGINT', onInterrupt);
  process.on('SIGTERM', onTerminate);
  return {
    onSignal: (listener) => {
      deliver = listener;
      for (const signal of early.splice(0)) listener(signal);
    },
    close: () => {
      process.off('SIGINT', onInterrupt);
      process.off('SIGTERM', onTerminate);
    },
  };
};

const SIGNAL_TEXT = { SIGINT: 'interrupt', SIGTERM: 'terminated' } as const;
const SIGNAL_EXIT_CODE = { SIGINT: 130, SIGTERM: 143 } as const;

const runOnce = async (
  configuration: Configuration,
  ports: NodePorts,
  log: Log,
  signals: Signals,
): Promise<number> => {
  const abort = new AbortController();
  let exitCode: number | undefined;
  signals.onSignal((signal) => {
    exitCode = SIGNAL_EXIT_CODE[signal];
    abort.abort(new Error(`received ${SIGNAL_TEXT[signal]}`));
  });
  const failures: string[] = [];
  const limiters = createUploadLimiters();
  try {
    await restoreMissing(configuration, log, abort.signal);
    for (const settings of configuration.databases) {
      if (abort.signal.aborted) break;
      log.write('info', 'initialized db', { path: settings.path });
      const { scope } = await createScope(ports, limiters, configuration, settings);
      try {
        const failed = await replicateOnce(scope, ports.fullCopies, abort.signal);
        for (const { error } of failed) failures.push(`sync replica for ${settings.path}: ${messageOf(error)}`);
      } catch (error) {
        if (!(error instanceof ReplicationError) && !abort.signal.aborted) throw error;
        const isAbsent = error instanceof ReplicationError && error.code === 'DATABASE_NOT_FOUND';
        failures.push(`${isAbsent ? 'sync replica for' : 'sync database'} ${settings.path}: ${messageOf(error)}`);
      } finally {
        for (const { storage } of scope.replicas.values()) await storage.close();
      }
    }
  } finally {
    await ports.sources.shutdown();
    await ports.facts.close();
  }
  if (exitCode !== undefined) return exitCode;
  if (failures.length > 0) throw new ReplicationError('STORAGE_UNAVAILABLE', failures.join('\n'), { retryable: true });
  log.write('info', 'one-shot replication complete');
  return 0;
};

const runDaemon = async (
  configuration: Configuration,
  ports: NodePorts,
  log: Log,
  execFlag: string,
  signals: Signals,
): Promise<number> => {
  const command = execFlag === '' ? configuration.exec : execFlag;
  const words = command === undefined ? undefined : wordsOf(command);
  let child: Child | undefined;
  let childEnd: ChildEnd | undefined;
  let startFailure: unknown;
  let signalCount = 0;

  const daemon = startDaemon({
    ports,
    load: () => Promise.resolve(configuration),
    prepare: (accepted, signal) => restoreMissing(accepted, log, signal),
    onRunning: (accepted) => {
      announceReplicas(accepted, log);
      if (words === undefined) return;
      startChild(words).then(
        (started) => {
          child = started;
          void started.ended.then((end) => {
            childEnd = end;
            log.write('info', 'subprocess exited, litestream shutting down');
            daemon.stop();
          });
        },
        (error: unknown) => {
          startFailure = error;
          daemon.stop();
        },
      );
    },
  });
  signals.onSignal((signal) => {
    signalCount += 1;
    if (signalCount === 1) {
      log.write('info', 'signal received, litestream shutting down', { signal: SIGNAL_TEXT[signal] });
    }
    if (child === undefined || childEnd !== undefined) {
      daemon.stop();
      return;
    }
    // The child decides when it is over; the third signal decides for it.
    child.kill(signalCount >= 3 ? 'SIGKILL' : signal);
  });
  const { refusal } = await daemon.ended;
  if (startFailure !== undefined) throw startFailure;
  if (refusal !== undefined) {
    child?.kill('SIGTERM');
    throw new ReplicationError('CONFIG_INVALID', refusal.message, { retryable: false });
  }
  log.write('info', 'litestream shut down');
  if (childEnd === undefined) return 0;
  return childEnd.signal !== undefined && signalCount > 0 ? 0 : childEnd.exitCode;
};

const wordsOf = (command: string): readonly string[] => {
  const split = splitExecCommand(command);
  if (split.kind === 'words') return split.words;
  throw new ReplicationError('USAGE', `cannot parse exec command: ${split.message}`, { retryable: false });
};

const announceReplicas = (configuration: Configuration, log: Log): void => {
  for (const { path, replicas } of configuration.databases) {
    for (const replica of replicas) {
      log.write('info', 'replicating to', {
        db: path,
        type: replica.type,
        'sync-interval': { durationMs: replica.syncIntervalMs },
        ...(replica.type === 'file' ? { path: replica.path } : { url: replica.location }),
      });
    }
  }
};
