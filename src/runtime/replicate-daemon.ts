/** `replicate` until it is stopped: the daemon, its child command, and what a signal means to both. */
import type { Configuration } from '#config/types';
import { type ErrorCode, errorCodes } from '#errors/codes';
import { ReplicationError } from '#errors/replication-error';
import type { Log } from '#ports/log';
import { announceReplicas } from './announce.ts';
import { type Child, type ChildEnd, startChild } from './child-process.ts';
import { startDaemon } from './daemon.ts';
import type { DaemonPorts } from './daemon-ports.ts';
import { type ProcessSignals, SIGNAL_TEXT } from './process-signals.ts';
import { restoreMissing } from './restore-missing.ts';

/** A daemon to be run to its end. */
export interface ReplicateDaemonOptions {
  readonly configuration: Configuration;
  readonly ports: DaemonPorts;
  /** Words of the child command; undefined: none. */
  readonly command: readonly string[] | undefined;
  /** SIGHUP asks for the file to be read again; without a file it ends the daemon. */
  readonly hasFile: boolean;
  readonly signals: ProcessSignals;
}

/** The child, from before its start to its end. */
interface Companion {
  running: Child | undefined;
  end: ChildEnd | undefined;
  failure: unknown;
  /** Signals that ended or were meant to end the daemon. */
  signals: number;
}

/** Exit code: 0, or that of a child that ended by itself or, asked to end, failed. Errors of the start are thrown. */
export const replicateDaemon = async (options: ReplicateDaemonOptions): Promise<number> => {
  const { configuration, ports, command } = options;
  const { log } = ports;
  const companion: Companion = { running: undefined, end: undefined, failure: undefined, signals: 0 };
  const daemon = startDaemon({
    ports,
    load: () => Promise.resolve(configuration),
    prepare: (accepted, signal) => restoreMissing(accepted, log, signal),
    onRunning: (accepted) => {
      announceReplicas(accepted, log);
      if (command !== undefined) void accompany(command, companion, () => daemon.stop(), log);
    },
  });
  obeySignals(options, companion, () => daemon.stop());
  const { refusal } = await daemon.ended;
  if (companion.failure !== undefined) throw companion.failure;
  if (refusal !== undefined) {
    if (companion.end === undefined) companion.running?.kill('SIGTERM');
    const code = Object.hasOwn(errorCodes, refusal.code) ? (refusal.code as ErrorCode) : undefined;
    if (code === undefined) throw new Error(refusal.message);
    throw new ReplicationError(code, refusal.message, { retryable: false });
  }
  log.write('info', 'litestream shut down');
  const { end, signals } = companion;
  if (end === undefined) return 0;
  return signals > 0 && end.signal !== undefined ? 0 : end.exitCode;
};

/** Starts the child and ends the daemon with it. Never rejects: a child that cannot be started is a failure of the whole. */
const accompany = async (
  command: readonly string[],
  companion: Companion,
  stop: () => void,
  log: Log,
): Promise<void> => {
  try {
    companion.running = await startChild(command);
    // A signal that came while the child was being started found nobody to pass it on to.
    if (companion.signals > 0) companion.running.kill('SIGTERM');
    companion.end = await companion.running.ended;
    const { exitCode } = companion.end;
    const failed = exitCode === 0 ? {} : { code: exitCode };
    log.write(exitCode === 0 ? 'info' : 'error', 'subprocess exited, litestream shutting down', failed);
  } catch (error) {
    companion.failure = error;
  }
  if (companion.signals === 0 || companion.end !== undefined) stop();
};

/** Signals after which a child that does not end is killed. */
const KILLING_SIGNAL = 3;

const obeySignals = (options: ReplicateDaemonOptions, companion: Companion, stop: () => void): void => {
  const { log } = options.ports;
  options.signals.onSignal((signal) => {
    if (signal === 'SIGHUP' && options.hasFile) {
      log.write('warn', 'reading the configuration again is not available in this version yet', { signal: 'hangup' });
      return;
    }
    companion.signals += 1;
    if (companion.signals === 1) {
      log.write('info', 'signal received, litestream shutting down', { signal: SIGNAL_TEXT[signal] });
    }
    const { running, end } = companion;
    if (running === undefined || end !== undefined) {
      stop();
      return;
    }
    // The daemon follows the child until that is over, so that its last transactions are replicated too.
    running.kill(companion.signals >= KILLING_SIGNAL ? 'SIGKILL' : signal);
  });
};
