/** Whole stories replicated by one program and restored by another: at the end and at moments on the way. */
import { readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { decodeLtxHeader } from '#format/ltx/header';
import { copyCheckpointed } from '../support/compare-databases.ts';
import type { PeerVersion } from '../support/peer.ts';
import type { RunningProgram } from '../support/program.ts';
import { listReplicaFiles, newestTxid } from '../support/replica-files.ts';
import { chooseSeed, randomFrom } from '../support/seed.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { runWriter } from '../support/writer.ts';
import {
  expectRestored,
  type Program,
  restoreWith,
  runOnce,
  type Snapshot,
  setScene,
  startDaemon,
  stopDaemon,
  takeSnapshot,
  untilCaughtUp,
} from './programs.ts';
import { playWorkload, type WorkloadMark, type WorkloadProfile, workloadProfiles } from './workload.ts';

/** Chapters after which the WAL may hold no commit, so that nothing says whether the daemon has caught up. */
const isUndecided = ({ name, isConnected, daemon }: WorkloadMark): boolean =>
  daemon === 'stopped' || !isConnected || /truncate|the daemon is back|starts/.test(name);

/** Tells a whole story beside a daemon; compares nothing yet. */
async function replicateStory(
  program: Program,
  input: { readonly profile: WorkloadProfile; readonly seed: number; readonly snapshotShare: number },
): Promise<{ readonly scene: Awaited<ReturnType<typeof setScene>>; readonly snapshots: readonly Snapshot[] }> {
  const random = randomFrom(input.seed);
  const scene = await setScene('story');
  const snapshots: Snapshot[] = [];
  let daemon: RunningProgram | undefined;
  try {
    const { databasePath } = scene;
    for await (const mark of playWorkload({ databasePath, profile: input.profile, seed: input.seed })) {
      if (mark.daemon === 'running') daemon ??= await startDaemon(program, scene);
      if (mark.daemon === 'stopped' && daemon !== undefined) {
        await stopDaemon(daemon);
        daemon = undefined;
      }
      const isChosen = random() < input.snapshotShare;
      if (daemon === undefined || isUndecided(mark)) continue;
      const name = `${mark.step}: ${mark.name}`;
      if (!isChosen) await untilCaughtUp(daemon, scene, name);
      else snapshots.push(await takeSnapshot(daemon, scene, name, scene.directory.join(`mark-${mark.step}.db`)));
    }
    daemon ??= await startDaemon(program, scene);
    await stopDaemon(daemon);
    daemon = undefined;
    return { scene, snapshots };
  } catch (error) {
    await scene[Symbol.asyncDispose]();
    throw error;
  } finally {
    await daemon?.[Symbol.asyncDispose]();
  }
}

describe('what we write', () => {
  test.each(workloadProfiles)(
    '0.5.17 restores a story at page size $name page by page, at the end and on the way',
    async (profile) => {
      const seed = chooseSeed(`interoperability, ours, ${profile.name}`);
      const { scene, snapshots } = await replicateStory('ours', { profile, seed, snapshotShare: 0.2 });
      await using _ = scene;
      const { replicaPath } = scene;
      expect(snapshots.length).toBeGreaterThan(2);
      await expectRestored(['0.5.17', 'ours'], { replicaPath, expectedPath: scene.databasePath, when: 'at the end' });
      for (const { level, path } of await listReplicaFiles(replicaPath)) {
        const { flags, preApplyChecksum, walOffset } = decodeLtxHeader((await readFile(path)).subarray(0, 100));
        // A later release refuses checksums at the end of a chain, and stands still before an offset below 32.
        expect({ flags, preApplyChecksum }).toEqual({ flags: 2, preApplyChecksum: 0n });
        if (level === 0) expect(walOffset).toBeGreaterThanOrEqual(32n);
      }
      for (const { name, txid, path } of snapshots) {
        await expectRestored(['0.5.17'], { replicaPath, expectedPath: path, txid, when: name });
      }
    },
  );
});

describe('what the releases write', () => {
  const cases = (['0.5.17', '0.5.15'] as const).flatMap((version) =>
    workloadProfiles
      .filter(({ pageSize }) => version === '0.5.17' || pageSize < 4096)
      .map((profile) => ({ version, profile, name: profile.name })),
  );

  test.each(cases)('we restore what $version wrote at page size $name, latest and after every pass', async (given) => {
    await expectPassesRestored(given.version, given.profile);
  });

  test('we restore what 0.5.5 wrote beside a live application', async () => {
    const seed = chooseSeed('interoperability, 0.5.5');
    await using scene = await setScene('releases');
    const { databasePath, replicaPath } = scene;
    const snapshots: Snapshot[] = [];
    for (let pass = 0; pass < 4; pass++) {
      await runWriter({
        db: databasePath,
        seed: seed + pass,
        keepWal: true,
        autocheckpoint: 0,
        growthPages: 50,
        count: 15,
        mix,
      });
      await using daemon = await startDaemon('0.5.5', scene);
      snapshots.push(await takeSnapshot(daemon, scene, `pass ${pass}`, scene.directory.join(`pass-${pass}.db`)));
      await stopDaemon(daemon);
    }
    await expectSnapshotsRestored('0.5.5', replicaPath, snapshots);
  });
});

const mix = 'insert=6,update=4,delete=2,blob=2,growth=1,spill=1,spill-rollback=1,vacuum=1';

/** Passes of a release between runs of an application; what each left has to come back exactly. */
async function expectPassesRestored(version: Exclude<PeerVersion, '0.3.13' | '0.5.5'>, profile: WorkloadProfile) {
  const seed = chooseSeed(`interoperability, ${version}, ${profile.name}`);
  await using scene = await setScene('releases');
  const { databasePath, directory, replicaPath } = scene;
  const { pageSize, autoVacuum, rows } = profile;
  const snapshots: Snapshot[] = [];
  for (let pass = 1; pass <= 4; pass++) {
    const flags = { db: databasePath, seed: seed + pass, pageSize, autoVacuum, rows, growthPages: 50, count: 12, mix };
    await runWriter({ ...flags, keepWal: true, autocheckpoint: 0 });
    await runOnce(version, scene);
    const path = directory.join(`pass-${pass}.db`);
    await copyCheckpointed(databasePath, path);
    const txid = (await newestTxid(replicaPath)).toString(16).padStart(16, '0');
    snapshots.push({ name: `pass ${pass}`, txid, path });
  }
  await expectSnapshotsRestored(version, replicaPath, snapshots);
}

/** What we restore is byte for byte what the release itself restores, and what the database was. */
async function expectSnapshotsRestored(
  version: PeerVersion,
  replicaPath: string,
  snapshots: readonly Snapshot[],
): Promise<void> {
  await using scratch = await temporaryDirectory('expected');
  const last = snapshots.at(-1);
  if (last === undefined) throw new Error('no pass was made');
  for (const { name: when, txid, path } of [...snapshots, { ...last, txid: undefined }]) {
    await expectRestored(['ours'], { replicaPath, expectedPath: path, txid, when });
    const outputPath = scratch.join(`${txid ?? 'latest'}.db`);
    expect(await restoreWith(version, { replicaPath, outputPath, txid })).toMatchObject({ code: 0 });
    await expectRestored(['ours'], { replicaPath, expectedPath: outputPath, txid, when });
  }
}
