import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, open, readdir, readFile, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createSimulatedClock } from '#adapters/clock/simulated/simulated-clock';
import { createFileStorage, type FileStorageOptions } from '#adapters/storage/file/file-storage';
import type { ReplicationError } from '#errors/replication-error';
import type { LogAttributes } from '#ports/log';
import type { LtxFileInfo, ReplicaStorage } from '#ports/storage';
import { bytesOf, chunksOf, describeStorageConformance, ltxBytes } from '../conformance.ts';

const TIME_MS = Date.UTC(2024, 0, 2, 3, 4, 5, 678);
const one = { minTxid: 1n, maxTxid: 1n };
const NAME = '0000000000000001-0000000000000001.ltx';
const never = new AbortController().signal;

const namesIn = (path: string): Promise<string[]> => readdir(path).catch(() => []);

describeStorageConformance(
  'file',
  async () => {
    const base = await mkdtemp(join(tmpdir(), "file storage +%20üö&'~(1)-"));
    const root = join(base, 'db');
    return {
      storage: createFileStorage({ path: root }),
      reopen: () => createFileStorage({ path: root }),
      sibling: () => createFileStorage({ path: `${root}2` }),
      putRaw: async (level, name, bytes) => {
        const path = join(root, 'ltx', String(level), name);
        await mkdir(dirname(path), { recursive: true });
        await writeFile(path, bytes);
      },
      rawNames: (level) => namesIn(join(root, 'ltx', String(level))),
      dispose: () => rm(base, { recursive: true, force: true }),
    };
  },
  { hasHeaderTimesInFastListing: true, exactWithoutHeader: 'storedTime', manyFiles: 1105, largeFileBytes: 20_000_001 },
);

