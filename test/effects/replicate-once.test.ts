/** One complete pass without machines. */
import { describe, expect, test } from 'vitest';
import { replicateOnce } from '#effects/replicate-once';
import { ReplicationError } from '#errors/replication-error';
import { createWorld, noAbort } from './database-world.ts';

describe('replicateOnce', () => {
  test('every replica gets everything, and the source is closed', async () => {
    const world = createWorld();
    world.commit(1n);
    world.commit(2n);
    const [a, b] = [world.addReplica('a'), world.addReplica('b', {}, 1)];
    expect(await replicateOnce(world.scope, world.fullCopies, noAbort)).toEqual([]);
    expect([a.uploads, b.uploads]).toEqual([
      ['0 1-1', '0 2-2'],
      ['0 1-1', '0 2-2'],
    ]);
    expect(world.calls.at(-1)).toBe('close');
  });

  test('a replica that fails is reported and does not stop the others', async () => {
    const down = new ReplicationError('STORAGE_UNAVAILABLE', 'down', { retryable: true });
    const world = createWorld();
    world.commit(1n);
    world.addReplica('a', {
      before: () => {
        throw down;
      },
    });
    const b = world.addReplica('b');
    expect(await replicateOnce(world.scope, world.fullCopies, noAbort)).toEqual([{ replica: 'a', error: down }]);
    expect(b.uploads).toEqual(['0 1-1']);
  });

  test('a replica that is ahead is continued from its newest file', async () => {
    const world = createWorld();
    const { put, uploads } = world.addReplica('a');
    for (const txid of [1n, 2n]) put(0, txid, txid);
    await replicateOnce(world.scope, world.fullCopies, noAbort);
    expect(world.calls).toEqual(['adopt 2', 'pass', 'close']);
    expect(uploads).toEqual([]);
  });

  test('a replica that is ahead without a level-0 file is continued by a full copy above it', async () => {
    const world = createWorld();
    const { put, uploads } = world.addReplica('a');
    put(9, 1n, 9n);
    await replicateOnce(world.scope, world.fullCopies, noAbort);
    expect(uploads).toEqual(['0 10-10']);
  });

  test('a foreign history is continued by one full copy above it, although more passes follow', async () => {
    const world = createWorld();
    for (const txid of [1n, 2n]) world.commit(txid);
    const { put, uploads } = world.addReplica('a');
    put(0, 1n, 1n, 'else');
    world.commit(3n, { isFullCopy: true });
    world.commit(4n);
    const outcome = await world.scope.source.pass();
    world.passes.push(
      {
        ...outcome,
        position: 3n,
        isMoreWaiting: true,
        written: [{ txid: 3n, sizeBytes: 1, commit: 1, snapshotReason: 'r' }],
      },
      { ...outcome, position: 4n },
    );
    await replicateOnce(world.scope, world.fullCopies, noAbort);
    expect(uploads).toEqual(['9 1-3', '0 3-3', '0 4-4']);
  });

  test('a database that does not exist is an error', async () => {
    const world = createWorld();
    const scope = {
      ...world.scope,
      source: { ...world.scope.source, open: async () => ({ kind: 'absent' as const }) },
    };
    await expect(replicateOnce(scope, world.fullCopies, noAbort)).rejects.toMatchObject({ code: 'DATABASE_NOT_FOUND' });
  });
});
