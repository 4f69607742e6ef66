/** Commands one by one, beyond what the recordings show. */
import { cp, mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { createSimulatedClock } from '#adapters/clock/simulated/simulated-clock';
import { openSqliteFactLog } from '#adapters/facts/sqlite/sqlite-fact-log';
import { lockMetadata } from '#adapters/source/better-sqlite3/metadata-lock';
import { formatError } from '#cli/run';
import { parseTime } from '#cli/times';
import { InvariantViolation } from '#errors/replication-error';
import { databaseStream } from '#events/streams';
import { VERSION } from '#runtime/version';
import { inProject } from '../support/project.ts';
import { listReplicaFiles } from '../support/replica-files.ts';
import { type TemporaryDirectory, temporaryDirectory } from '../support/temporary-directory.ts';
import { runInProcess } from './run-in-process.ts';

const inDirectory = async (work: (directory: TemporaryDirectory, run: Run) => Promise<void>): Promise<void> => {
  await using directory = await temporaryDirectory('commands');
  await work(directory, (...words) => runInProcess(words, { home: directory.path }));
};

type Run = (...words: readonly string[]) => ReturnType<typeof runInProcess>;

const replica = (name: string): string => `file://${inProject(`fixtures/v0.5/${name}/replica`)}`;

const configure = async (directory: TemporaryDirectory, text: string): Promise<string> => {
  await writeFile(directory.join('litestream.yml'), text.replaceAll('/DIR', directory.path));
  return directory.join('litestream.yml');
};

const LOCAL_FILE = '.a.db-litestream/ltx/0/0000000000000007-0000000000000007.ltx';

const withLocalState = async (directory: TemporaryDirectory): Promise<string> => {
  await writeFile(directory.join('a.db'), 'a database');
  await mkdir(directory.join('.a.db-litestream/ltx/0'), { recursive: true });
  await writeFile(directory.join(LOCAL_FILE), 'an LTX file');
  return directory.join('a.db');
};

describe('version', () => {
  it('is that of the package', async () => {
    const { version } = JSON.parse(await readFile(inProject('package.json'), 'utf8')) as { readonly version: string };
    expect(VERSION).toBe(version);
  });

  it.each([[['version']], [['--version']], [['-v']], [['version', 'x']]])('is printed by %j', async (words) => {
    expect(await runInProcess(words, { home: '/' })).toEqual({ code: 0, stdout: `${VERSION}\n`, stderr: '' });
  });

  it('says more with -verbose, values in one column', async () => {
    const { stdout } = await runInProcess(['version', '-verbose'], { home: '/' });
    expect(stdout).toMatch(/^Version: {5}\S+\nRuntime: {5}Node\.js v\S+\nOS\/Arch: {5}\S+\/\S+\n$/);
  });
});

describe('help', () => {
  it.each(['replicate', 'restore', 'databases', 'status', 'ltx', 'wal', 'reset', 'version', 'history'])(
    '%s -h prints its usage and nothing else',
    async (name) => {
      const { code, stdout, stderr } = await runInProcess([name, '-h'], { home: '/' });
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      expect(stdout).toContain(`litestream ${name} [flags]`);
    },
  );

  it('shows the configuration file that counts', async () => {
    const { stdout } = await runInProcess(['status', '-h'], { home: '/', env: { LITESTREAM_CONFIG: '/x/mine.yml' } });
    expect(stdout).toContain('(default /x/mine.yml)');
  });
});

describe('errors', () => {
  it('of ours are one line without a stack', () => {
    const text = formatError(new InvariantViolation('two\nlines'));
    expect(text).toBe('Error: internal error, invariant violated: two lines\n');
    expect(formatError(new TypeError('x is not a function'))).toMatch(
      /^Error: internal error, .*: x is not a function\n$/,
    );
  });

  it.each([
    ['ltx', 'database path or replica URL required\nTry: litestream ltx /path/to/db'],
    ['wal', 'database path or replica URL required\nTry: litestream ltx /path/to/db'],
    ['restore', 'database path or replica URL required\nTry: litestream restore -o /path/to/db s3://bucket/prefix'],
    ['reset', 'database path required\nTry: litestream reset /path/to/db'],
    ['history', 'database path required\nTry: litestream history /path/to/db'],
  ])('%s counts an empty argument as missing', async (name, message) => {
    const { code, stdout, stderr } = await runInProcess([name, ''], { home: '/' });
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr.replace(/^Warning: .*\n/, '')).toBe(`Error: ${message}\n`);
  });

  it.each(['databases', 'status', 'ltx', 'wal', 'restore', 'reset', 'history'])(
    '%s refuses surplus arguments',
    async (name) => {
      const { code, stderr } = await runInProcess([name, '/a', '/b'], { home: '/' });
      expect(code).toBe(1);
      expect(stderr).toContain('Error: too many arguments\n');
    },
  );

  it('names the nearest command', async () => {
    const { code, stderr } = await runInProcess(['restor'], { home: '/' });
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: 'Error: litestream restor: unknown command (did you mean restore?)\n',
    });
  });
});

