/** The releases among themselves: who reads whom. If this fails, the peers or the harness are wrong, not our program. */
import { describe, expect, test } from 'vitest';
import { expectSamePages } from '../support/compare-databases.ts';
import {
  currentPeerVersions,
  listWithPeer,
  type PeerVersion,
  peerVersions,
  replicateOnce,
  restoreWithPeer,
  runPeer,
} from '../support/peer.ts';
import { chooseSeed } from '../support/seed.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { runWriter, type WriterFlags } from '../support/writer.ts';

const pageSizes = [512, 1024, 4096, 65_536];
const cases = currentPeerVersions.flatMap((version) => pageSizes.map((pageSize) => ({ version, pageSize })));
const mix = 'insert=6,update=4,delete=2,blob=2,growth=1,spill=1,spill-rollback=1';

/** Releases before 0.5.16 read only the frame form of LZ4, which is what they write. */
const readersOf = (writer: PeerVersion): readonly PeerVersion[] =>
  writer === '0.5.17' ? ['0.5.17'] : currentPeerVersions;

describe('the releases', () => {
  test.each(peerVersions)('%s is the release it is called', async (version) => {
    expect((await runPeer(version, ['version'])).stdout.trim().replace(/^v/, '')).toBe(version);
  });

  test.each(cases)('what $version writes at page size $pageSize is restored page by page', async (given) => {
    const { version, pageSize } = given;
    await using directory = await temporaryDirectory('peers');
    const databasePath = directory.join('app.db');
    const replicaPath = directory.join('replica');
    const input = { databasePath, replicaPath, configPath: directory.join('litestream.yml') };
    // The WAL stays when the application ends, so that the second pass has increments to read.
    const flags: WriterFlags = {
      db: databasePath,
      seed: chooseSeed(`peers ${version} ${pageSize}`),
      pageSize,
      autocheckpoint: 0,
      keepWal: true,
      rows: 3,
      growthPages: 50,
      count: 40,
      mix,
    };
    await runWriter(flags);
    await replicateOnce(version, input);
    await runWriter(flags);
    await replicateOnce(version, input);

    expect((await listWithPeer(version, replicaPath)).length).toBeGreaterThanOrEqual(2);
    for (const reader of readersOf(version)) {
      const outputPath = directory.join(`restored-${reader}.db`);
      expect(await restoreWithPeer(reader, { replicaPath, outputPath })).toMatchObject({ code: 0 });
      await expectSamePages(databasePath, outputPath);
    }
  });

  test('0.5.15 cannot read the block form that 0.5.17 writes', async () => {
    await using directory = await temporaryDirectory('peers');
    const databasePath = directory.join('app.db');
    const replicaPath = directory.join('replica');
    await runWriter({ db: databasePath, count: 5 });
    await replicateOnce('0.5.17', { databasePath, replicaPath, configPath: directory.join('litestream.yml') });
    const result = await restoreWithPeer('0.5.15', { replicaPath, outputPath: directory.join('restored.db') });
    expect(result).toMatchObject({ code: 1, stderr: expect.stringContaining('no flags allowed') });
  });
});
