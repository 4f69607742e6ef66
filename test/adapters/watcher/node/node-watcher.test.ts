import { EventEmitter } from 'node:events';
import type { FSWatcher } from 'node:fs';
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createNodeWatcher, type StartWatch } from '#adapters/watcher/node/node-watcher';

const unexpected = (what: unknown): void => expect.unreachable(`unexpected notice: ${String(what)}`);

/** A watch whose events the test makes. */
const scripted = (): {
  start: StartWatch;
  emit: (event: string, name: string | null) => void;
  watcher: EventEmitter;
} => {
  const watcher = Object.assign(new EventEmitter(), { close: () => watcher.emit('closed') });
  let onEvent: (event: string, name: string | null) => void = () => undefined;
  const start: StartWatch = (_path, listener) => {
    onEvent = listener;
    return watcher as unknown as FSWatcher;
  };
  return { start, emit: (event, name) => onEvent(event, name), watcher };
};

describe('change notices of a directory', () => {
  let base: string;
  let directory: string;
  beforeEach(async () => {
    base = await mkdtemp(join(tmpdir(), 'node-watcher-'));
    directory = join(base, 'watched');
    await mkdir(directory);
  });
  afterEach(() => rm(base, { recursive: true, force: true }));

  it('a changed file is named, also after it was deleted and made again', async () => {
    const seen: (string | undefined)[] = [];
    const watch = createNodeWatcher().watchDirectory(directory, (name) => seen.push(name), unexpected);
    for (let round = 0; round < 3; round += 1) {
      seen.length = 0;
      await writeFile(join(directory, 'app.db-wal'), `round ${round}`);
      await expect.poll(() => seen, { timeout: 30_000 }).toContain('app.db-wal');
      await rm(join(directory, 'app.db-wal'));
    }
    watch.close();
    watch.close();
  });

  it('events of one turn are given on once per name', async () => {
    const { start, emit } = scripted();
    const seen: (string | undefined)[] = [];
    createNodeWatcher(start).watchDirectory(directory, (name) => seen.push(name), unexpected);
    for (let event = 0; event < 500; event += 1) emit('change', event % 2 === 0 ? 'a-wal' : 'b-wal');
    await expect.poll(() => seen.length).toBeGreaterThan(0);
    expect(seen).toEqual(['a-wal', 'b-wal']);
  });

  it('a notice without a name, and a flood of names, mean "look at everything"', async () => {
    const { start, emit } = scripted();
    const seen: (string | undefined)[] = [];
    createNodeWatcher(start).watchDirectory(directory, (name) => seen.push(name), unexpected);
    emit('change', 'a');
    emit('change', null);
    await expect.poll(() => seen).toEqual([undefined]);
    for (let event = 0; event < 5000; event += 1) emit('change', `file-${event}`);
    await expect.poll(() => seen).toEqual([undefined, undefined]);
  });

  it('no notice comes after close', async () => {
    const { start, emit } = scripted();
    const watch = createNodeWatcher(start).watchDirectory(directory, unexpected, unexpected);
    emit('change', 'a');
    watch.close();
    await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
  });

  it('a watch that breaks is closed and reported once', () => {
    const { start, watcher } = scripted();
    const failures: unknown[] = [];
    let closed = 0;
    watcher.on('closed', () => {
      closed += 1;
    });
    createNodeWatcher(start).watchDirectory(directory, unexpected, (error) => failures.push(error));
    watcher.emit('error', Object.assign(new Error('too many watches'), { code: 'EMFILE' }));
    watcher.emit('error', new Error('again'));
    expect(failures).toEqual([
      expect.objectContaining({ code: 'WATCH_FAILED', hint: expect.stringContaining('max_user_instances') }),
    ]);
    expect(closed).toBe(1);
  });

  it('a watch that cannot be set up throws what to do', () => {
    const start: StartWatch = () => {
      throw Object.assign(new Error('ENOSPC: System limit for number of file watchers reached'), { code: 'ENOSPC' });
    };
    const set = (): unknown => createNodeWatcher(start).watchDirectory(directory, unexpected, unexpected);
    expect(set).toThrow(
      expect.objectContaining({ code: 'WATCH_FAILED', hint: expect.stringContaining('max_user_watches') }),
    );
    expect(() => createNodeWatcher().watchDirectory(join(base, 'missing'), unexpected, unexpected)).toThrow(
      expect.objectContaining({ code: 'WATCH_FAILED' }),
    );
  });

  it('a directory that is removed or replaced is a failure', async () => {
    for (const change of [
      () => rm(directory, { recursive: true }),
      async () => {
        await rename(directory, join(base, 'moved'));
        await mkdir(directory);
      },
    ]) {
      const failures: unknown[] = [];
      createNodeWatcher().watchDirectory(
        directory,
        () => undefined,
        (error) => failures.push(error),
      );
      await change();
      await expect.poll(() => failures, { timeout: 30_000 }).toHaveLength(1);
      await rm(directory, { recursive: true, force: true });
      await mkdir(directory);
    }
  });
});
