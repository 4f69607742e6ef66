/** The command lines of the real v0.5.17: same exit code, stdout and stderr, or the difference we chose. */
import { cp, mkdir, readFile, utimes, writeFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { decodeLtxHeader, LTX_HEADER_BYTES } from '#format/ltx/header';
import { inProject } from '../support/project.ts';
import { listReplicaFiles } from '../support/replica-files.ts';
import { type TemporaryDirectory, temporaryDirectory } from '../support/temporary-directory.ts';
import { readRecording, recordingNames } from './recordings.ts';
import { runInProcess } from './run-in-process.ts';

/** These start a daemon or ask for its socket, and have tests of their own. */
const NOT_HERE = /^(?:replicate-(?:exec-.*|once|once-again|sigint|two-urls)|(?:info|list|sync)-no-daemon)$/;

const NOT_BUILT = /^(?:command-(?:generations|snapshots)|(?:register|start|stop|sync|unregister)-no-.*)$/;

const NOT_FOUND = 'database not found in config: /DIR';
const NO_BACKUP = 'no matching backup files available';

/** What we chose to do otherwise; a string is the message of an error with exit code 1 and nothing on stdout. */
const DIFFERENCES: Readonly<Record<string, string | { readonly exit?: number; stdout?: string; stderr?: string }>> = {
  'databases-default-config': 'config file not found: /nowhere/litestream.yml',
  'replicate-default-config': 'config file not found: /nowhere/litestream.yml',
  // Refused before the version line.
  'replicate-bad-scheme': 'unknown replica type in config: "ftp"',
  'replicate-bare-path': 'replica url scheme required: /DIR/out',
  'replicate-once-snapshot': 'litestream replicate -once -force-snapshot: not available in this version yet',
  // Nothing was replicated to this replica here.
  'ltx-db': { stdout: 'level  min_txid  max_txid  size  created\n' },
  'databases-json': {
    stdout: JSON.stringify(
      [
        { path: '/DIR/a.db', replica: 'file', name: 'file', url: 'file:///DIR/out/a' },
        { path: '/DIR/b.db', replica: 'file', name: 'file', url: 'file:///DIR/out/b' },
        { path: '/DIR/none.db', replica: 'file', name: 'file', url: 'file:///DIR/replica' },
      ],
      undefined,
      2,
    ).concat('\n'),
  },
  // A time after the newest data means the newest, one before the oldest data is no backup.
  'restore-timestamp-early': NO_BACKUP,
  'restore-timestamp-empty-replica': NO_BACKUP,
  'restore-timestamp-empty-replica-if-exists': {
    exit: 0,
    stdout: 'time=T level=INFO msg="no matching backups found"\n',
    stderr: '',
  },
  'restore-timestamp-late': { exit: 0, stderr: '' },
  // The directory of a relative path is that of the command.
  'status-relative': 'database not found in config: /a.db',
  'status-unknown-db': `${NOT_FOUND}/zzz.db`,
};

const expectedOf = (name: string) => {
  const difference = DIFFERENCES[name] ?? {};
  const { exit, stdout, stderr } = readRecording(name);
  // Litestream tells flag errors twice.
  const once = normalise(stderr, '/DIR').replace(/^(?!Error: |Try: |Warning: |time=).*\n(?=Error: )/, '');
  return typeof difference === 'string'
    ? { exit: 1, stdout: '', stderr: `Error: ${difference}\n` }
    : { exit, stdout: normalise(stdout, '/DIR'), stderr: once, ...difference };
};

/** Behind the message of an error we may say what to do next. */
const withoutAdvice = (stderr: string, expected: string): string => {
  const isAdvice = stderr.startsWith('Error: ') && !expected.includes('\nTry: ') && stderr.startsWith(expected);
  return isAdvice ? expected : stderr;
};

const CONFIGURATION = (directory: string): string => `dbs:
  - path: ${directory}/a.db
    replica:
      path: ${directory}/out/a
  - path: ${directory}/b.db
    replica:
      url: file://${directory}/out/b
  - path: ${directory}/none.db
    replica:
      path: ${directory}/replica
`;

const FIRST = '0000000000000001-0000000000000001.ltx';

/** The directory the recordings were made in, as far as it matters. */
const prepare = async (name: string): Promise<TemporaryDirectory> => {
  const directory = await temporaryDirectory('cli');
  const inside = directory.join;
  await cp(inProject('fixtures/v0.5/levels/replica'), inside('replica'), { recursive: true });
  for (const { path } of await listReplicaFiles(inside('replica'))) {
    // A replica's files carry the time of their header; a copy does not keep it.
    const time = decodeLtxHeader((await readFile(path)).subarray(0, LTX_HEADER_BYTES)).timestampMs / 1000;
    await utimes(path, time, time);
  }
  await mkdir(inside('empty'));
  await mkdir(inside('out/a/ltx/0'), { recursive: true });
  await writeFile(inside('litestream.yml'), CONFIGURATION(directory.path));
  for (const database of ['a.db', 'b.db']) {
    await writeFile(inside(database), 'a database');
    await mkdir(inside(`.${database}-litestream/ltx/0`), { recursive: true });
    if (name === 'status-before') continue;
    await writeFile(inside(`${database}-wal`), new Uint8Array(16_512));
    await writeFile(inside(`.${database}-litestream/ltx/0/${FIRST}`), 'an LTX file');
  }
  await writeFile(inside('existing.db'), 'something');
  await writeFile(inside('blank.db'), '');
  await writeFile(inside('side.db-wal'), 'something');
  return directory;
};

/** Times of log lines, durations, the directory, and the width of columns, which depends on its length. */
const normalise = (text: string, directory: string): string =>
  text
    .replaceAll(directory, '/DIR')
    .replace(/(?<=\S) {2,}(?=\S)/g, '  ')
    .replaceAll('\u00a0', ' ')
    .replace(/^time=\S+/gm, 'time=T')
    .replace(/"duration_ms": \d+/g, '"duration_ms": N');

describe('command lines Litestream was run with', () => {
  it('is a complete set', () => {
    expect(recordingNames.length).toBeGreaterThan(90);
    expect(Object.keys(DIFFERENCES).filter((name) => !recordingNames.includes(name))).toEqual([]);
  });

  it.each(recordingNames.filter((name) => !NOT_HERE.test(name) && !NOT_BUILT.test(name)))(
    '%s is answered alike',
    async (name) => {
      await using directory = await prepare(name);
      const recording = readRecording(name);
      const words = recording.words.map((word) => word.replaceAll('/DIR', directory.path));
      const { code, stdout, stderr } = await runInProcess(words, { home: directory.path });
      const expected = expectedOf(name);
      const isUsage = recording.stdout.startsWith('(usage text');
      if (isUsage) expect(stdout).toContain('Usage:');
      const ours = {
        exit: code,
        stdout: isUsage ? expected.stdout : normalise(stdout, directory.path),
        stderr: withoutAdvice(normalise(stderr, directory.path), expected.stderr),
      };
      expect(ours).toEqual(expected);
    },
  );

  it.each(recordingNames.filter((name) => NOT_BUILT.test(name)))('%s: says that it is not built', async (name) => {
    await using directory = await temporaryDirectory('cli');
    const { words } = readRecording(name);
    expect(await runInProcess(words, { home: directory.path })).toEqual({
      code: 1,
      stdout: '',
      stderr: `Error: litestream ${words[0]}: not available in this version yet\n`,
    });
  });
});
