import { chmod, mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readStorageTemplate } from '#runtime/storage-template';

describe('mode and owner of replica files', () => {
  let base: string;
  beforeEach(async () => {
    base = await mkdtemp(join(tmpdir(), 'storage-template-'));
  });
  afterEach(() => rm(base, { recursive: true, force: true }));

  it('are those of the database file and its directory', async () => {
    const directory = join(base, 'data');
    const path = join(directory, 'app.db');
    await mkdir(directory);
    await writeFile(path, '');
    await chmod(directory, 0o750);
    await chmod(path, 0o640);
    const { uid, gid } = await stat(path);
    expect(await readStorageTemplate(path)).toEqual({ fileMode: 0o640, directoryMode: 0o750, uid, gid });
  });

  it('are left to the defaults while there is no database', async () => {
    expect(await readStorageTemplate(join(base, 'missing.db'))).toBeUndefined();
  });
});
