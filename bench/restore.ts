/**
 * Restore of one snapshot: ours against `cp` + fsync of the same database and against Litestream, in the same run.
 *
 *   npx tsx bench/restore.ts [MiB=256] [rounds=3] [directory]
 *
 * The replica is written by the peer (.peers/bin/litestream-0.5.17). CPU is user + system of the child process.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream, existsSync, mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import Database from 'better-sqlite3';

const [sizeMiB = '256', rounds = '3', directory = tmpdir()] = process.argv.slice(2);
const peer = resolve(import.meta.dirname, '../.peers/bin/litestream-0.5.17');
const ours = resolve(import.meta.dirname, 'restore-once.ts');

/** Rows half text, half noise: about 0.6 to 0.7 of the size after compression. */
const makeDatabase = (path: string, bytes: number): void => {
  const database = new Database(path);
  database.pragma('journal_mode = WAL');
  database.exec('create table t(id integer primary key, k text, v blob)');
  const insert = database.prepare('insert into t(k, v) values (?, randomblob(1200))');
  const fill = database.transaction((from: number) => {
    for (let row = from; row < from + 5_000; row += 1) insert.run(`row ${row} `.repeat(60));
  });
  for (let row = 0; statSync(path).size < bytes; row += 5_000) {
    fill(row);
    database.pragma('wal_checkpoint(TRUNCATE)');
  }
  database.close();
};

/** Seconds and CPU seconds of a program that must succeed. */
const measure = (command: string, args: readonly string[]): { readonly seconds: number; readonly cpu: number } => {
  // The shell's own accounting: a child's usage is not shown to Node otherwise.
  const script = `TIMEFORMAT='%R %U %S'; time "$@" >/dev/null`;
  const result = spawnSync('bash', ['-c', script, 'bash', command, ...args], { encoding: 'utf8' });
  if (result.status !== 0) throw new Error(`${command} ${args.join(' ')}: ${result.stderr}`);
  const [seconds = 0, user = 0, system = 0] = (result.stderr.trim().split('\n').at(-1) ?? '').split(' ').map(Number);
  return { seconds, cpu: user + system };
};

const sha256 = async (path: string): Promise<string> => {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
};

const work = mkdtempSync(join(directory, 'bench-restore-'));
try {
  const source = join(work, 'app.db');
  const replica = join(work, 'replica');
  makeDatabase(source, Number(sizeMiB) * 1024 * 1024);
  execFileSync(peer, ['replicate', '-once', '-force-snapshot', source, `file://${replica}`], { stdio: 'ignore' });
  for (const level of ['0', '1', '2', '3']) rmSync(join(replica, 'ltx', level), { recursive: true, force: true });
  const megabytes = statSync(source).size / 1024 / 1024;
  const output = join(work, 'out.db');
  const contestants = {
    'cp + fsync': ['bash', '-c', `cp ${source} ${output} && sync -d ${output}`],
    ours: [process.execPath, '--conditions=source', '--import', 'tsx', ours, replica, output],
    'litestream 0.5.17': [peer, 'restore', '-o', output, `file://${replica}`],
  };
  const hashes = new Set<string>();
  mkdirSync(work, { recursive: true });
  for (let round = 0; round < Number(rounds); round += 1) {
    for (const [name, [command = '', ...args]] of Object.entries(contestants)) {
      if (existsSync(output)) rmSync(output);
      const { seconds, cpu } = measure(command, args);
      if (name !== 'cp + fsync') hashes.add(await sha256(output));
      const rate = (megabytes / seconds).toFixed(0);
      process.stdout.write(
        `${name.padEnd(20)} ${seconds.toFixed(2)} s  ${rate.padStart(5)} MiB/s  ${cpu.toFixed(2)} s CPU\n`,
      );
    }
  }
  process.stdout.write(hashes.size === 1 ? 'same bytes\n' : 'DIFFERENT BYTES\n');
} finally {
  rmSync(work, { recursive: true, force: true });
}
