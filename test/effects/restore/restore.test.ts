/** What a restore promises whatever happens on the way. */
import { chmod, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createSeededRandom } from '#adapters/random/seeded/seeded-random';
import { createMemoryBucket, type MemoryBucket } from '#adapters/storage/memory/bucket';
import type { StorageFaults } from '#adapters/storage/memory/faults';
import { createMemoryStorage } from '#adapters/storage/memory/memory-storage';
import { PLANS_MAX, restoreDatabase } from '#effects/restore/restore';
import type { RestoreRequest, RestoreServices } from '#effects/restore/restore-types';
import { ReplicationError } from '#errors/replication-error';
import type { ReplicaStorage } from '#ports/storage';
import {
  digestOf,
  type ExpectedCase,
  fixtureBucket,
  readExpected,
  restoreRequest,
  restoreServices,
  temporaryDirectory,
} from './support.ts';

const FIXTURE = 'levels';
const expected = (await readExpected('v0.5', FIXTURE)) as ExpectedCase;
const newest = { size: expected.final?.size, sha256: expected.final?.sha256 };
const LAST_TXID = 0x25n;

interface Restoring {
  readonly output: string;
  readonly directory: string;
  readonly run: (
    changes?: Partial<RestoreRequest>,
    services?: Partial<RestoreServices>,
  ) => ReturnType<typeof restoreDatabase>;
}

const restoring = (directory: string, storage: ReplicaStorage): Restoring => {
  const output = join(directory, 'out.db');
  const run: Restoring['run'] = (changes, services) =>
    restoreDatabase({ ...restoreServices(), ...services }, restoreRequest(storage, output, changes));
  return { output, directory, run };
};

const cut = (): ReplicationError => new ReplicationError('STORAGE_UNAVAILABLE', 'cut', { retryable: true });

const flipped = (bytes: Uint8Array, at: number): Uint8Array =>
  bytes.map((byte, index) => (index === at ? byte ^ 1 : byte));

/** Damages the trailer of the file the newest state ends with. */
const damageNewest = (bucket: MemoryBucket): void => {
  const file = bucket.list(1).at(-1);
  if (file === undefined) throw new Error('no level-1 file');
  bucket.put({ ...file, bytes: flipped(file.bytes, file.bytes.length - 1) });
};

test('the newest state is restored with mode 0600 and nothing else beside it', async () => {
  await using directory = await temporaryDirectory();
  const storage = createMemoryStorage({ bucket: await fixtureBucket(FIXTURE) });
  const { output, run } = restoring(join(directory.path, 'new', 'parent'), storage);
  const outcome = await run({ integrity: 'quick' });
  expect(outcome).toMatchObject({
    kind: 'restored',
    integrity: 'quick',
    plan: { format: 'ltx', reachedTxid: LAST_TXID },
  });
  expect(await digestOf(output)).toEqual(newest);
  expect((await stat(output)).mode & 0o777).toBe(0o600);
  expect((await stat(join(directory.path, 'new'))).mode & 0o777).toBe(0o700);
  expect(await readdir(join(directory.path, 'new', 'parent'))).toEqual(['out.db']);
});

test.each(Array.from({ length: 12 }, (_, seed) => seed))(
  'connections that drop at random change no byte (seed %i)',
  async (seed) => {
    await using directory = await temporaryDirectory();
    const random = createSeededRandom(seed);
    const drop = (): void => {
      if (random.next() < 0.15) throw cut();
    };
    const inner = createMemoryStorage({ bucket: await fixtureBucket(FIXTURE), faults: { before: drop } });
    const { output, run } = restoring(
      directory.path,
      choppy(inner, () => random.next()),
    );
    await run({ parallelism: 1 + (seed % 4) });
    expect(await digestOf(output)).toEqual(newest);
  },
);

