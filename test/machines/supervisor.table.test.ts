/** What the supervisor machine does with every event in every state; see table.ts for the signs. */
import { expect, test } from 'vitest';
import type { SupervisorEvent } from '#machines/supervisor/supervisor.types';
import { type SupervisorState, supervisorSampling } from './samples.ts';
import { type Table, tableOf } from './table.ts';

/** Final states end the actor: no event reaches them. */
type Final = 'rejected' | 'stopped';

const table: Table<Exclude<SupervisorState, Final>, SupervisorEvent['type']> = {
  loading: {
    'stop.requested': 'closing',
    'shard.stopped': 'noted',
    'host.ended': '-',
    'effect.done': 'starting',
    'effect.failed': 'rejected',
    'effect.refused': 'rejected',
    'effect.broken': 'fails',
    'time.passed': '-',
  },
  starting: {
    'stop.requested': 'closing',
    'shard.stopped': 'noted',
    'host.ended': '-',
    'effect.done': 'running',
    'effect.failed': 'closing',
    'effect.refused': 'closing',
    'effect.broken': 'fails',
    'time.passed': '-',
  },
  running: {
    'stop.requested': 'draining',
    'shard.stopped': 'noted',
    'host.ended': '-',
    'effect.done': '-',
    'effect.failed': '-',
    'effect.refused': '-',
    'effect.broken': '-',
    'time.passed': '-',
  },
  draining: {
    'stop.requested': 'noted',
    'shard.stopped': 'noted',
    'host.ended': '-',
    'effect.done': '-',
    'effect.failed': '-',
    'effect.refused': '-',
    'effect.broken': '-',
    'time.passed': '-',
  },
  closing: {
    'stop.requested': '-',
    'shard.stopped': 'noted',
    'host.ended': '-',
    'effect.done': 'stopped',
    'effect.failed': 'fails',
    'effect.refused': 'fails',
    'effect.broken': 'fails',
    'time.passed': '-',
  },
};

test('every event in every state of the supervisor machine does what the table says', () => {
  expect(tableOf(supervisorSampling, table)).toEqual(table);
});
