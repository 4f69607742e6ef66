import { mkdir, writeFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { contentOf, listReplicaFiles, newestTxid } from './replica-files.ts';
import { temporaryDirectory } from './temporary-directory.ts';

describe('files of a replica', () => {
  test('LTX files are listed by level and name, everything else is left out', async () => {
    await using directory = await temporaryDirectory();
    await mkdir(directory.join('ltx', '0'), { recursive: true });
    await mkdir(directory.join('ltx', '9'), { recursive: true });
    await writeFile(directory.join('ltx', '9', '0000000000000001-000000000000000a.ltx'), 'snapshot');
    await writeFile(directory.join('ltx', '0', '000000000000000b-000000000000000b.ltx'), 'increment');
    await writeFile(directory.join('ltx', '0', '000000000000000c-000000000000000c.ltx.tmp'), 'half');
    const files = await listReplicaFiles(directory.path);
    expect(files.map(({ level, minTxid, sizeBytes }) => [level, minTxid, sizeBytes])).toEqual([
      [0, '000000000000000b', 9],
      [9, '0000000000000001', 8],
    ]);
    expect(await newestTxid(directory.path)).toBe(11n);
    expect((await contentOf(directory.path)).size).toBe(3);
  });

  test('a replica that does not exist yet is empty', async () => {
    await using directory = await temporaryDirectory();
    expect(await listReplicaFiles(directory.join('nowhere'))).toEqual([]);
    expect(await newestTxid(directory.join('nowhere'))).toBe(0n);
  });
});
