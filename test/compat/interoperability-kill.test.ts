/** `kill -9` of the daemon and of the application at moments a seed chooses; nothing that was acknowledged may be missing. */
import { describe, expect, test } from 'vitest';
import { describeDatabase, querySql } from '../support/compare-databases.ts';
import type { RunningProgram } from '../support/program.ts';
import { newestTxid } from '../support/replica-files.ts';
import { chooseSeed, randomFrom } from '../support/seed.ts';
import { until } from '../support/until.ts';
import { readAcknowledged, startWriter } from '../support/writer.ts';
import { expectRestored, restoreWith, runOnce, type Scene, setScene, startDaemon, stopDaemon } from './programs.ts';
import { workloadProfiles } from './workload.ts';

const mix = 'insert=60,update=40,delete=30,blob=4,rollback=4,spill=1,spill-rollback=1,checkpoint=3,vacuum=1';
const rounds = 3;

describe('after kill -9', () => {
  test.each(workloadProfiles)(
    'of daemon and application, a replica at page size $name is complete',
    async (profile) => {
      const seed = chooseSeed(`interoperability, kill, ${profile.name}`);
      const random = randomFrom(seed);
      const between = (least: number, most: number): number => least + Math.floor(random() * (most - least));
      await using scene = await setScene('kill');
      const { databasePath, directory, replicaPath } = scene;
      const { pageSize, autoVacuum, autocheckpoint } = profile;
      const acks = directory.join('acks');
      const flags = {
        db: databasePath,
        pageSize,
        autoVacuum,
        autocheckpoint,
        mix,
        acks,
        rate: 300,
        busyTimeout: 200,
        growthPages: 20,
      };
      const daemons: RunningProgram[] = [];
      try {
        for (let round = 1; round <= rounds; round++) {
          const killAfter = between(150, 350);
          await using application = await startWriter({ ...flags, seed: seed + round, count: 100_000, killAfter });
          const daemon = await startDaemon('ours', scene);
          daemons.push(daemon);
          const first = await newestTxid(replicaPath);
          // Once something of this life has arrived, a further few files decide the moment.
          const moment = first + BigInt(between(1, 6));
          await until(
            'the moment to kill the daemon',
            async () => (await newestTxid(replicaPath)) >= moment || application.outcome() !== undefined,
            { describe: () => `${daemon.stdout()}${daemon.stderr()}` },
          );
          if (random() < 0.8) {
            await daemon.kill();
            daemons.pop();
            await expectPrefix(scene, round);
          }
          await application.ended({ timeoutMs: 200_000 });
          if (daemons.length > 0) await stopDaemon(daemon);
          daemons.length = 0;
        }
        await runOnce('ours', scene);
      } finally {
        for (const daemon of daemons) await daemon.kill();
      }

      await expectRestored(['0.5.17', 'ours'], { replicaPath, expectedPath: databasePath, when: 'at the end' });
      const restored = directory.join('restored.db');
      expect(await restoreWith('0.5.17', { replicaPath, outputPath: restored })).toMatchObject({ code: 0 });
      const sequences = await querySql(restored, 'SELECT sequence FROM ledger ORDER BY sequence');
      const kept = new Set(sequences.map(([sequence]) => sequence));
      const acknowledged = await readAcknowledged(acks);
      expect(acknowledged.length).toBeGreaterThan(rounds * 140);
      expect(acknowledged.filter((sequence) => !kept.has(sequence))).toEqual([]);
    },
  );
});

/** What a killed daemon leaves is some earlier state, whole: the ledger has no hole, and it is the same for both programs. */
async function expectPrefix({ replicaPath, directory }: Scene, round: number): Promise<void> {
  if ((await newestTxid(replicaPath)) === 0n) return;
  const outputPath = directory.join(`killed-${round}.db`);
  expect(await restoreWith('0.5.17', { replicaPath, outputPath })).toMatchObject({ code: 0 });
  expect(await describeDatabase(outputPath)).toMatchObject({ integrity: 'ok' });
  const [[count, newest] = []] = await querySql(outputPath, 'SELECT count(*), max(sequence) FROM ledger');
  expect(count).toBe(newest ?? 0);
  await expectRestored(['ours'], { replicaPath, expectedPath: outputPath, when: `after kill ${round}` });
}
