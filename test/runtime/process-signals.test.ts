/** Signals that come while the process starts. */
import { expect, it } from 'vitest';
import { listenForSignals } from '#runtime/process-signals';

it('delivers signals that came before anybody listened, in order, and then each new one', () => {
  const signals = listenForSignals();
  try {
    const heard: string[] = [];
    process.emit('SIGTERM');
    process.emit('SIGINT');
    signals.onSignal((signal) => void heard.push(signal));
    process.emit('SIGHUP');
    expect(heard).toEqual(['SIGTERM', 'SIGINT', 'SIGHUP']);
  } finally {
    signals.close();
  }
});

it('gives the signals back at the end', () => {
  const before = process.listenerCount('SIGTERM');
  listenForSignals().close();
  expect(process.listenerCount('SIGTERM')).toBe(before);
});
