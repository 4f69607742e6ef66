/** One database, one metadata folder and one replica that change hands: each program goes on where the other one stopped. */
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { describe, test } from 'vitest';
import { formatTxid } from '#domain/txid';
import type { LtxHeader } from '#format/ltx/header';
import { decodeAll, encodeAll } from '../format/ltx/decoded.ts';
import { copyCheckpointed, runSql } from '../support/compare-databases.ts';
import { listReplicaFiles, type ReplicaFile } from '../support/replica-files.ts';
import { chooseSeed } from '../support/seed.ts';
import { runWriter, startApplication, type WriterFlags } from '../support/writer.ts';
import {
  expectRestored,
  type Program,
  runOnce,
  type Scene,
  setScene,
  startDaemon,
  stopDaemon,
  untilCaughtUp,
} from './programs.ts';

const mix = 'insert=6,update=4,delete=2,blob=2,spill=1,rollback=1';

describe('programs that take turns', () => {
  test.each([512, 4096, 65_536])('at page size %i leave a replica both restore, after every turn', async (pageSize) => {
    const seed = chooseSeed(`interoperability, turns, ${pageSize}`);
    await using scene = await setScene('turns');
    const { databasePath, replicaPath } = scene;
    const flags = { db: databasePath, seed, pageSize, autocheckpoint: 0, growthPages: 50, busyTimeout: 500 };
    const application = await startApplication(flags);
    await using _ = application;
    const turns: readonly Program[] = ['0.5.17', 'ours', '0.5.17', 'ours'];
    for (const [index, program] of turns.entries()) {
      const when = `in turn ${index + 1}, ${program}`;
      await application.run(5, mix);
      // A release would lose what it did not see before a restart of the WAL.
      if (program === 'ours' && index > 1) {
        await application.checkpoint('restart');
        await application.run(1, 'insert');
      }
      const daemon = await startDaemon(program, scene);
      await using _running = daemon;
      await untilCaughtUp(daemon, scene, `at the start, ${when}`);
      await application.run(10, mix);
      await untilCaughtUp(daemon, scene, when);
      await stopDaemon(daemon);
      await expectRestored(['ours', '0.5.17'], { replicaPath, expectedPath: databasePath, when });
    }
    await application.quit();
  });

  test.each(['0.5.15', '0.5.5'] as const)('we go on after %s, and 0.5.17 restores both parts', async (version) => {
    await using scene = await setScene('turns');
    const { databasePath, replicaPath, directory } = scene;
    const seed = chooseSeed(`interoperability, after ${version}`);
    const flags: WriterFlags = { db: databasePath, seed, keepWal: true, autocheckpoint: 0, count: 15, mix };
    for (const [index, program] of ([version, 'ours', 'ours'] as const).entries()) {
      await runWriter({ ...flags, seed: seed + index });
      await using daemon = await startDaemon(program, scene);
      await untilCaughtUp(daemon, scene, `by ${program}`);
      await stopDaemon(daemon);
      const expectedPath = directory.join(`expected-${index}.db`);
      await copyCheckpointed(databasePath, expectedPath);
      await expectRestored(['ours', '0.5.17'], { replicaPath, expectedPath, when: `after ${program}` });
    }
  });
});

/** Something that happens between two programs, as measured on 0.5.17: after some of it the release loses or stands still. */
interface Misfortune {
  readonly row: number;
  readonly name: string;
  readonly arrange: (scene: Scene) => Promise<void>;
  readonly isBeyondRelease?: boolean;
}

const local = ({ directory }: Scene): string => directory.join('.app.db-litestream');
const levelZero = async (path: string): Promise<readonly ReplicaFile[]> =>
  (await listReplicaFiles(path)).filter(({ level }) => level === 0);
const removeLevelZero = async (path: string, which: (files: readonly ReplicaFile[]) => readonly ReplicaFile[]) => {
  for (const file of which(await levelZero(path))) await rm(file.path);
};
const write = (scene: Scene, count = 2): Promise<unknown> =>
  runWriter({ db: scene.databasePath, seed: 77, keepWal: true, autocheckpoint: 0, count, mix: 'insert' });
/** The last connection closes as usual: the WAL is gone. */
const closeDatabase = (scene: Scene): Promise<unknown> => runSql(scene.databasePath, 'SELECT count(*) FROM ledger');

