/** Which local files are removed. */
import { describe, expect, test } from 'vitest';
import { trimLocal } from '#effects/trim-local';
import { createWorld } from './database-world.ts';

describe('trimLocal', () => {
  const world = (l0RetentionMs: number, acknowledged: readonly bigint[]) => {
    const made = createWorld({ l0RetentionMs });
    for (let txid = 1n; txid <= 6n; txid += 1n) made.commit(txid);
    acknowledged.forEach((txid, index) => {
      made.addReplica(`r${index}`).scope.memory.acknowledged = txid;
    });
    return made;
  };

  test('what the slowest replica acknowledged goes, but for the newest such file', async () => {
    const { scope, calls } = world(300_000, [6n, 4n]);
    await trimLocal(scope);
    expect(calls).toEqual(['trim 1 2 3']);
  });

  test('a replica that acknowledged nothing keeps everything', async () => {
    const { scope, calls } = world(300_000, [6n, 0n]);
    await trimLocal(scope);
    expect(calls).toEqual([]);
  });

  test('young files stay, and without an age nothing goes by time', async () => {
    const young = world(2_000_000, [6n]);
    await trimLocal(young.scope);
    const ageless = world(0, [6n]);
    await trimLocal(ageless.scope);
    expect([young.calls, ageless.calls]).toEqual([[], []]);
  });
});