describe('replicate', () => {
  it.each([
    [['/a.db', 'file:///r', '-once'], 'flag "-once" must be positioned before DB_PATH and REPLICA_URL arguments'],
    [['', 'file:///r'], 'database path required'],
    [['-exec', 'x | y', '/a.db', 'file:///r'], 'cannot parse exec command'],
    [['-exec', '', '/a.db', 'file:///r'], 'cannot parse exec command: it is empty'],
    [['-log-level', 'loud', '/a.db', 'file:///r'], 'unknown -log-level "loud"'],
    [['-once', '-enforce-retention'], '-enforce-retention: not available in this version yet'],
    [['/a.db', 'file:///r', 'sqlite:///x'], 'replica url scheme required: sqlite:///x'],
  ])('%j is refused before anything is opened', async (words, message) => {
    const { code, stdout, stderr } = await runInProcess(['replicate', ...words], { home: '/' });
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain(`${message}`);
  });

  it('-once refuses the command of the file as well', () =>
    inDirectory(async (directory, run) => {
      const file = await configure(directory, 'exec: sleep 1\n');
      const { code, stderr } = await run('replicate', '-once', '-config', file);
      expect({ code, stderr }).toEqual({ code: 1, stderr: 'Error: cannot specify -once flag with -exec\n' });
    }));
});

describe('databases', () => {
  const TWO =
    'dbs:\n  - path: /DIR/a.db\n    replicas:\n      - path: /DIR/x\n        name: near\n      - path: /DIR/y\n';

  it('has a row for each replica', () =>
    inDirectory(async (directory, run) => {
      const { stdout } = await run('databases', '-json', '-config', await configure(directory, TWO));
      expect(JSON.parse(stdout)).toEqual([
        { path: directory.join('a.db'), replica: 'file', name: 'near', url: `file://${directory.join('x')}` },
        { path: directory.join('a.db'), replica: 'file', name: 'file', url: `file://${directory.join('y')}` },
      ]);
    }));

  it('filters by name with a warning', () =>
    inDirectory(async (directory, run) => {
      const file = await configure(directory, TWO);
      const { stdout, stderr } = await run('databases', '-json', '-replica', 'near', '-config', file);
      expect(JSON.parse(stdout)).toHaveLength(1);
      expect(stderr).toMatch(/^Warning: .*deprecated/);
    }));

  it('prints the header or an empty array when there are none', () =>
    inDirectory(async (directory, run) => {
      const file = await configure(directory, '');
      expect(await run('databases', '-config', file)).toEqual({ code: 0, stdout: 'path  replica\n', stderr: '' });
      expect((await run('databases', '-json', '-config', file)).stdout).toBe('[]\n');
    }));

  it('logs warnings about the file to stderr', () =>
    inDirectory(async (directory, run) => {
      const { code, stdout, stderr } = await run('databases', '-config', await configure(directory, 'bogus: 1\n'));
      expect({ code, stdout }).toEqual({ code: 0, stdout: 'path  replica\n' });
      expect(stderr).toMatch(/^time=\S+ level=WARN msg=.*bogus/);
    }));
});

describe('status', () => {
  const ONE = 'dbs:\n  - path: /DIR/a.db\n    replica:\n      path: /DIR/x\n';

  it('shows the highest local TXID', () =>
    inDirectory(async (directory, run) => {
      await withLocalState(directory);
      const { stdout } = await run('status', '-json', '-config', await configure(directory, ONE), '~/a.db');
      expect(JSON.parse(stdout)).toEqual([
        { database: directory.join('a.db'), status: 'ok', local_txid: '0000000000000007', wal_size: '0 B' },
      ]);
    }));

  it('is an error where the metadata directory cannot be read', () =>
    inDirectory(async (directory, run) => {
      await writeFile(directory.join('a.db'), 'a database');
      await mkdir(directory.join('.a.db-litestream/ltx'), { recursive: true });
      // A name that is too long for the system is unreadable for root as well.
      const file = await configure(
        directory,
        ONE.replace('    replica', `    meta-path: /DIR/${'m'.repeat(300)}\n    replica`),
      );
      const { stdout } = await run('status', '-json', '-config', file);
      expect(JSON.parse(stdout)).toMatchObject([{ status: 'error', local_txid: '-' }]);
    }));
});