const misfortunes: readonly Misfortune[] = [
  { row: 1, name: 'nothing happened', arrange: async () => undefined },
  { row: 2, name: 'the metadata folder is gone', arrange: (scene) => rm(local(scene), { recursive: true }) },
  {
    row: 3,
    name: 'the metadata folder and the WAL are gone',
    arrange: async (scene) => {
      await rm(local(scene), { recursive: true });
      await closeDatabase(scene);
    },
  },
  {
    row: 4,
    name: 'only the newest local file is left',
    arrange: (scene) => removeLevelZero(local(scene), (files) => files.slice(0, -1)),
  },
  {
    row: 5,
    name: 'the newest local file is gone',
    arrange: (scene) => removeLevelZero(local(scene), (files) => files.slice(-1)),
  },
  {
    row: 6,
    name: 'the newest two files of the replica are gone',
    arrange: (scene) => removeLevelZero(scene.replicaPath, (files) => files.slice(-2)),
  },
  {
    row: 7,
    name: 'the newest two files of the replica are gone, one of them locally too',
    isBeyondRelease: true,
    arrange: async (scene) => {
      await removeLevelZero(scene.replicaPath, (files) => files.slice(-2));
      await removeLevelZero(local(scene), (files) => files.slice(-2, -1));
    },
  },
  { row: 8, name: 'the replica is empty', arrange: (scene) => rm(scene.replicaPath, { recursive: true }) },
  {
    row: 9,
    name: 'the replica is empty and only the newest local file is left',
    isBeyondRelease: true,
    arrange: async (scene) => {
      await rm(scene.replicaPath, { recursive: true });
      await removeLevelZero(local(scene), (files) => files.slice(0, -1));
    },
  },
  {
    row: 10,
    name: 'the last connection was closed',
    arrange: async (scene) => {
      await closeDatabase(scene);
    },
  },
  {
    row: 11,
    name: 'the newest file has no place in the WAL',
    isBeyondRelease: true,
    arrange: (scene) => changeWalPosition(scene, { walOffset: 0n, walSize: 0n, walSalt1: 0, walSalt2: 0 }),
  },
  {
    row: 12,
    name: 'the newest file has the place of a WAL that is gone',
    arrange: (scene) => changeWalPosition(scene, { walOffset: 32n, walSize: 0n, walSalt1: 1, walSalt2: 1 }),
  },
  {
    row: 13,
    name: 'no metadata, and the replica holds only a base at level 9',
    isBeyondRelease: true,
    arrange: async (scene) => {
      await rm(local(scene), { recursive: true });
      await compactToBase(scene);
    },
  },
  {
    row: 14,
    name: 'updates, a restarted WAL and one insert',
    isBeyondRelease: true,
    arrange: async (scene) => {
      await using application = await startApplication({ db: scene.databasePath, autocheckpoint: 0, seed: 5 });
      await application.run(10, 'update');
      await application.checkpoint('restart');
      await application.run(1, 'insert');
      await application.kill();
    },
  },
];

/** What compaction and retention leave of a replica that rested: one file at level 9, none at level 0. */
async function compactToBase({ replicaPath }: Scene): Promise<void> {
  const pages = new Map<number, Buffer>();
  let newest: LtxHeader | undefined;
  for (const { path } of await levelZero(replicaPath)) {
    const decoded = decodeAll(await readFile(path));
    for (const [number, page] of decoded.pages) pages.set(number, page);
    newest = decoded.header;
    await rm(path);
  }
  if (newest === undefined) throw new Error('the replica is empty');
  const { commit } = newest;
  const kept = [...pages].filter(([number]) => number <= commit).toSorted(([left], [right]) => left - right);
  const { file } = encodeAll({ ...newest, minTxid: 1n }, kept);
  await mkdir(`${replicaPath}/ltx/9`, { recursive: true });
  await writeFile(`${replicaPath}/ltx/9/${'1'.padStart(16, '0')}-${formatTxid(newest.maxTxid)}.ltx`, file);
}

/** Gives the newest level-0 file, local and on the replica, another place in the WAL. */
async function changeWalPosition(scene: Scene, change: Partial<LtxHeader>): Promise<void> {
  for (const folder of [local(scene), scene.replicaPath]) {
    const newest = (await levelZero(folder)).at(-1);
    if (newest === undefined) throw new Error(`${folder} has no level-0 file`);
    const { header, pages } = decodeAll(await readFile(newest.path));
    await writeFile(newest.path, encodeAll({ ...header, ...change }, pages).file);
  }
}

/** Six TXIDs, each of one program, the WAL kept. */
async function makeBase(program: Program, scene: Scene): Promise<void> {
  await using application = await startApplication({ db: scene.databasePath, seed: 3, autocheckpoint: 0 });
  await application.run(40, 'insert');
  await using daemon = await startDaemon(program, scene);
  await untilCaughtUp(daemon, scene, 'at first');
  for (let txid = 2; txid <= 6; txid++) {
    await application.run(1, 'insert=2,update=1,blob=1');
    await untilCaughtUp(daemon, scene, `at TXID ${txid}`);
  }
  await stopDaemon(daemon);
  await application.kill();
}

describe('after a misfortune between two programs', () => {
  const cases = misfortunes.flatMap((misfortune) =>
    (
      [
        ['ours', 'ours'],
        ['0.5.17', 'ours'],
        ['ours', '0.5.17'],
      ] as const
    )
      .filter(([, starter]) => starter === 'ours' || !misfortune.isBeyondRelease)
      // What we leave is what the release leaves, as far as its own rows go; the others are tried on both.
      .filter(([base]) => base === 'ours' || misfortune.isBeyondRelease)
      .map(([base, starter]) => ({ ...misfortune, base, starter })),
  );

  test.each(cases)('row $row, $name: $starter starts on what $base left', async ({ base, starter, arrange }) => {
    await using scene = await setScene('misfortune');
    const { databasePath, replicaPath, directory } = scene;
    await makeBase(base, scene);
    await arrange(scene);
    await write(scene);
    await runOnce(starter, scene);
    const expectedPath = directory.join('expected.db');
    await copyCheckpointed(databasePath, expectedPath);
    await expectRestored(['ours', '0.5.17'], { replicaPath, expectedPath });
  });
});
