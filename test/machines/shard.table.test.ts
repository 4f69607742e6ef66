/** What the shard machine does with every event in every state; see table.ts for the signs. */
import { expect, test } from 'vitest';
import type { ShardEvent } from '#machines/shard/shard.types';
import { type ShardState, shardSampling } from './samples.ts';
import { type Table, tableOf } from './table.ts';

/** Final states end the actor: no event reaches them. */
type Final = 'stopped';

const table: Table<Exclude<ShardState, Final>, ShardEvent['type']> = {
  running: {
    'hosts.added': 'noted',
    'hosts.removed': 'noted',
    'shard.stop': 'draining',
    'shard.hurry': '-',
    'host.stopped': 'noted',
    'effect.done': '-',
    'effect.failed': '-',
    'effect.refused': '-',
    'effect.broken': '-',
    'time.passed': '-',
  },
  draining: {
    'hosts.added': '-',
    'hosts.removed': '-',
    'shard.stop': '-',
    'shard.hurry': 'noted',
    'host.stopped': 'noted',
    'effect.done': '-',
    'effect.failed': '-',
    'effect.refused': '-',
    'effect.broken': '-',
    'time.passed': '-',
  },
};

test('every event in every state of the shard machine does what the table says', () => {
  expect(tableOf(shardSampling, table)).toEqual(table);
});
