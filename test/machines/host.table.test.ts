/** What the host machine does with every event in every state; see table.ts for the signs. */
import { expect, test } from 'vitest';
import type { HostEvent } from '#machines/host/host.types';
import { type HostState, hostSampling } from './samples.ts';
import { type Table, tableOf } from './table.ts';

/** Final states end the actor: no event reaches them. */
type Final = 'stopped';

const table: Table<Exclude<HostState, Final>, HostEvent['type']> = {
  'alive.running': {
    'host.stop': 'alive.stopping',
    'host.hurry': '-',
    'resume.requested': '-',
    'database.failed': 'backingOff',
    'database.closed': 'stopped',
    'effect.done': '-',
    'effect.failed': 'backingOff',
    'effect.refused': 'backingOff',
    'effect.broken': 'backingOff',
    'time.passed': 'noted',
  },
  'alive.stopping': {
    'host.stop': '-',
    'host.hurry': 'noted',
    'resume.requested': '-',
    'database.failed': 'stopped',
    'database.closed': 'stopped',
    'effect.done': '-',
    'effect.failed': 'stopped',
    'effect.refused': 'stopped',
    'effect.broken': 'stopped',
    'time.passed': '-',
  },
  backingOff: {
    'host.stop': 'stopped',
    'host.hurry': '-',
    'resume.requested': 'alive.running',
    'database.failed': '-',
    'database.closed': '-',
    'effect.done': '-',
    'effect.failed': '-',
    'effect.refused': '-',
    'effect.broken': '-',
    'time.passed': 'alive.running',
  },
  quarantined: {
    'host.stop': 'stopped',
    'host.hurry': '-',
    'resume.requested': 'alive.running',
    'database.failed': '-',
    'database.closed': '-',
    'effect.done': '-',
    'effect.failed': '-',
    'effect.refused': '-',
    'effect.broken': '-',
    'time.passed': '-',
  },
};

test('every event in every state of the host machine does what the table says', () => {
  expect(tableOf(hostSampling, table)).toEqual(table);
});
