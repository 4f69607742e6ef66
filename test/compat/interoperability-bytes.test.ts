/** The same database and WAL, replicated by us and by 0.5.17: what lies in the two replicas says the same. */
import { createHash } from 'node:crypto';
import { cp, readdir, readFile, stat } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { decodeAll } from '../format/ltx/decoded.ts';
import { listReplicaFiles } from '../support/replica-files.ts';
import { chooseSeed } from '../support/seed.ts';
import { runWriter, type WriterFlags } from '../support/writer.ts';
import { runOnce, type Scene, setScene } from './programs.ts';
import { workloadProfiles } from './workload.ts';

/** Passes, each after more commits in the same WAL. */
const passes = 3;
/** When to checkpoint is each program's own choice, and would put its counter into another file. */
const settings = { databaseLines: ['min-checkpoint-page-count: 1000000'] };

describe('of the same database', () => {
  test.each(workloadProfiles)('we write the files that 0.5.17 writes, at page size $name', async (profile) => {
    const seed = chooseSeed(`interoperability, bytes, ${profile.name}`);
    await using theirs = await setScene('bytes', settings);
    await using ours = await setScene('bytes', settings);
    const { pageSize, autoVacuum, rows } = profile;
    const mix = 'insert=6,update=4,delete=2,blob=2,spill=1,rollback=1';
    const flags: Omit<WriterFlags, 'db'> = { pageSize, autoVacuum, rows, growthPages: 30, count: 15, mix };
    const more = { ...flags, autocheckpoint: 0, keepWal: true };

    // A pass makes replication's own tables; both then start on one database with one WAL.
    await using origin = await setScene('bytes', settings);
    await runWriter({ ...more, db: origin.databasePath, seed });
    await runOnce('0.5.17', origin);
    await runWriter({ ...more, db: origin.databasePath, seed });
    for (const scene of [theirs, ours]) {
      for (const suffix of ['', '-wal']) await cp(origin.databasePath + suffix, scene.databasePath + suffix);
    }
    for (let pass = 1; pass <= passes; pass++) {
      for (const scene of [theirs, ours]) {
        if (pass > 1) await runWriter({ ...more, db: scene.databasePath, seed: seed + pass });
        await runOnce(scene === ours ? 'ours' : '0.5.17', scene);
      }
    }

    expect(await describeReplica(ours)).toEqual(await describeReplica(theirs));
    expect(await modesOf(ours.replicaPath)).toEqual(await modesOf(theirs.replicaPath));
    expect(await ltxModesOf(ours)).toEqual(await ltxModesOf(theirs));
  });
});

/** Every decoded field that does not tell the time, and every page. */
async function describeReplica({ replicaPath }: Scene): Promise<unknown> {
  const files = [];
  for (const { level, minTxid, maxTxid, path } of await listReplicaFiles(replicaPath)) {
    const { header, trailer, pages } = decodeAll(await readFile(path));
    const { timestampMs, ...fields } = header;
    expect(Math.abs((await stat(path)).mtimeMs - timestampMs)).toBeLessThan(1000);
    files.push({
      name: `${level}/${minTxid}-${maxTxid}`,
      fields,
      postApplyChecksum: trailer.postApplyChecksum,
      pages: [...pages].map(([number, page]) => `${number}: ${createHash('sha256').update(page).digest('hex')}`),
    });
  }
  return files;
}

/** Mode of everything below a folder, itself included. */
async function modesOf(path: string): Promise<Readonly<Record<string, string>>> {
  const modes: Record<string, string> = {};
  for (const name of ['', ...(await readdir(path, { recursive: true })).toSorted()]) {
    modes[name] = ((await stat(`${path}/${name}`)).mode & 0o777).toString(8);
  }
  return modes;
}

/** Modes of the metadata folder and of the level-0 files in it; the rest of it is each program's own. */
async function ltxModesOf({ metadataPath }: Scene): Promise<Readonly<Record<string, string>>> {
  const own = ((await stat(metadataPath)).mode & 0o777).toString(8);
  return { ...(await modesOf(`${metadataPath}/ltx`)), own };
}
