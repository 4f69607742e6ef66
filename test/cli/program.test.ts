/** The built program as a process: exit codes, signals, pipes. Build first. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import Database from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { VERSION } from '#runtime/version';
import { ourCommandPath, runOurs, startOurs } from '../support/our-command.ts';
import { inProject } from '../support/project.ts';
import { listReplicaFiles } from '../support/replica-files.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { until } from '../support/until.ts';

const REPLICA = `file://${inProject('fixtures/v0.5/levels/replica')}`;

const tablesOf = (path: string): readonly unknown[] => {
  const database = new Database(path, { readonly: true });
  try {
    return database.prepare("select name from sqlite_master where type = 'table' order by name").pluck().all();
  } finally {
    database.close();
  }
};

/** The database, in WAL mode, with one more table. */
const makeDatabase = (path: string, table = 't'): void => {
  const database = new Database(path);
  try {
    database.pragma('journal_mode = wal');
    database.exec(`create table ${table} (x); insert into ${table} values (1), (2)`);
  } finally {
    database.close();
  }
};

describe('the program', () => {
  it('prints its version', async () => {
    expect(await runOurs(['version'])).toMatchObject({ code: 0, stdout: `${VERSION}\n`, stderr: '' });
  });

  it.each([
    [[], 1],
    [['-version'], 1],
    [['help'], 0],
    [['--help'], 0],
  ])('%j shows the overview and ends with %d', async (words, code) => {
    const result = await runOurs(words);
    expect(result).toMatchObject({ code, stderr: '' });
    expect(result.stdout).toContain('  replicate ');
  });

  it('restores from a replica', async () => {
    await using directory = await temporaryDirectory('program');
    const result = await runOurs([
      'restore',
      '-integrity-check',
      'full',
      '-json',
      '-o',
      directory.join('x.db'),
      REPLICA,
    ]);
    expect(result.code).toBe(0);
    expect(JSON.parse(result.stdout)).toMatchObject({ txid: '0000000000000025', integrity_check: 'full' });
  });

  it('lists a replica of many files without a word on stderr', async () => {
    expect(await runOurs(['ltx', '-level', 'all', REPLICA])).toMatchObject({ code: 0, stderr: '' });
  });

  it('does not mind a reader that has gone', async () => {
    const child = spawn(process.execPath, [ourCommandPath, 'ltx', '-level', 'all', REPLICA], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let stderr = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    child.stdout.destroy();
    const [code] = await once(child, 'close');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  });
});

describe('replicate with a child command', () => {
  const replicate = (directory: { join(name: string): string }, script: string): readonly string[] => [
    'replicate',
    '-exec',
    `sh -c '${script}'`,
    directory.join('a.db'),
    `file://${directory.join('replica')}`,
  ];

  it.each([
    ['exit 0', 0],
    ['exit 3', 3],
    ['kill -9 $$', 137],
  ])('ends with the child (%s) and with its code', async (script, code) => {
    await using directory = await temporaryDirectory('program');
    const result = await runOurs(replicate(directory, script));
    expect(result).toMatchObject({ code, stderr: '' });
    expect(result.stdout).toContain('subprocess exited, litestream shutting down');
    expect(result.stdout).toMatch(/msg="litestream shut down"\n$/);
  });

  it('passes a signal on, waits for the child, and ends with 0 when that died of it', async () => {
    await using directory = await temporaryDirectory('program');
    await using daemon = await startOurs(replicate(directory, 'echo ready; exec sleep 600'));
    await daemon.saw('ready\n');
    const result = await daemon.stop();
    expect(result.code).toBe(0);
    expect(result.stdout).toContain('msg="signal received, litestream shutting down" signal=terminated');
    expect(result.stdout).toMatch(/msg="litestream shut down"\n$/);
  });

  it('closes everything and takes the code of a child that fails after a signal', async () => {
    await using directory = await temporaryDirectory('program');
    const script = 'trap "exit 7" INT; echo ready; while :; do sleep 0.1; done';
    await using daemon = await startOurs(replicate(directory, script));
    await daemon.saw('ready\n');
    const result = await daemon.stop({ signal: 'SIGINT' });
    expect(result.code).toBe(7);
    expect(result.stdout).toMatch(/msg="litestream shut down"\n$/);
  });

  it('kills a child at the third signal', async () => {
    await using directory = await temporaryDirectory('program');
    const script = 'trap "echo heard" TERM; echo ready; while :; do sleep 0.1; done';
    await using daemon = await startOurs(replicate(directory, script));
    await daemon.saw('ready\n');
    daemon.signal('SIGTERM');
    await daemon.saw('heard\n');
    daemon.signal('SIGTERM');
    await daemon.saw(/heard\n[\s\S]*heard\n/);
    daemon.signal('SIGTERM');
    expect((await daemon.ended()).code).toBe(0);
  });

  it('is an error when the child cannot be started', async () => {
    await using directory = await temporaryDirectory('program');
    const result = await runOurs([
      'replicate',
      '-exec',
      'no-such-program-x',
      directory.join('a.db'),
      `file://${directory.join('replica')}`,
    ]);
    expect(result.code).toBe(1);
    expect(result.stderr).toMatch(/^Error: cannot start exec command: /);
  });
});

describe('replicate without a child', () => {
  it('runs with no databases at all until it is stopped', async () => {
    await using directory = await temporaryDirectory('program');
    await writeFile(directory.join('litestream.yml'), `state-path: ${directory.join('state')}\n`);
    await using daemon = await startOurs(['replicate', '-config', directory.join('litestream.yml')]);
    await daemon.saw('no databases specified in configuration');
    daemon.signal('SIGHUP');
    await daemon.saw('signal=hangup');
    const result = await daemon.stop({ signal: 'SIGINT' });
    expect(result).toMatchObject({ code: 0, stderr: '' });
  });

  it('ends well when the signal comes while it starts', async () => {
    await using directory = await temporaryDirectory('program');
    makeDatabase(directory.join('a.db'));
    const replica = `file://${directory.join('replica')}`;
    await using daemon = await startOurs(['replicate', directory.join('a.db'), replica]);
    await daemon.saw('msg=litestream version=');
    const result = await daemon.stop();
    expect(result).toMatchObject({ code: 0, stderr: '' });
    expect(result.stdout).toMatch(/msg="litestream shut down"\n$/);
  });

  it('uploads on its way out what was written last', async () => {
    await using directory = await temporaryDirectory('program');
    makeDatabase(directory.join('a.db'));
    const replica = `file://${directory.join('replica')}`;
    await using daemon = await startOurs(['replicate', directory.join('a.db'), replica]);
    const isUploaded = async () => (await listReplicaFiles(directory.join('replica'))).length > 0;
    await until('the first upload', isUploaded);
    makeDatabase(directory.join('a.db'), 'u');
    expect(await daemon.stop({ signal: 'SIGINT' })).toMatchObject({ code: 0, stderr: '' });
    const copy = directory.join('copy.db');
    expect(await runOurs(['restore', '-o', copy, replica])).toMatchObject({ code: 0, stderr: '' });
    expect(tablesOf(copy)).toEqual(expect.arrayContaining(['t', 'u']));
  });

  it('accepts several URLs', async () => {
    await using directory = await temporaryDirectory('program');
    const urls = ['one', 'two'].map((name) => `file://${directory.join(name)}`);
    await using daemon = await startOurs(['replicate', directory.join('a.db'), ...urls]);
    await daemon.saw(`path=${directory.join('two')}`);
    const result = await daemon.stop();
    expect(result.code).toBe(0);
    expect(result.stdout).toContain(`path=${directory.join('one')}`);
  });
});

describe('replicate -once', () => {
  it('does every database that is there and names the one that is not', async () => {
    await using directory = await temporaryDirectory('program');
    for (const name of ['a.db', 'b.db']) makeDatabase(directory.join(name));
    const entries = ['a', 'none', 'b'].map(
      (name) => `  - path: ${directory.join(`${name}.db`)}\n    replica:\n      path: ${directory.join('out', name)}\n`,
    );
    const file = directory.join('litestream.yml');
    await writeFile(file, `state-path: ${directory.join('state')}\ndbs:\n${entries.join('')}`);

    const first = await runOurs(['replicate', '-once', '-config', file]);
    expect(first.code).toBe(1);
    expect(first.stderr).toMatch(/^Error: sync replica for \S+\/none\.db: no position, waiting for data.*\n/);
    expect(first.stderr.trimEnd().split('\n')).toHaveLength(1);
    for (const name of ['a', 'b']) {
      expect((await listReplicaFiles(directory.join('out', name))).map((found) => found.level)).toEqual([0]);
    }
    expect(first.stdout).not.toContain('one-shot replication complete');

    makeDatabase(directory.join('none.db'));
    const second = await runOurs(['replicate', '-once', '-config', file]);
    expect(second).toMatchObject({ code: 0, stderr: '' });
    expect(second.stdout).toContain('one-shot replication complete');

    const history = await runOurs(['history', '-config', file, directory.join('a.db')]);
    expect(history.stdout).toContain('connected');
  });
});