/** A storage whose streams come in pieces of random size and end early now and then, as a cut connection does. */
const choppy = (inner: ReplicaStorage, next: () => number): ReplicaStorage => ({
  ...inner,
  openLtxFile: async (level, range, read, signal) => {
    const stream = await inner.openLtxFile(level, range, read, signal);
    return (async function* () {
      for await (const chunk of stream) {
        for (let at = 0; at < chunk.length; ) {
          if (next() < 0.05) return;
          const end = Math.min(chunk.length, at + 1 + Math.floor(next() * 900));
          yield chunk.subarray(at, end);
          at = end;
        }
      }
    })();
  },
});

test('an abort at any storage call leaves either nothing or the whole database', async () => {
  let isFinished = false;
  for (let point = 0; !isFinished; point += 1) {
    await using directory = await temporaryDirectory();
    const abort = new AbortController();
    let calls = 0;
    const count = (): void => {
      if (calls === point) abort.abort(new Error('stop'));
      calls += 1;
    };
    const faults: StorageFaults = { before: count, after: count, beforeChunk: count };
    const storage = createMemoryStorage({ bucket: await fixtureBucket(FIXTURE), faults });
    const { output, run } = restoring(directory.path, storage);
    try {
      await run({ signal: abort.signal, parallelism: 2 });
      isFinished = true;
      expect(await digestOf(output)).toEqual(newest);
    } catch (error) {
      expect(error).toMatchObject({ code: 'ABORTED' });
      expect(await readdir(directory.path)).toEqual([]);
    }
    expect(calls).toBeGreaterThan(0);
  }
});

test('an abort while the output is written leaves nothing', async () => {
  for (const method of ['writePages', 'truncate', 'sync', 'close'] as const) {
    await using directory = await temporaryDirectory();
    const abort = new AbortController();
    const services = restoreServices();
    const storage = createMemoryStorage({ bucket: await fixtureBucket(FIXTURE) });
    const { run } = restoring(directory.path, storage);
    const createTemporary: RestoreServices['files']['createTemporary'] = async (path, ownership) => {
      const file = await services.files.createTemporary(path, ownership);
      const stop = async (...args: never[]): Promise<void> => {
        abort.abort();
        await (file[method] as (...args: never[]) => Promise<void>)(...args);
      };
      return { ...file, [method]: stop };
    };
    const files = { ...services.files, createTemporary };
    await expect(run({ signal: abort.signal }, { files }), method).rejects.toMatchObject({ code: 'ABORTED' });
    expect(await readdir(directory.path)).toEqual([]);
  }
});

test('a full disk is told and leaves nothing', async () => {
  await using directory = await temporaryDirectory();
  const services = restoreServices();
  const createTemporary: RestoreServices['files']['createTemporary'] = async (path, ownership) => ({
    ...(await services.files.createTemporary(path, ownership)),
    writePages: () => Promise.reject(new ReplicationError('DISK_FULL', 'no space', { retryable: false })),
  });
  const storage = createMemoryStorage({ bucket: await fixtureBucket(FIXTURE) });
  const { run } = restoring(directory.path, storage);
  await expect(run({}, { files: { ...services.files, createTemporary } })).rejects.toMatchObject({ code: 'DISK_FULL' });
  expect(await readdir(directory.path)).toEqual([]);
});

test('a failed restore with -force leaves the old database and its sidecars untouched', async () => {
  await using directory = await temporaryDirectory();
  const bucket = await fixtureBucket(FIXTURE);
  damageNewest(bucket);
  const { output, run } = restoring(directory.path, createMemoryStorage({ bucket }));
  const old = { '': 'old database', '-wal': 'old wal', '-shm': 'old shm', '-txid': '0000000000000001\n' };
  for (const [suffix, content] of Object.entries(old)) await writeFile(output + suffix, content);
  await expect(run({ force: true })).rejects.toMatchObject({
    code: 'LTX_FILE_CHECKSUM',
    message: expect.stringMatching(/^decode database: .*level=1 .*file checksum mismatch/s),
  });
  for (const [suffix, content] of Object.entries(old)) expect(await readFile(output + suffix, 'utf8')).toBe(content);
  expect(await readdir(directory.path)).toHaveLength(4);
});