describe('ltx', () => {
  it('takes -path with a warning, from wal as well', async () => {
    const plain = await runInProcess(['ltx', '-level', '9', replica('levels')], { home: '/' });
    const { code, stdout, stderr } = await runInProcess(['wal', '-level', '9', '-path', replica('levels')], {
      home: '/',
    });
    expect({ code, stdout }).toEqual({ code: 0, stdout: plain.stdout });
    expect(stderr.trimEnd().split('\n')).toHaveLength(2);
  });

  it('names the replica when there are several, unless one is asked for', () =>
    inDirectory(async (directory, run) => {
      const [near, far] = [replica('one-page'), replica('empty')];
      const file = await configure(
        directory,
        `dbs:\n  - path: /DIR/a.db\n    replicas:\n      - url: ${near}\n        name: near\n      - url: ${far}\n        name: far\n`,
      );
      const all = await run('ltx', '-json', '-level', 'all', '-config', file, directory.join('a.db'));
      const names = (JSON.parse(all.stdout) as { readonly replica: string }[]).map((row) => row.replica);
      expect([...new Set(names)]).toEqual(['near', 'far']);
      const one = await run('ltx', '-replica', 'near', '-config', file, directory.join('a.db'));
      expect(one.stdout).toMatch(/^level /);
      const none = await run('ltx', '-replica', 'bogus', '-config', file, directory.join('a.db'));
      expect(none).toEqual({ code: 1, stdout: '', stderr: 'Error: no replica named "bogus"; known: near, far\n' });
    }));
});

describe('restore', () => {
  it.each([
    [['-parallelism', '0'], 'invalid -parallelism value'],
    [['-index', 'xyz'], 'invalid -index value: xyz'],
    [['-txid', '0000000000000005', '-generation', '0123456789abcdef'], 'cannot specify -txid with -generation'],
    [['-f', '-timestamp', '2026-01-01T00:00:00Z'], 'cannot use follow mode with -timestamp'],
    [['-f'], 'litestream restore -f: not available in this version yet'],
  ])('%j is refused', async (flags, message) => {
    const { code, stdout, stderr } = await runInProcess(['restore', ...flags, '-o', '/nowhere/x', replica('plain')], {
      home: '/',
    });
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain(`Error: ${message}`);
  });

  it('expands the home directory in -o', () =>
    inDirectory(async (directory, run) => {
      expect(await run('restore', '-o', '~/x.db', replica('plain'))).toEqual({ code: 0, stdout: '', stderr: '' });
      expect((await stat(directory.join('x.db'))).size).toBeGreaterThan(0);
    }));

  it('prints JSON for a skipped restore, and its log line on stderr', () =>
    inDirectory(async (directory, run) => {
      await writeFile(directory.join('x.db'), 'something');
      const { code, stdout, stderr } = await run(
        'restore',
        '-json',
        '-if-db-not-exists',
        '-o',
        directory.join('x.db'),
        replica('plain'),
      );
      expect(code).toBe(0);
      expect(JSON.parse(stdout)).toMatchObject({ db_path: directory.join('x.db'), replica: 'file', skipped: true });
      expect(stderr).toContain('database already exists, skipping');
    }));

  it('keeps user and password of the URL out of its advice', async () => {
    const { stderr } = await runInProcess(['restore', 's3://id:secret@bucket/path?endpoint=x'], { home: '/' });
    expect(stderr).not.toContain('secret');
    expect(stderr).toContain('Try: litestream restore -o /path/to/db s3://bucket/path\n');
  });

  it.each([
    ['2026-03-01T09:30:00Z', 1_772_357_400_000],
    ['2026-03-01T10:30:00.125+01:00', 1_772_357_400_125],
    ['2026-03-01T09:30:00.57025Z', 1_772_357_400_570.25],
    ['2026-02-30T00:00:00Z', undefined],
    ['9999-99-99T00:00:00Z', undefined],
    ['2026-03-01T25:00:00Z', undefined],
    ['2026-03-01 09:30:00', undefined],
  ])('reads the time %s', (text, expected) => {
    expect(parseTime(text)).toBe(expected);
  });
});

