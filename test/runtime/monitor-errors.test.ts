/** A loop that fails does not flood the log. */
import { expect, test } from 'vitest';
import { createSimulatedClock } from '#adapters/clock/simulated/simulated-clock';
import type { Log, LogAttributes } from '#ports/log';
import { createMonitorErrors } from '#runtime/monitor-errors';

test('the same error is logged once in 30 seconds, another one at once, recovery once', () => {
  const clock = createSimulatedClock();
  const lines: (readonly [string, LogAttributes | undefined])[] = [];
  const log: Log = { write: (_, message, attributes) => void lines.push([message, attributes]), with: () => log };
  const errors = createMonitorErrors(clock, log, 'sync recovered');
  errors.succeeded();
  for (let second = 0; second <= 30; second += 1) {
    errors.failed(new Error('down'));
    if (second < 30) clock.moveTo(clock.nowMs() + 1_000);
  }
  errors.failed(new Error('other'));
  errors.succeeded();
  errors.succeeded();
  expect(lines).toEqual([
    ['monitor error', { error: 'down', consecutive_errors: 1 }],
    ['monitor error', { error: 'down', consecutive_errors: 31 }],
    ['monitor error', { error: 'other', consecutive_errors: 32 }],
    ['sync recovered', { previous_errors: 32 }],
  ]);
});
