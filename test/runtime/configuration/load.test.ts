import { access, chmod, chown, mkdir, rm, writeFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { errorCodeOf } from '#errors/replication-error';
import { loadConfiguration } from '#runtime/configuration/load';
import { DEFAULT_CONFIG_PATH } from '#runtime/configuration/locate';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

const textFor = (name: string): string => `dbs: [{path: /${name}.db, replica: {path: /backup}}]\n`;

/** Loads from a directory where the system's own file does not exist. */
const loadIn = (cwd: string, options: Parameters<typeof loadConfiguration>[0] = {}) =>
  loadConfiguration({ env: {}, cwd, defaultPath: `${cwd}/absent/litestream.yml`, ...options });

const firstPath = async (loading: ReturnType<typeof loadIn>) => (await loading).configuration.databases[0]?.path;

describe('loadConfiguration', () => {
  it('reads the file that is asked for, relative to the working directory', async () => {
    await using directory = await temporaryDirectory('config');
    await writeFile(directory.join('mine.yml'), textFor('mine'));
    const loaded = await loadIn(directory.path, { path: 'mine.yml' });
    expect(loaded.path).toBe(directory.join('mine.yml'));
    expect(loaded.configuration.databases[0]?.path).toBe('/mine.db');
  });

  it('prefers the flag, then the environment, then the default place, then the working directory', async () => {
    await using directory = await temporaryDirectory('config');
    await mkdir(directory.join('.config'));
    await writeFile(directory.join('.config', 'litestream.yml'), textFor('third'));
    expect(await firstPath(loadIn(directory.path))).toBe('/third.db');
    await writeFile(directory.join('litestream.yaml'), textFor('second'));
    expect(await firstPath(loadIn(directory.path))).toBe('/second.db');
    await writeFile(directory.join('litestream.yml'), textFor('first'));
    expect(await firstPath(loadIn(directory.path))).toBe('/first.db');
    await writeFile(directory.join('default.yml'), textFor('default'));
    const defaultPath = directory.join('default.yml');
    expect(await firstPath(loadIn(directory.path, { defaultPath }))).toBe('/default.db');
    await writeFile(directory.join('env.yml'), textFor('env'));
    const env = { LITESTREAM_CONFIG: directory.join('env.yml') };
    expect(await firstPath(loadIn(directory.path, { defaultPath, env }))).toBe('/env.db');
    await writeFile(directory.join('flag.yml'), textFor('flag'));
    expect(await firstPath(loadIn(directory.path, { defaultPath, env, path: 'flag.yml' }))).toBe('/flag.db');
    expect(await firstPath(loadIn(directory.path, { defaultPath, env, path: '' }))).toBe('/env.db');
  });

  it('does not search the directories above', async () => {
    await using directory = await temporaryDirectory('config');
    await mkdir(directory.join('below'));
    await writeFile(directory.join('litestream.yml'), textFor('above'));
    await expect(loadIn(directory.join('below'))).rejects.toMatchObject({ code: 'CONFIG_NOT_FOUND' });
  });

  it('runs no code and obeys no settings it finds in the working directory', async () => {
    await using directory = await temporaryDirectory('config');
    await mkdir(directory.join('.config'));
    const marker = JSON.stringify(directory.join('was-run'));
    await writeFile(directory.join('.config', 'config.cjs'), `require('fs').writeFileSync(${marker}, '')`);
    await writeFile(directory.join('package.json'), '{"cosmiconfig": {"searchPlaces": ["other.yml"]}}');
    await writeFile(directory.join('other.yml'), textFor('other'));
    await writeFile(directory.join('litestream.yml'), textFor('first'));
    const before = process.cwd();
    process.chdir(directory.path);
    try {
      expect(await firstPath(loadIn(directory.path))).toBe('/first.db');
      await rm(directory.join('package.json'));
      expect(await firstPath(loadIn(directory.path))).toBe('/first.db');
    } finally {
      process.chdir(before);
    }
    await expect(access(directory.join('was-run'))).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('as root, ignores a file of somebody else in the working directory; as anybody else, takes its own', async () => {
    await using directory = await temporaryDirectory('config');
    await writeFile(directory.join('litestream.yml'), textFor('first'));
    const isRoot = process.getuid?.() === 0;
    if (isRoot) await chown(directory.join('litestream.yml'), 65_534, 65_534);
    const found = await firstPath(loadIn(directory.path)).catch((error: unknown) => errorCodeOf(error));
    expect(found).toBe(isRoot ? 'CONFIG_NOT_FOUND' : '/first.db');
    expect(await firstPath(loadIn(directory.path, { path: 'litestream.yml' }))).toBe('/first.db');
  });

  it('says which file is missing', async () => {
    await using directory = await temporaryDirectory('config');
    await expect(loadIn(directory.path, { path: 'gone.yml' })).rejects.toMatchObject({
      code: 'CONFIG_NOT_FOUND',
      message: `config file not found: ${directory.join('gone.yml')}`,
    });
    await expect(loadIn(directory.path, { env: { LITESTREAM_CONFIG: '/gone/x.yml' } })).rejects.toMatchObject({
      message: 'config file not found: /gone/x.yml',
    });
    await expect(loadIn(directory.path)).rejects.toMatchObject({
      message: `config file not found: ${directory.path}/absent/litestream.yml`,
    });
    expect(DEFAULT_CONFIG_PATH).toMatch(/litestream\.yml$/);
  });

  it('does not fall back when the file that is asked for is missing', async () => {
    await using directory = await temporaryDirectory('config');
    await writeFile(directory.join('litestream.yml'), textFor('first'));
    await expect(loadIn(directory.path, { path: 'gone.yml' })).rejects.toMatchObject({ code: 'CONFIG_NOT_FOUND' });
  });

  it('keeps the words of the system for other faults', async () => {
    await using directory = await temporaryDirectory('config');
    await expect(loadIn(directory.path, { path: '.' })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining('EISDIR') as string,
    });
  });

  it('accepts an empty file in the working directory', async () => {
    await using directory = await temporaryDirectory('config');
    await writeFile(directory.join('litestream.yml'), '');
    const { configuration, path } = await loadIn(directory.path);
    expect([configuration.databases, path]).toEqual([[], directory.join('litestream.yml')]);
  });

  it('finds files that only their owner may read', async () => {
    await using directory = await temporaryDirectory('config');
    await writeFile(directory.join('litestream.yml'), textFor('first'));
    await chmod(directory.join('litestream.yml'), 0o600);
    expect(await firstPath(loadIn(directory.path))).toBe('/first.db');
  });

  it('expands the environment unless told not to, and ~ by HOME', async () => {
    await using directory = await temporaryDirectory('config');
    await writeFile(directory.join('x.yml'), 'dbs: [{path: ~/$NAME.db, replica: {path: /b}}]');
    const env = { HOME: '/home/u', NAME: 'n' };
    expect(await firstPath(loadIn(directory.path, { path: 'x.yml', env }))).toBe('/home/u/n.db');
    expect(await firstPath(loadIn(directory.path, { path: 'x.yml', env, expandEnv: false }))).toBe('/home/u/$NAME.db');
  });

  it('rejects with one error that lists all problems, and resolves with the warnings', async () => {
    await using directory = await temporaryDirectory('config');
    await writeFile(directory.join('bad.yml'), 'addr: x\nl0-retention: -1s\n');
    await expect(loadIn(directory.path, { path: 'bad.yml' })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      details: { problems: 2, path: directory.join('bad.yml') },
    });
    await writeFile(directory.join('odd.yml'), 'frob: 1\n');
    const { warnings } = await loadIn(directory.path, { path: 'odd.yml' });
    expect(warnings).toMatchObject([{ key: 'frob', file: directory.join('odd.yml'), at: { line: 1, column: 1 } }]);
  });
});