test('a swap that fails leaves the old database and its sidecars untouched', async () => {
  await using directory = await temporaryDirectory();
  const services = restoreServices();
  const { output, run } = restoring(directory.path, createMemoryStorage({ bucket: await fixtureBucket(FIXTURE) }));
  for (const suffix of ['', '-wal', '-shm', '-txid']) await writeFile(output + suffix, `old${suffix}`);
  const publish = (): Promise<void> =>
    Promise.reject(new ReplicationError('OUTPUT_INVALID', 'in use', { retryable: false }));
  await expect(run({ force: true }, { files: { ...services.files, publish } })).rejects.toMatchObject({
    code: 'OUTPUT_INVALID',
  });
  for (const suffix of ['', '-wal', '-shm', '-txid']) {
    expect(await readFile(output + suffix, 'utf8')).toBe(`old${suffix}`);
  }
  expect(await readdir(directory.path)).toHaveLength(4);
});

test('a restore with -force replaces the database and removes what SQLite would replay into it', async () => {
  await using directory = await temporaryDirectory();
  const { output, run } = restoring(directory.path, createMemoryStorage({ bucket: await fixtureBucket(FIXTURE) }));
  for (const suffix of ['', '-wal', '-shm', '-journal', '-txid', '.tmp', '.tmp-wal']) {
    await writeFile(output + suffix, 'old');
    await chmod(output + suffix, 0o666);
  }
  await run({ force: true });
  expect(await readdir(directory.path)).toEqual(['out.db']);
  expect(await digestOf(output)).toEqual(newest);
  expect((await stat(output)).mode & 0o777).toBe(0o666);
});

test('a database that fails the integrity check is never published, and the whole report is kept', async () => {
  await using directory = await temporaryDirectory();
  const { run } = restoring(directory.path, createMemoryStorage({ bucket: await fixtureBucket(FIXTURE) }));
  const integrity = { check: async () => ['row 1 missing from index', 'page 7 is never used'] };
  await expect(run({ integrity: 'full' }, { integrity })).rejects.toMatchObject({
    code: 'INTEGRITY_CHECK_FAILED',
    message: 'post-restore integrity check: integrity check failed: row 1 missing from index',
    details: { rows: 'row 1 missing from index\npage 7 is never used' },
  });
  expect(await readdir(directory.path)).toEqual([]);
});

test('planned files that vanish are found again in another level (R-10)', async () => {
  await using directory = await temporaryDirectory();
  const bucket = await fixtureBucket(FIXTURE);
  let removed = 0;
  const faults: StorageFaults = {
    before: ({ operation, level, ranges }) => {
      if (operation !== 'open' || level === undefined || level === 0 || ranges === undefined || removed >= 2) return;
      removed += 1;
      for (const range of ranges) bucket.remove(level, range);
    },
  };
  const { output, run } = restoring(directory.path, createMemoryStorage({ bucket, faults }));
  const outcome = await run();
  expect(removed).toBe(2);
  expect(outcome).toMatchObject({ kind: 'restored', plan: { reachedTxid: LAST_TXID } });
  expect(await digestOf(output)).toEqual(newest);
});

test('files that stay listed but cannot be opened end the restore after a bounded number of plans', async () => {
  await using directory = await temporaryDirectory();
  const inner = createMemoryStorage({ bucket: await fixtureBucket(FIXTURE) });
  let listings = 0;
  const storage: ReplicaStorage = {
    ...inner,
    listLtxFiles: (level, ...rest) => {
      if (level === 0) listings += 1;
      return inner.listLtxFiles(level, ...rest);
    },
    openLtxFile: () => Promise.reject(new ReplicationError('STORAGE_NOT_FOUND', 'gone', { retryable: false })),
  };
  const { run } = restoring(directory.path, storage);
  await expect(run()).rejects.toMatchObject({ code: 'STORAGE_NOT_FOUND', message: expect.stringContaining('gone') });
  expect(listings).toBe(PLANS_MAX);
  expect(await readdir(directory.path)).toEqual([]);
});

