/** Things the restore tests share: a silent log, temporary directories, services over the real file system, fixtures. */
import { createHash } from 'node:crypto';
import { cp, mkdtemp, readdir, readFile, rm, utimes } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createSystemClock } from '#adapters/clock/system/system-clock';
import { createIntegrityChecker } from '#adapters/integrity/better-sqlite3/integrity-checker';
import { createNodeOutputFiles } from '#adapters/output/node/output-files';
import { createSeededRandom } from '#adapters/random/seeded/seeded-random';
import { createFileStorage } from '#adapters/storage/file/file-storage';
import { createMemoryBucket, type MemoryBucket } from '#adapters/storage/memory/bucket';
import { createWalReplay } from '#adapters/v03-replay/better-sqlite3/wal-replay';
import { isLevel } from '#domain/level';
import { parseLtxName } from '#domain/txid';
import type { RestoreRequest, RestoreServices } from '#effects/restore/restore-types';
import type { Clock } from '#ports/clock';
import type { Log } from '#ports/log';
import type { ReplicaStorage } from '#ports/storage';

/** A log that keeps nothing. */
export const silentLog: Log = { write: () => undefined, with: () => silentLog };

/** Real time for timers that must not fire, none for waits between tries. */
const hastyClock = (): Clock => {
  const clock = createSystemClock();
  return { ...clock, setTimeout: (run, delayMs) => clock.setTimeout(run, delayMs >= 30_000 ? delayMs : 0) };
};

/** Services over the local file system; waits between tries take no time. */
export const restoreServices = (seed = 1): RestoreServices => ({
  clock: hastyClock(),
  random: createSeededRandom(seed),
  log: silentLog,
  files: createNodeOutputFiles({ random: createSeededRandom(seed) }),
  integrity: createIntegrityChecker(),
  walReplay: createWalReplay(),
});

/** A restore of the newest state of one replica; what differs is given. */
export const restoreRequest = (
  storage: ReplicaStorage,
  output: string,
  changes: Partial<RestoreRequest> = {},
): RestoreRequest => ({
  replicas: [{ name: storage.kind, storage }],
  output,
  target: {},
  force: false,
  ifDbNotExists: false,
  ifReplicaExists: false,
  integrity: 'none',
  parallelism: 8,
  dryRun: false,
  signal: new AbortController().signal,
  ...changes,
});

/** A directory that is removed when it leaves scope. */
export const temporaryDirectory = async (): Promise<AsyncDisposable & { readonly path: string }> => {
  const path = await mkdtemp(join(tmpdir(), 'restore-test-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
};

/** Size and SHA-256 of a file. */
export const digestOf = async (path: string): Promise<{ readonly size: number; readonly sha256: string }> => {
  const bytes = await readFile(path);
  return { size: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') };
};

const FIXTURES = resolve(import.meta.dirname, '../../../fixtures');

/** One restore of a fixture by the real program. */
export interface ExpectedRestore {
  readonly label?: string;
  readonly args?: readonly string[];
  readonly exit: number;
  readonly size?: number;
  readonly sha256?: string;
  readonly stderr?: string;
}

/** What `expected.json` of a v0.5 fixture tells; see the README of the fixtures. */
export interface ExpectedCase {
  readonly files: readonly { readonly level: number; readonly name: string; readonly mtime_ms: number }[];
  readonly v03_files?: readonly { readonly path: string; readonly mtime_ms: number }[];
  readonly restores?: readonly ExpectedRestore[];
  readonly unavailable?: readonly ExpectedRestore[];
  readonly final?: ExpectedRestore;
}

/** Path of a fixture. */
export const fixturePath = (...parts: readonly string[]): string => join(FIXTURES, ...parts);

/** Names of the folders of a group of fixtures. */
export const fixtureNames = async (group: string): Promise<readonly string[]> =>
  (await readdir(fixturePath(group), { withFileTypes: true })).filter((e) => e.isDirectory()).map(({ name }) => name);

export const readExpected = async (group: string, name: string): Promise<unknown> =>
  JSON.parse(await readFile(fixturePath(group, name, 'expected.json'), 'utf8'));

/** A file replica over a copy of the fixture in which every file has the modification time it was written with. */
export const timedReplica = async (
  name: string,
  expected: ExpectedCase,
  directory: string,
): Promise<ReplicaStorage> => {
  const path = join(directory, `replica-${name}`);
  await cp(fixturePath('v0.5', name, 'replica'), path, { recursive: true });
  const files = [
    ...expected.files.map((file) => ({ path: join('ltx', String(file.level), file.name), mtimeMs: file.mtime_ms })),
    ...(expected.v03_files ?? []).map((file) => ({ path: file.path, mtimeMs: file.mtime_ms })),
  ];
  for (const file of files) {
    const seconds = file.mtimeMs / 1000 + 5e-7;
    await utimes(join(path, file.path), seconds, seconds);
  }
  return createFileStorage({ path });
};

/** A bucket with the LTX files of a fixture, their listed times those of the fixture. */
export const fixtureBucket = async (name: string): Promise<MemoryBucket> => {
  const expected = (await readExpected('v0.5', name)) as ExpectedCase;
  const bucket = createMemoryBucket();
  for (const file of expected.files) {
    const range = parseLtxName(file.name);
    if (range === undefined || !isLevel(file.level)) throw new Error(`fixture ${name} has a file ${file.name}`);
    const folder = name === 'damaged' ? 'base' : 'replica';
    const bytes = await readFile(fixturePath('v0.5', name, folder, 'ltx', String(file.level), file.name));
    bucket.put({ info: { ...range, level: file.level, sizeBytes: bytes.length, createdAtMs: file.mtime_ms }, bytes });
  }
  return bucket;
};
