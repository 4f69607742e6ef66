/** Databases whose file is missing are restored before anything is followed. */
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { configurationFromArguments } from '#config/argument-configuration';
import type { Configuration } from '#config/types';
import type { Log } from '#ports/log';
import { restoreMissing } from '#runtime/restore-missing';
import { inProject } from '../support/project.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const replicaOf = (name: string): string => `file://${inProject(`fixtures/v0.5/${name}/replica`)}`;

const configurationOf = (path: string, url: string, isWanted = true): Pick<Configuration, 'databases'> => {
  const context = { cwd: '/', homeDirectory: '/', env: {} };
  const { databases } = configurationFromArguments(path, [url], context).configuration;
  return { databases: databases.map((database) => ({ ...database, restoreIfDbNotExists: isWanted })) };
};

const collectLog = (): { readonly log: Log; readonly messages: string[] } => {
  const messages: string[] = [];
  const log: Log = { write: (_level, message) => void messages.push(message), with: () => log };
  return { log, messages };
};

const { signal } = new AbortController();

describe('a database with restore-if-db-not-exists', () => {
  it('is restored when its file is missing', async () => {
    await using directory = await temporaryDirectory('restore-missing');
    const { log, messages } = collectLog();
    await restoreMissing(configurationOf(directory.join('a.db'), replicaOf('plain')), log, signal);
    expect((await stat(directory.join('a.db'))).size).toBeGreaterThan(0);
    expect(messages).toContain('database restored');
  });

  it('is left alone when its file is there, or when the option is off', async () => {
    await using directory = await temporaryDirectory('restore-missing');
    await writeFile(directory.join('a.db'), 'mine');
    const { log } = collectLog();
    await restoreMissing(configurationOf(directory.join('a.db'), replicaOf('plain')), log, signal);
    await restoreMissing(configurationOf(directory.join('b.db'), replicaOf('plain'), false), log, signal);
    expect(await readFile(directory.join('a.db'), 'utf8')).toBe('mine');
    await expect(stat(directory.join('b.db'))).rejects.toThrow('ENOENT');
  });

  it('starts fresh without a backup', async () => {
    await using directory = await temporaryDirectory('restore-missing');
    await mkdir(directory.join('empty'));
    const { log, messages } = collectLog();
    await restoreMissing(configurationOf(directory.join('a.db'), `file://${directory.join('empty')}`), log, signal);
    expect(messages).toContain('no backup found, starting fresh');
  });

  it('does not start when its backup is damaged', async () => {
    await using directory = await temporaryDirectory('restore-missing');
    await mkdir(directory.join('bad/ltx/9'), { recursive: true });
    const name = `${'1'.padStart(16, '0')}-${'1'.padStart(16, '0')}.ltx`;
    await writeFile(directory.join('bad/ltx/9', name), new Uint8Array(500));
    const { log } = collectLog();
    const path = directory.join('a.db');
    await expect(restoreMissing(configurationOf(path, `file://${directory.join('bad')}`), log, signal)).rejects.toThrow(
      `restore failed: ${path}: `,
    );
  });

  it('is not restored after an abort', async () => {
    await using directory = await temporaryDirectory('restore-missing');
    const { log } = collectLog();
    const configuration = configurationOf(directory.join('a.db'), replicaOf('plain'));
    await expect(restoreMissing(configuration, log, AbortSignal.abort())).rejects.toThrow('was cancelled');
  });
});
