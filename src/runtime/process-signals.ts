/** Signals of a long-running process: none is lost while it starts, and none kills it half way. */

/** What asks the process to end or, SIGHUP, to read its configuration again. */
export type ProcessSignal = 'SIGINT' | 'SIGTERM' | 'SIGHUP';

/** The text Litestream logs for a signal. */
export const SIGNAL_TEXT: Readonly<Record<ProcessSignal, string>> = {
  SIGINT: 'interrupt',
  SIGTERM: 'terminated',
  SIGHUP: 'hangup',
};

/** Exit code of work that the signal ended early: 128 + its number. */
export const SIGNAL_EXIT_CODE: Readonly<Record<ProcessSignal, number>> = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 };

/** Signals since the listening began. */
export interface ProcessSignals {
  /** Called for every signal, at once for those that came before. A later listener takes the place of an earlier one. */
  onSignal(listener: (signal: ProcessSignal) => void): void;
  /** Signals do again what the system does by itself. */
  close(): void;
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Takes over the signals of this process until {@link ProcessSignals.close}. */
export const listenForSignals = (): ProcessSignals => {
  const early: ProcessSignal[] = [];
  let deliver = (signal: ProcessSignal): void => void early.push(signal);
  const listeners = SIGNALS.map((signal) => ({ signal, listener: (): void => deliver(signal) }));
  for (const { signal, listener } of listeners) process.on(signal, listener);
  return {
    onSignal: (listener) => {
      deliver = listener;
      for (const signal of early.splice(0)) listener(signal);
    },
    close: () => {
      for (const { signal, listener } of listeners) process.off(signal, listener);
    },
  };
};
