/** The restore of a command: storages by their settings, everything else of this machine. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { FileReplicaSettings } from '#config/replica-types';
import { type RunRestoreOptions, runRestore } from '#runtime/restore';
import { digestOf, fixturePath, silentLog, temporaryDirectory } from '../effects/restore/support.ts';

const replica = (name: string, path: string): FileReplicaSettings => ({
  type: 'file',
  name,
  location: `file://${path}`,
  path,
  syncIntervalMs: 1000,
  maxSyncLtxFiles: 0,
  autoRecover: false,
  snapshot: { intervalMs: 1, retentionMs: 1 },
  lease: { enabled: false, ttlMs: 1 },
  maxBacklogBytes: 0,
});

const options = (output: string, changes: Partial<RunRestoreOptions> = {}): RunRestoreOptions => ({
  replicas: [
    replica('old', fixturePath('v0.5', 'one-page', 'replica')),
    replica('new', fixturePath('v0.5', 'levels', 'replica')),
  ],
  output,
  target: {},
  force: false,
  ifDbNotExists: false,
  ifReplicaExists: false,
  integrity: 'full',
  parallelism: 8,
  dryRun: false,
  signal: new AbortController().signal,
  log: silentLog,
  ...changes,
});

test('the newest data of all replicas is restored, or that of the replica named', async () => {
  await using directory = await temporaryDirectory();
  const output = join(directory.path, 'a.db');
  expect(await runRestore(options(output))).toMatchObject({ kind: 'restored', plan: { replica: { name: 'new' } } });
  expect((await digestOf(output)).size).toBe(61_440);
  const named = await runRestore(options(output, { force: true, replicaName: 'old' }));
  expect(named).toMatchObject({ kind: 'restored', plan: { replica: { name: 'old' }, reachedTxid: 1n } });
  expect(await readdir(directory.path)).toEqual(['a.db']);
});

test('a name no replica has is an error that lists those there are', async () => {
  await using directory = await temporaryDirectory();
  await expect(runRestore(options(join(directory.path, 'a.db'), { replicaName: 's3' }))).rejects.toMatchObject({
    code: 'USAGE',
    message: 'no replica named "s3"; known: old, new',
  });
});
