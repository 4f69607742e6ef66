/** What a restore refuses before it fetches anything. */
import { chmod, mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createNodeOutputFiles } from '#adapters/output/node/output-files';
import { createSeededRandom } from '#adapters/random/seeded/seeded-random';
import { prepareOutput } from '#effects/restore/prepare-output';
import { temporaryDirectory } from './support.ts';

const files = createNodeOutputFiles({ random: createSeededRandom(1) });

test('a path where nothing is can be restored to, with mode 0600', async () => {
  await using directory = await temporaryDirectory();
  const path = join(directory.path, 'a.db');
  expect(await prepareOutput(files, path, false)).toEqual({
    path,
    mayReplace: false,
    ownership: { mode: 0o600 },
    obstacles: [`${path}-txid`],
  });
});

test('an existing empty file may be replaced', async () => {
  await using directory = await temporaryDirectory();
  const path = join(directory.path, 'a.db');
  await writeFile(path, '');
  expect(await prepareOutput(files, path, false)).toMatchObject({ mayReplace: true });
});

test('a directory is refused, forced or not', async () => {
  await using directory = await temporaryDirectory();
  for (const force of [false, true]) {
    await expect(prepareOutput(files, directory.path, force)).rejects.toMatchObject({
      code: 'OUTPUT_INVALID',
      message: `cannot restore, output path is a directory: ${directory.path}`,
    });
  }
});

test('a file with content is refused unless forced, and its mode is kept', async () => {
  await using directory = await temporaryDirectory();
  const path = join(directory.path, 'a.db');
  await writeFile(path, 'x');
  await chmod(path, 0o640);
  await expect(prepareOutput(files, path, false)).rejects.toMatchObject({
    code: 'OUTPUT_EXISTS',
    message: `cannot restore, output path already exists and is not empty: ${path}. Use -force to overwrite`,
  });
  expect(await prepareOutput(files, path, true)).toMatchObject({ mayReplace: true, ownership: { mode: 0o640 } });
});

test.each(['-wal', '-shm', '-journal', '.tmp', '.tmp-wal'])(
  'a leftover %s is refused although the database is missing (R-1)',
  async (suffix) => {
    await using directory = await temporaryDirectory();
    const path = join(directory.path, 'a.db');
    await writeFile(path + suffix, '');
    await expect(prepareOutput(files, path, false)).rejects.toMatchObject({
      code: 'OUTPUT_EXISTS',
      message: `cannot restore, SQLite sidecar path already exists: ${path}${suffix}. Use -force to overwrite`,
    });
    const prepared = await prepareOutput(files, path, true);
    expect(prepared.obstacles).toEqual([path + suffix, `${path}-txid`]);
    expect(await readdir(directory.path)).toEqual([`a.db${suffix}`]);
  },
);

test('temporary files of dead processes are leftovers, those of living ones are not', async () => {
  await using directory = await temporaryDirectory();
  const output = join(directory.path, 'a.db');
  const isProcessAlive = (id: number): boolean => id === 77;
  const mine = createNodeOutputFiles({ random: createSeededRandom(2), processId: 5, isProcessAlive });
  const file = await mine.createTemporary(output, { mode: 0o600 });
  const dead = ['a.db.66.00000001.tmp', 'a.db.66.00000001.tmp-wal', 'a.db.5.00000002.tmp'];
  for (const name of [...dead, 'a.db.77.00000003.tmp', 'a.db.tmp', 'b.db.66.00000001.tmp', 'a.db.66.tmp']) {
    await writeFile(join(directory.path, name), '');
  }
  expect(new Set(await mine.findLeftovers(output))).toEqual(new Set(dead.map((name) => join(directory.path, name))));
  await file.close();
});

test('missing parents are made for the owner only', async () => {
  await using directory = await temporaryDirectory();
  const path = join(directory.path, 'x', 'y', 'a.db');
  await files.makeParents(path);
  expect(await files.inspect(join(directory.path, 'x'))).toMatchObject({ kind: 'directory', mode: 0o700 });
  expect(await files.inspect(join(directory.path, 'x', 'y'))).toMatchObject({ kind: 'directory', mode: 0o700 });
});

test('publishing does not replace a file that appeared meanwhile', async () => {
  await using directory = await temporaryDirectory();
  const output = join(directory.path, 'a.db');
  const file = await files.createTemporary(output, { mode: 0o600 });
  await file.write(Buffer.from('new'), 0);
  await file.close();
  await writeFile(output, 'theirs');
  await expect(files.publish(file.path, output, { mayReplace: false })).rejects.toMatchObject({
    code: 'OUTPUT_EXISTS',
    message: `cannot restore, output path already exists: ${output}`,
  });
  await files.publish(file.path, output, { mayReplace: true });
  expect(await readdir(directory.path)).toEqual(['a.db']);
});

test('a parent that is a file is an error that names the path', async () => {
  await using directory = await temporaryDirectory();
  await writeFile(join(directory.path, 'x'), '');
  await mkdir(join(directory.path, 'y'));
  const output = join(directory.path, 'x', 'a.db');
  await expect(files.createTemporary(output, { mode: 0o600 })).rejects.toMatchObject({ code: 'OUTPUT_INVALID' });
});