describe('a replica in a directory', () => {
  let base: string;
  let root: string;
  const create = (options: Partial<FileStorageOptions> = {}): ReplicaStorage =>
    createFileStorage({ path: root, ...options });
  const pathOf = (level: number, name = NAME): string => join(root, 'ltx', String(level), name);
  const write = (storage: ReplicaStorage, sizeBytes = 200): Promise<LtxFileInfo> =>
    storage.writeLtxFile(0, one, chunksOf(ltxBytes(sizeBytes, TIME_MS)), never);
  const list = async (storage: ReplicaStorage, mode: 'fast' | 'exact'): Promise<LtxFileInfo[]> => {
    const files: LtxFileInfo[] = [];
    for await (const file of storage.listLtxFiles(0, 0n, mode, never)) files.push(file);
    return files;
  };

  beforeEach(async () => {
    base = await mkdtemp(join(tmpdir(), 'file-storage-'));
    root = join(base, 'replica');
  });
  afterEach(() => rm(base, { recursive: true, force: true }));

  it('keeps files at ltx/<level>/<min>-<max>.ltx, with the modification time of the header to the millisecond', async () => {
    await write(create());
    const stats = await stat(pathOf(0), { bigint: true });
    expect(stats.mtimeNs / 1_000_000n).toBe(BigInt(TIME_MS));
    expect(await readdir(join(root, 'ltx', '0'))).toEqual([NAME]);
  });

  it('gives new files and directories the modes of the templates, private ones by default', async () => {
    const modeOf = async (path: string): Promise<number> => (await stat(path)).mode & 0o777;
    await write(create({ fileMode: 0o640, directoryMode: 0o750 }));
    expect(await modeOf(pathOf(0))).toBe(0o640);
    expect(await modeOf(dirname(pathOf(0)))).toBe(0o750);
    expect(await modeOf(root)).toBe(0o750);
    await create().writeLtxFile(1, one, chunksOf(ltxBytes(100)), never);
    expect(await modeOf(pathOf(1))).toBe(0o600);
    expect(await modeOf(dirname(pathOf(1)))).toBe(0o700);
  });

  it('a change of owner that is refused, or to the owner it has, does not fail the write', async () => {
    const { uid, gid } = await stat(base);
    await write(create({ uid, gid }));
    expect(await stat(pathOf(0))).toMatchObject({ uid, gid });
  });

  it('touches nothing before the first write', async () => {
    const storage = create();
    await storage.init(never);
    expect(await list(storage, 'fast')).toEqual([]);
    expect(await readdir(base)).toEqual([]);
  });

  it('recreates directories that were removed between two writes', async () => {
    const storage = create();
    await write(storage);
    await rm(root, { recursive: true });
    await write(storage);
    expect(await readdir(join(root, 'ltx', '0'))).toEqual([NAME]);
  });

  it('init removes leftovers older than a day, of ours and of Litestream, and nothing else', async () => {
    const directory = dirname(pathOf(0));
    await mkdir(directory, { recursive: true });
    const leftovers = [`${NAME}.tmp`, `${NAME}.4711.0badcafe.tmp`];
    const others = ['notes.tmp', NAME, `${NAME}.bak`];
    for (const name of [...leftovers, ...others]) await writeFile(join(directory, name), 'x');
    const clockAt = (nowMs: number): FileStorageOptions['clock'] => ({
      nowMs: () => nowMs,
      setTimeout: () => undefined,
      clearTimeout: () => undefined,
    });
    const writtenAtMs = (await stat(join(directory, `${NAME}.tmp`))).ctimeMs;
    await create({ clock: clockAt(writtenAtMs + 23 * 3_600_000) }).init(never);
    expect(await readdir(directory)).toHaveLength(5);
    await create({ clock: clockAt(writtenAtMs + 25 * 3_600_000) }).init(never);
    expect(new Set(await readdir(directory))).toEqual(new Set(others));
  });

  it('a temp name left by a killed process of the same id is passed over', async () => {
    await mkdir(dirname(pathOf(0)), { recursive: true });
    await writeFile(`${pathOf(0)}.7.00000001.tmp`, 'left');
    await write(create({ processId: 7 }));
    expect((await readdir(dirname(pathOf(0)))).sort()).toEqual([NAME, `${NAME}.7.00000001.tmp`]);
    expect(await readFile(`${pathOf(0)}.7.00000001.tmp`, 'utf8')).toBe('left');
  });

  it('the header wins over a modification time that a copy has changed, with one warning', async () => {
    const warnings: (LogAttributes | undefined)[] = [];
    const log = {
      write: (_level: string, _message: string, attributes?: LogAttributes) => warnings.push(attributes),
      with: () => log,
    };
    const storage = create({ log });
    await write(storage);
    await utimes(pathOf(0), new Date(TIME_MS + 60_000), new Date(TIME_MS + 60_000));
    expect((await list(storage, 'fast'))[0]?.createdAtMs).toBe(TIME_MS + 60_000);
    expect((await list(storage, 'exact'))[0]?.createdAtMs).toBe(TIME_MS);
    expect((await list(storage, 'exact'))[0]?.createdAtMs).toBe(TIME_MS);
    expect(warnings).toEqual([{ path: pathOf(0), mtime: '2024-01-02T03:05:05.678Z' }]);
  });

  it('a directory with the name of an LTX file is not listed', async () => {
    await mkdir(pathOf(0), { recursive: true });
    expect(await list(create(), 'fast')).toEqual([]);
  });

  it('a root that is a file is named with what was expected, and works once it is a directory', async () => {
    await writeFile(root, 'not a directory');
    const storage = create();
    const error = await storage.init(never).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'STORAGE_UNAVAILABLE', retryable: true });
    expect((error as ReplicationError).message).toBe(`${root} is not a directory: expected one, found a file`);
    await expect(write(storage)).rejects.toMatchObject({ code: 'STORAGE_UNAVAILABLE' });
    await expect(list(storage, 'fast')).rejects.toMatchObject({ code: 'STORAGE_UNAVAILABLE' });
    await rm(root);
    await storage.init(never);
    await write(storage);
  });

  it('a link that points to itself is an error, not an empty replica', async () => {
    await symlink(root, root);
    await expect(list(create(), 'fast')).rejects.toMatchObject({ code: 'STORAGE_UNAVAILABLE' });
  });

  it('a delete tries every file and names those that remain', async () => {
    const storage = create();
    await write(storage);
    await mkdir(pathOf(0, '0000000000000002-0000000000000002.ltx'));
    const ranges = [{ minTxid: 2n, maxTxid: 2n }, one];
    const error = await storage.deleteLtxFiles(0, ranges, never).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'STORAGE_PARTIAL_DELETE' });
    expect((error as ReplicationError).message).toContain('0000000000000002-0000000000000002.ltx');
    expect(await list(storage, 'fast')).toEqual([]);
  });

  it('a file that is shortened while it is read fails the stream', async () => {
    const storage = create();
    await write(storage, 600_000);
    const stream = await storage.openLtxFile(0, one, {}, never);
    await writeFile(pathOf(0), ltxBytes(300_000));
    await expect(bytesOf(stream)).rejects.toMatchObject({ code: 'STORAGE_UNAVAILABLE', retryable: true });
  });

  it('a file that is replaced while it is read is read to its old end', async () => {
    const storage = create();
    await write(storage, 600_000);
    const stream = await storage.openLtxFile(0, one, {}, never);
    await storage.writeLtxFile(0, one, chunksOf(ltxBytes(100)), never);
    expect(Buffer.compare(await bytesOf(stream), ltxBytes(600_000, TIME_MS))).toBe(0);
  });

  it('a file system that hangs is left alone half a second after an abort, in every kind of call', async () => {
    const clock = createSimulatedClock();
    const storage = create({ clock });
    await mkdir(dirname(pathOf(0)), { recursive: true });
    // Opening a pipe without a writer hangs in the operating system, as a network file system without its server does.
    execFileSync('mkfifo', [pathOf(0)]);
    const controller = new AbortController();
    const outcome = storage.openLtxFile(0, one, {}, controller.signal).catch((error: unknown) => error);
    controller.abort();
    expect(clock.nextDueMs()).toBe(500);
    clock.step();
    expect(await outcome).toMatchObject({ code: 'ABORTED' });
    const before = await readdir('/proc/self/fd');
    // A writer ends the hanging call; the descriptor it yields is given back.
    await (await open(pathOf(0), 'r+')).close();
    await expect.poll(async () => (await readdir('/proc/self/fd')).length).toBeLessThanOrEqual(before.length);
  });

  it('no timer is left when a call has ended by itself', async () => {
    const clock = createSimulatedClock();
    const storage = create({ clock });
    await write(storage);
    const controller = new AbortController();
    const stream = await storage.openLtxFile(0, one, {}, controller.signal);
    await bytesOf(stream);
    controller.abort();
    expect(clock.pendingTimers()).toBe(0);
  });

  it('no descriptor stays open after reads that were never started, ended early or failed', async () => {
    const storage = create();
    await write(storage, 600_000);
    const descriptors = async (): Promise<number> => (await readdir('/proc/self/fd')).length;
    const before = await descriptors();
    for (let round = 0; round < 50; round += 1) {
      const iterator = (await storage.openLtxFile(0, one, {}, never))[Symbol.asyncIterator]();
      await iterator.return?.();
      for await (const _ of await storage.openLtxFile(0, one, {}, never)) break;
    }
    expect(await descriptors()).toBeLessThan(before + 20);
  });
});
