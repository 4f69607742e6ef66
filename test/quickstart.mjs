/**
 * The main job, shown with the built command: replicate a database while it is written, lose it, bring it back. Prints the
 * commands it runs. Everything happens in a temporary directory that is removed at the end.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import Database from 'better-sqlite3';

const command = fileURLToPath(new URL('../dist/src/cli/main.js', import.meta.url));
const directory = mkdtempSync(join(tmpdir(), 'litestream-quickstart-'));
const database = join(directory, 'app.db');
const replica = `file://${join(directory, 'replica')}`;
const deadlineMs = 120_000;

/** Starts our command and shows it the way a user would type it. */
function start(...args) {
  console.log(`$ litestream ${args.map((arg) => arg.replaceAll(directory, '.')).join(' ')}`);
  return spawn(process.execPath, [command, ...args], { stdio: ['ignore', 'inherit', 'inherit'] });
}

async function until(what, look) {
  const deadline = performance.now() + deadlineMs;
  while (!look()) {
    if (performance.now() > deadline) throw new Error(`waited in vain for ${what}`);
    await pause(10);
  }
}

const levelZeroFiles = () => {
  const path = join(directory, 'replica', 'ltx', '0');
  return existsSync(path) ? readdirSync(path).filter((name) => name.endsWith('.ltx')).length : 0;
};

async function ended(child) {
  const [code] = child.exitCode === null ? await once(child, 'exit') : [child.exitCode];
  if (code !== 0) throw new Error(`litestream ended with ${code}`);
}

let daemon;
try {
  const application = new Database(database);
  application.pragma('journal_mode = WAL');
  application.exec('CREATE TABLE fruits(id INTEGER PRIMARY KEY, name TEXT)');

  daemon = start('replicate', database, replica);
  daemon.on('error', (error) => console.error(error.message));
  await until('the first file of the replica', () => levelZeroFiles() > 0 || daemon.exitCode !== null);
  const insert = application.prepare('INSERT INTO fruits(name) VALUES (?)');
  for (const name of ['apple', 'banana', 'cherry']) insert.run(name);
  console.log(`  the application commits 3 rows and ends`);
  application.close();
  daemon.kill('SIGTERM');
  await ended(daemon);

  for (const suffix of ['', '-wal', '-shm']) rmSync(database + suffix, { force: true });
  console.log('  the database is lost');

  await ended(start('restore', '-o', database, replica));
  const restored = new Database(database, { readonly: true });
  const names = restored.prepare('SELECT name FROM fruits ORDER BY id').pluck().all();
  restored.close();
  if (names.join() !== 'apple,banana,cherry') throw new Error(`restored other rows: ${names.join()}`);
  console.log(`  the database is back: ${names.join(', ')}`);
} finally {
  if (daemon !== undefined && daemon.exitCode === null) daemon.kill('SIGKILL');
  rmSync(directory, { recursive: true, force: true });
}
