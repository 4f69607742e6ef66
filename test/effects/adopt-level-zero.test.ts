/** The newest file of a replica that is ahead becomes ours. */
import { describe, expect, test } from 'vitest';
import { adoptLevelZero } from '#effects/adopt-level-zero';
import { createWorld, ltxBytes, noAbort } from './database-world.ts';

describe('adoptLevelZero', () => {
  test('the file is fetched, handed over and recorded', async () => {
    const world = createWorld();
    world.addReplica('a').put(0, 9n, 9n);
    expect(await adoptLevelZero(world.scope, { name: 'a', txid: 9n }, noAbort)).toEqual({ position: 9n });
    expect(world.files.get(9n)).toEqual(ltxBytes({ minTxid: 9n, maxTxid: 9n }));
    expect(world.factTypes()).toEqual(['local.adopted']);
  });

  test('a replica without that file changes nothing here', async () => {
    const world = createWorld();
    world.commit(3n);
    world.addReplica('a').put(9, 1n, 9n);
    await expect(adoptLevelZero(world.scope, { name: 'a', txid: 9n }, noAbort)).rejects.toMatchObject({
      code: 'STORAGE_NOT_FOUND',
    });
    expect([...world.files.keys()]).toEqual([3n]);
    expect(world.calls).toEqual([]);
  });

  test('a file the engine refuses is not left behind', async () => {
    const world = createWorld();
    world.addReplica('a').put(0, 9n, 9n);
    const refusal = new Error('damaged');
    const scope = { ...world.scope, source: { ...world.scope.source, adopt: () => Promise.reject(refusal) } };
    await expect(adoptLevelZero(scope, { name: 'a', txid: 9n }, noAbort)).rejects.toBe(refusal);
    expect(world.staged).toEqual([]);
    expect(world.factTypes()).toEqual([]);
  });
});