describe('reset', () => {
  it('shows with -dry-run what it would remove, and removes nothing', () =>
    inDirectory(async (directory, run) => {
      const { code, stdout } = await run('reset', '-dry-run', await withLocalState(directory));
      expect(code).toBe(0);
      expect(stdout).toContain(
        `Would remove: ${directory.join('.a.db-litestream/ltx')}\n  ${directory.join(LOCAL_FILE)}\n`,
      );
      expect(await listReplicaFiles(directory.join('.a.db-litestream'))).toHaveLength(1);
    }));

  it('removes the local LTX files', () =>
    inDirectory(async (directory, run) => {
      const path = await withLocalState(directory);
      const { code, stdout } = await run('reset', path);
      expect(code).toBe(0);
      expect(stdout).toMatch(/\nReset complete\. .*\n$/);
      expect(await listReplicaFiles(directory.join('.a.db-litestream'))).toEqual([]);
      expect(await readFile(path, 'utf8')).toBe('a database');
    }));

  it('has nothing to do without a metadata directory', () =>
    inDirectory(async (directory, run) => {
      await writeFile(directory.join('a.db'), 'a database');
      const { code, stdout } = await run('reset', directory.join('a.db'));
      expect(code).toBe(0);
      expect(stdout.trimEnd().split('\n')).toEqual([
        expect.stringContaining(directory.join('a.db')),
        expect.stringContaining(directory.join('.a.db-litestream')),
      ]);
    }));

  it('follows the meta-path of the configuration', () =>
    inDirectory(async (directory, run) => {
      const path = await withLocalState(directory);
      await cp(directory.join('.a.db-litestream'), directory.join('meta'), { recursive: true });
      const file = await configure(
        directory,
        'dbs:\n  - path: /DIR/a.db\n    meta-path: /DIR/meta\n    replica:\n      path: /DIR/x\n',
      );
      expect((await run('reset', '-config', file, path)).code).toBe(0);
      expect(await listReplicaFiles(directory.join('meta'))).toEqual([]);
      expect(await listReplicaFiles(directory.join('.a.db-litestream'))).toHaveLength(1);
    }));

  it('is refused while a daemon holds the database', () =>
    inDirectory(async (directory, run) => {
      const path = await withLocalState(directory);
      const lock = lockMetadata({ metaPath: directory.join('.a.db-litestream'), databasePath: path });
      try {
        const { code, stdout, stderr } = await run('reset', path);
        expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
        expect(stderr).toContain(`Error: ${path} is replicated already`);
      } finally {
        lock.release();
      }
      expect(await listReplicaFiles(directory.join('.a.db-litestream'))).toHaveLength(1);
    }));

  it('needs a configuration it can read when one is asked for', () =>
    inDirectory(async (directory, run) => {
      const path = await withLocalState(directory);
      const { code, stderr } = await run('reset', '-config', directory.join('none.yml'), path);
      expect({ code, stderr }).toEqual({
        code: 1,
        stderr: `Error: cannot read config: config file not found: ${directory.join('none.yml')}\n`,
      });
    }));
});

describe('history', () => {
  const withFacts = async (directory: TemporaryDirectory): Promise<string> => {
    const path = await withLocalState(directory);
    const clock = createSimulatedClock({ startMs: Date.UTC(2026, 2, 1, 9, 30) });
    const silent = { write: () => undefined, with: () => silent };
    const facts = openSqliteFactLog({ path: directory.join('.a.db-litestream/facts.db'), clock, log: silent });
    await facts.append(databaseStream(path), { type: 'database.reset', cause: 'a test' });
    await facts.append(databaseStream('/other.db'), { type: 'database.reset', cause: 'another' });
    await facts.close();
    return path;
  };

  it('prints what happened to the database and nothing of others', () =>
    inDirectory(async (directory, run) => {
      const path = await withFacts(directory);
      expect(await run('history', path)).toEqual({
        code: 0,
        stdout: `2026-03-01T09:30:00Z  ${path}  local state reset: a test\n`,
        stderr: '',
      });
      const { stdout } = await run('history', '-json', path);
      expect(JSON.parse(stdout)).toMatchObject([{ type: 'database.reset', cause: 'a test' }]);
    }));

  it('says where it looked when there is no log', () =>
    inDirectory(async (directory, run) => {
      const { code, stderr } = await run('history', directory.join('a.db'));
      expect(code).toBe(1);
      expect(stderr).toContain(`Error: no history of ${directory.join('a.db')}: there is no fact log\n`);
      expect(stderr).toContain(directory.join('.a.db-litestream/facts.db'));
    }));
});
