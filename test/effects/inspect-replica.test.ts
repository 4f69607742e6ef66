/** What a look at a destination concludes. */
import { describe, expect, test } from 'vitest';
import { inspectReplica } from '#effects/inspect-replica';
import { ReplicationError } from '#errors/replication-error';
import { createWorld, noAbort } from './database-world.ts';

/** Local files 1 to `local`, and a replica as `arrange` leaves it. */
const look = async (
  local: bigint,
  arrange: (replica: ReturnType<ReturnType<typeof createWorld>['addReplica']>) => void,
) => {
  const world = createWorld();
  for (let txid = 1n; txid <= local; txid += 1n) world.commit(txid);
  const replica = world.addReplica('a');
  arrange(replica);
  const inspection = await inspectReplica(world.scope, replica.scope, local, noAbort);
  return { world, replica, inspection };
};

describe('inspectReplica', () => {
  test('nothing there is empty', async () => {
    const { inspection, world } = await look(3n, () => undefined);
    expect(inspection).toEqual({ verdict: 'empty', highestTxid: 0n, uploadedThrough: 0n, coveredThrough: 0n });
    expect(world.factTypes()).toEqual(['replica.connected']);
  });

  test('a replica that ends where we end is the same', async () => {
    const { inspection, replica } = await look(2n, ({ put }) => {
      put(0, 1n, 1n);
      put(0, 2n, 2n);
    });
    expect(inspection).toEqual({ verdict: 'same', highestTxid: 2n, uploadedThrough: 2n, coveredThrough: 2n });
    expect(replica.scope.memory).toMatchObject({ acknowledged: 2n, newestLevelZero: 2n });
  });

  test('a replica that lacks the newest files is behind', async () => {
    const { inspection } = await look(4n, ({ put }) => {
      put(0, 1n, 1n);
      put(0, 2n, 2n);
    });
    expect(inspection).toEqual({ verdict: 'behind', highestTxid: 2n, uploadedThrough: 2n, coveredThrough: 2n });
  });

  test('a hole is where uploads go on, whatever lies above it', async () => {
    const { inspection } = await look(5n, ({ put }) => {
      for (const txid of [1n, 2n, 4n, 5n]) put(0, txid, txid);
    });
    expect(inspection).toEqual({ verdict: 'behind', highestTxid: 5n, uploadedThrough: 2n, coveredThrough: 2n });
  });

  test('compacted files and snapshots count as covered, and only a level-0 file is probed later', async () => {
    const { inspection, replica } = await look(5n, ({ put }) => {
      put(9, 1n, 2n);
      put(1, 3n, 4n);
      put(0, 3n, 3n);
    });
    expect(inspection).toEqual({ verdict: 'behind', highestTxid: 4n, uploadedThrough: 4n, coveredThrough: 4n });
    expect(replica.scope.memory.newestLevelZero).toBe(3n);
  });

  test('a replica that goes further is ahead', async () => {
    const { inspection } = await look(1n, ({ put }) => {
      put(0, 1n, 1n);
      put(0, 2n, 2n);
    });
    expect(inspection).toMatchObject({ verdict: 'ahead', highestTxid: 2n, uploadedThrough: 0n });
  });

  test('without local files any whole replica is ahead, one with a hole cannot be continued', async () => {
    const whole = await look(0n, ({ put }) => put(9, 1n, 9n));
    expect(whole.inspection.verdict).toBe('ahead');
    const holed = await look(0n, ({ put }) => {
      put(9, 1n, 2n);
      put(0, 9n, 9n);
    });
    expect(holed.inspection).toEqual({
      verdict: 'unreachable',
      highestTxid: 9n,
      uploadedThrough: 0n,
      coveredThrough: 2n,
    });
  });

  test('equal names with other content are foreign, and so is a replica without a common file', async () => {
    const other = await look(2n, ({ put }) => {
      put(0, 1n, 1n);
      put(0, 2n, 2n, 'else');
    });
    expect(other.inspection).toMatchObject({ verdict: 'foreign', uploadedThrough: 0n });
    expect(other.world.factTypes()).toEqual(['replica.connected', 'replica.diverged']);
    const apart = await look(2n, ({ put }) => put(9, 1n, 2n));
    expect(apart.inspection.verdict).toBe('foreign');
  });

  test('the look that follows an outage says how long it lasted', async () => {
    const world = createWorld();
    const { scope } = world.addReplica('a');
    scope.memory.failingSinceMs = world.clock.nowMs();
    world.clock.moveTo(world.clock.nowMs() + 5_000);
    await inspectReplica(world.scope, scope, 0n, noAbort);
    expect(world.factTypes()).toEqual(['replica.recovered']);
    expect(scope.memory.failingSinceMs).toBeUndefined();
  });

  test('a listing that breaks is an error, never an empty replica', async () => {
    const down = new ReplicationError('STORAGE_UNAVAILABLE', 'down', { retryable: true });
    const world = createWorld();
    const { scope } = world.addReplica('a', {
      before: ({ operation, level }) => {
        if (operation === 'list' && level === 3) throw down;
      },
    });
    await expect(inspectReplica(world.scope, scope, 0n, noAbort)).rejects.toBe(down);
    expect(scope.memory.lastContactMs).toBeUndefined();
  });
});
