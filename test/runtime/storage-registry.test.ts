import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { FileReplicaSettings, ReplicaSettings } from '#config/replica-types';
import type { Log } from '#ports/log';
import type { Random } from '#ports/random';
import { createStorage, type StorageServices } from '#runtime/storage-registry';
import { chunksOf, ltxBytes } from '../adapters/storage/conformance.ts';

const log: Log = { write: () => undefined, with: () => log };
const random: Random = { next: () => 0.5, fork: () => random };
const services: StorageServices = {
  clock: { nowMs: () => 0, setTimeout: () => undefined, clearTimeout: () => undefined },
  random,
  log,
};

describe('the registry of storages', () => {
  let base: string;
  const fileSettings = (): FileReplicaSettings => ({
    type: 'file',
    name: 'file',
    location: `file://${base}`,
    path: join(base, 'replica'),
    syncIntervalMs: 1000,
    maxSyncLtxFiles: 0,
    autoRecover: false,
    snapshot: { intervalMs: 1, retentionMs: 1 },
    lease: { enabled: false, ttlMs: 30_000 },
    maxBacklogBytes: 0,
  });

  beforeEach(async () => {
    base = await mkdtemp(join(tmpdir(), 'storage-registry-'));
  });
  afterEach(() => rm(base, { recursive: true, force: true }));

  it('a file replica is made in its path, with mode and owner of the template', async () => {
    const { uid, gid } = await stat(base);
    const template = { fileMode: 0o640, directoryMode: 0o750, uid, gid };
    const storage = await createStorage(fileSettings(), { ...services, template });
    const signal = new AbortController().signal;
    await storage.init(signal);
    await storage.writeLtxFile(0, { minTxid: 1n, maxTxid: 1n }, chunksOf(ltxBytes(100)), signal);
    expect(storage).toMatchObject({ kind: 'file', location: join(base, 'replica') });
    expect(await readdir(join(base, 'replica', 'ltx', '0'))).toHaveLength(1);
    expect((await stat(join(base, 'replica', 'ltx'))).mode & 0o777).toBe(0o750);
  });

  it('a type without an adapter is refused by name', async () => {
    const settings = { ...fileSettings(), type: 'tape' } as unknown as ReplicaSettings;
    await expect(createStorage(settings, services)).rejects.toMatchObject({
      code: 'STORAGE_UNKNOWN_SCHEME',
      message: expect.stringContaining('"tape"'),
    });
  });
});