test('a damaged file is not planned around: the replica is listed once', async () => {
  await using directory = await temporaryDirectory();
  const bucket = await fixtureBucket(FIXTURE);
  damageNewest(bucket);
  let listings = 0;
  const faults: StorageFaults = {
    before: ({ operation, level }) => {
      if (operation === 'list' && level === 0) listings += 1;
    },
  };
  const { run } = restoring(directory.path, createMemoryStorage({ bucket, faults }));
  await expect(run()).rejects.toMatchObject({ code: 'LTX_FILE_CHECKSUM' });
  expect(listings).toBe(1);
});

test('no more transfers run at once than asked for', async () => {
  for (const parallelism of [1, 3]) {
    await using directory = await temporaryDirectory();
    const inner = createMemoryStorage({ bucket: await fixtureBucket('l0-only') });
    let open = 0;
    let most = 0;
    const storage: ReplicaStorage = {
      ...inner,
      openLtxFile: async (...args) => {
        open += 1;
        most = Math.max(most, open);
        const stream = await inner.openLtxFile(...args);
        return (async function* () {
          try {
            yield* stream;
          } finally {
            open -= 1;
          }
        })();
      },
    };
    await restoring(directory.path, storage).run({ parallelism });
    expect(most).toBe(parallelism);
    expect(open).toBe(0);
  }
});

test('-if-db-not-exists succeeds on an existing output without looking at the replica', async () => {
  await using directory = await temporaryDirectory();
  const refuse = (): never => {
    throw cut();
  };
  const { output, run } = restoring(directory.path, createMemoryStorage({ faults: { before: refuse } }));
  await writeFile(output, 'theirs');
  expect(await run({ ifDbNotExists: true })).toEqual({ kind: 'skipped', reason: 'databaseExists' });
  expect(await readFile(output, 'utf8')).toBe('theirs');
});

test('-if-replica-exists succeeds without a backup, with a time as well', async () => {
  await using directory = await temporaryDirectory();
  const { run } = restoring(directory.path, createMemoryStorage());
  const noBackup = { kind: 'skipped', reason: 'noBackup' };
  expect(await run({ ifReplicaExists: true })).toEqual(noBackup);
  expect(await run({ ifReplicaExists: true, target: { timestampMs: 1 } })).toEqual(noBackup);
  await expect(run()).rejects.toMatchObject({
    code: 'RESTORE_NOT_AVAILABLE',
    message: 'no matching backup files available',
  });
  expect(await readdir(directory.path)).toEqual([]);
});

test('-if-replica-exists does not hide a storage that fails', async () => {
  await using directory = await temporaryDirectory();
  const refuse = (): never => {
    throw cut();
  };
  const { run } = restoring(directory.path, createMemoryStorage({ faults: { before: refuse } }));
  await expect(run({ ifReplicaExists: true })).rejects.toMatchObject({
    code: 'STORAGE_UNAVAILABLE',
    message: 'cannot calc restore plan: cut',
  });
});

test('a dry run tells the plan, writes nothing and does not mind an existing output', async () => {
  await using directory = await temporaryDirectory();
  const { output, run } = restoring(directory.path, createMemoryStorage({ bucket: await fixtureBucket(FIXTURE) }));
  await writeFile(output, 'theirs');
  const outcome = await run({ dryRun: true, target: { txid: 0x14n } });
  expect(outcome).toMatchObject({
    kind: 'planned',
    plan: {
      reachedTxid: 0x14n,
      files: [
        { level: 9, minTxid: 1n, maxTxid: 0xcn },
        { level: 3, minTxid: 4n, maxTxid: 0x11n },
        { level: 1, minTxid: 0x12n, maxTxid: 0x13n },
        { level: 0, minTxid: 0x14n, maxTxid: 0x14n },
      ],
    },
  });
  expect(await readFile(output, 'utf8')).toBe('theirs');
  expect(await readdir(directory.path)).toEqual(['out.db']);
});

