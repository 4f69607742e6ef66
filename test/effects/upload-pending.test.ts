/** Uploads of local files to one replica. */
import { describe, expect, test } from 'vitest';
import { uploadPending } from '#effects/upload-pending';
import { ReplicationError } from '#errors/replication-error';
import { createWorld, noAbort } from './database-world.ts';

describe('uploadPending', () => {
  test('files go in the order of their TXIDs', async () => {
    const world = createWorld();
    for (const txid of [3n, 1n, 2n]) world.commit(txid);
    const { scope, uploads } = world.addReplica('a');
    const request = { after: 0n, through: 3n, coveredThrough: 0n };
    expect(await uploadPending(world.scope, scope, request, world.fullCopies, noAbort)).toEqual({
      uploadedThrough: 3n,
      coveredThrough: 3n,
      needsSnapshot: false,
    });
    expect(uploads).toEqual(['0 1-1', '0 2-2', '0 3-3']);
    expect(scope.memory.acknowledged).toBe(3n);
  });

  test('a batch ends at its bound', async () => {
    const world = createWorld();
    for (let txid = 1n; txid <= 5n; txid += 1n) world.commit(txid);
    const { scope, uploads } = world.addReplica('a', {}, 2);
    const request = { after: 1n, through: 5n, coveredThrough: 1n };
    const result = await uploadPending(world.scope, scope, request, world.fullCopies, noAbort);
    expect(result.uploadedThrough).toBe(3n);
    expect(uploads).toEqual(['0 2-2', '0 3-3']);
  });

  test('a failed upload ends the batch, and what went before stays acknowledged', async () => {
    const down = new ReplicationError('STORAGE_UNAVAILABLE', 'down', { retryable: true });
    const world = createWorld();
    for (let txid = 1n; txid <= 3n; txid += 1n) world.commit(txid);
    const { scope, uploads } = world.addReplica('a', {
      before: ({ operation, ranges }) => {
        if (operation === 'write' && ranges?.[0]?.minTxid === 2n) throw down;
      },
    });
    const request = { after: 0n, through: 3n, coveredThrough: 0n };
    await expect(uploadPending(world.scope, scope, request, world.fullCopies, noAbort)).rejects.toBe(down);
    expect(uploads).toEqual(['0 1-1']);
    expect(scope.memory.acknowledged).toBe(1n);
  });

  test('a missing local file is bridged by the next full copy: first the snapshot, then its level-0 file', async () => {
    const world = createWorld();
    world.commit(1n);
    world.commit(4n);
    world.commit(5n, { isFullCopy: true });
    world.commit(6n);
    const { scope, uploads, put } = world.addReplica('a');
    put(0, 1n, 1n);
    const request = { after: 1n, through: 6n, coveredThrough: 1n };
    expect(await uploadPending(world.scope, scope, request, world.fullCopies, noAbort)).toEqual({
      uploadedThrough: 6n,
      coveredThrough: 6n,
      needsSnapshot: false,
    });
    expect(uploads).toEqual(['9 1-5', '0 5-5', '0 6-6']);
  });

  test('above a foreign history only a full copy is sent, although the files before it exist', async () => {
    const world = createWorld();
    for (const txid of [89n, 90n]) world.commit(txid);
    world.commit(91n, { isFullCopy: true });
    const { scope, uploads } = world.addReplica('a');
    const request = { after: 90n, through: 91n, coveredThrough: 80n };
    await uploadPending(world.scope, scope, request, world.fullCopies, noAbort);
    expect(uploads).toEqual(['9 1-91', '0 91-91']);
  });

  test('without a full copy above the hole a new one is asked for', async () => {
    const world = createWorld();
    world.commit(1n);
    world.commit(3n);
    const { scope, uploads } = world.addReplica('a');
    const request = { after: 0n, through: 3n, coveredThrough: 0n };
    expect(await uploadPending(world.scope, scope, request, world.fullCopies, noAbort)).toEqual({
      uploadedThrough: 1n,
      coveredThrough: 1n,
      needsSnapshot: true,
    });
    expect(uploads).toEqual(['0 1-1']);
  });

  test('nothing is added above a newest file that vanished', async () => {
    const world = createWorld();
    for (let txid = 1n; txid <= 3n; txid += 1n) world.commit(txid);
    const { scope, bucket, uploads } = world.addReplica('a');
    const first = { after: 0n, through: 2n, coveredThrough: 0n };
    await uploadPending(world.scope, scope, first, world.fullCopies, noAbort);
    bucket.remove(0, { minTxid: 2n, maxTxid: 2n });
    const next = { after: 2n, through: 3n, coveredThrough: 2n };
    await expect(uploadPending(world.scope, scope, next, world.fullCopies, noAbort)).rejects.toMatchObject({
      code: 'REPLICA_DIVERGED',
      retryable: true,
    });
    expect(uploads).toEqual(['0 1-1', '0 2-2']);
  });
});