test('of several replicas the one with the newest data is taken', async () => {
  await using directory = await temporaryDirectory();
  const behind = await fixtureBucket('levels');
  for (const level of [0, 1, 2, 3] as const) {
    for (const { info } of behind.list(level)) if (info.maxTxid > 0x20n) behind.remove(level, info);
  }
  const replicas = [
    { name: 'behind', storage: createMemoryStorage({ bucket: behind }) },
    { name: 'empty', storage: createMemoryStorage({ bucket: createMemoryBucket() }) },
    { name: 'newest', storage: createMemoryStorage({ bucket: await fixtureBucket('levels') }) },
  ];
  const { output, run } = restoring(directory.path, createMemoryStorage());
  expect(await run({ replicas })).toMatchObject({ plan: { replica: { name: 'newest' }, reachedTxid: LAST_TXID } });
  expect(await digestOf(output)).toEqual(newest);
});

test('a replica that proves damaged is followed by another that holds the same state', async () => {
  await using directory = await temporaryDirectory();
  const damaged = await fixtureBucket(FIXTURE);
  damageNewest(damaged);
  const replicas = [
    { name: 'damaged', storage: createMemoryStorage({ bucket: damaged }) },
    { name: 'sound', storage: createMemoryStorage({ bucket: await fixtureBucket(FIXTURE) }) },
  ];
  const { output, run } = restoring(directory.path, createMemoryStorage());
  expect(await run({ replicas })).toMatchObject({ plan: { replica: { name: 'sound' }, reachedTxid: LAST_TXID } });
  expect(await digestOf(output)).toEqual(newest);
  expect(await readdir(directory.path)).toEqual(['out.db']);
});

test('a replica that cannot be listed fails the restore: the newest state may be there', async () => {
  await using directory = await temporaryDirectory();
  const refuse = (): never => {
    throw cut();
  };
  const replicas = [
    { name: 'sound', storage: createMemoryStorage({ bucket: await fixtureBucket(FIXTURE) }) },
    { name: 'down', storage: createMemoryStorage({ faults: { before: refuse } }) },
  ];
  const { run } = restoring(directory.path, createMemoryStorage());
  await expect(run({ replicas })).rejects.toMatchObject({ code: 'STORAGE_UNAVAILABLE' });
});

test('a gap in the chain of the newest state is an error that names both TXIDs', async () => {
  await using directory = await temporaryDirectory();
  const bucket = await fixtureBucket('l0-only');
  for (const level of [1, 9] as const) for (const { info } of bucket.list(level)) bucket.remove(level, info);
  bucket.remove(0, { minTxid: 4n, maxTxid: 4n });
  await expect(restoring(directory.path, createMemoryStorage({ bucket })).run()).rejects.toMatchObject({
    code: 'RESTORE_GAP',
    message: expect.stringMatching(/non-contiguous ltx files: have up to 0{15}3 but next file starts at 0{15}5/),
  });
});

test('a generation asked of a replica without v0.3 data is an error that says what to use', async () => {
  await using directory = await temporaryDirectory();
  const storage = createMemoryStorage({ bucket: await fixtureBucket(FIXTURE) });
  await expect(restoring(directory.path, storage).run({ target: { generation: '00' } })).rejects.toMatchObject({
    code: 'V03_NO_SNAPSHOT',
    hint: expect.stringContaining('-txid or -timestamp'),
  });
});

test('the replica is only read', async () => {
  await using directory = await temporaryDirectory();
  const operations = new Set<string>();
  const faults: StorageFaults = { before: ({ operation }) => void operations.add(operation) };
  const storage = createMemoryStorage({ bucket: await fixtureBucket(FIXTURE), faults });
  await restoring(directory.path, storage).run();
  for (const operation of ['write', 'delete', 'deleteAll']) expect(operations).not.toContain(operation);
});

test('what an interrupted restore left behind is removed by the next', async () => {
  await using directory = await temporaryDirectory();
  await mkdir(directory.path, { recursive: true });
  await writeFile(join(directory.path, 'out.db.4194305.00000001.tmp'), 'half');
  const storage = createMemoryStorage({ bucket: await fixtureBucket(FIXTURE) });
  await restoring(directory.path, storage).run();
  expect(await readdir(directory.path)).toEqual(['out.db']);
});
