/**
 * Our command and the releases behind one face: the same configuration, database, metadata folder and replica, whoever
 * runs. A daemon is caught up when the newest L0 file of its replica ends where the last commit of the WAL does.
 */
import { type FileHandle, open, readFile } from 'node:fs/promises';
import { copyCheckpointed, differingPages, querySql } from '../support/compare-databases.ts';
import { runOurs, startOurs } from '../support/our-command.ts';
import { type PeerVersion, restoreWithPeer, runPeer, startPeer, writeConfig } from '../support/peer.ts';
import type { ProgramResult, RunningProgram } from '../support/program.ts';
import { listReplicaFiles } from '../support/replica-files.ts';
import { type TemporaryDirectory, temporaryDirectory } from '../support/temporary-directory.ts';
import { until } from '../support/until.ts';

/** Our built command, or the program of one release. */
export type Program = 'ours' | PeerVersion;

/** One database with its replica, in a directory of its own. */
export interface Scene extends AsyncDisposable {
  readonly directory: TemporaryDirectory;
  readonly databasePath: string;
  readonly replicaPath: string;
  readonly metadataPath: string;
  readonly configPath: string;
}

/** A directory with a configuration in it that makes every program quick; without compaction unless it is asked for. */
export async function setScene(
  name: string,
  extra: { readonly lines?: readonly string[]; readonly databaseLines?: readonly string[] } = {},
): Promise<Scene> {
  const directory = await temporaryDirectory(name);
  const scene = {
    directory,
    databasePath: directory.join('app.db'),
    replicaPath: directory.join('replica'),
    metadataPath: directory.join('.app.db-litestream'),
    configPath: directory.join('litestream.yml'),
    [Symbol.asyncDispose]: () => directory[Symbol.asyncDispose](),
  };
  await writeConfig(scene.configPath, [scene], {
    lines: ['sync-interval: 20ms', ...(extra.lines ?? [])],
    databaseLines: ['monitor-interval: 20ms', 'checkpoint-interval: 1h', ...(extra.databaseLines ?? [])],
  });
  return scene;
}

/** `replicate` in the background, from the moment on at which it handles signals. */
export async function startDaemon(program: Program, { configPath }: Scene): Promise<RunningProgram> {
  const daemon = await (program === 'ours'
    ? startOurs(['replicate', '-config', configPath])
    : startPeer(program, configPath));
  try {
    await daemon.saw('initialized db');
    return daemon;
  } catch (error) {
    await daemon.kill();
    throw error;
  }
}

/** SIGINT and the wait for a clean end. */
export async function stopDaemon(daemon: RunningProgram): Promise<ProgramResult> {
  const result = await daemon.stop({ signal: 'SIGINT' });
  if (result.code !== 0) throw new Error(`a daemon ended with ${result.code}: ${result.stdout}${result.stderr}`);
  return result;
}

/** `replicate -once`, which must succeed. 0.5.5 does not have it. */
export async function runOnce(program: Exclude<Program, '0.5.5'>, { configPath }: Scene): Promise<ProgramResult> {
  const args = ['replicate', '-once', '-config', configPath];
  const result = await (program === 'ours' ? runOurs(args) : runPeer(program, args));
  if (result.code !== 0)
    throw new Error(`${program} -once ended with ${result.code}: ${result.stdout}${result.stderr}`);
  return result;
}

/** Restores a replica with any program, whatever the exit code. `txid` has 16 hex digits. */
export const restoreWith = (
  program: Program,
  input: { readonly replicaPath: string; readonly outputPath: string; readonly txid?: string | undefined },
): Promise<ProgramResult> =>
  program === 'ours'
    ? runOurs([
        'restore',
        '-o',
        input.outputPath,
        ...(input.txid === undefined ? [] : ['-txid', input.txid]),
        `file://${input.replicaPath}`,
      ])
    : restoreWithPeer(program, {
        replicaPath: input.replicaPath,
        outputPath: input.outputPath,
        ...(input.txid === undefined ? {} : { txid: input.txid }),
      });

/** Restores with each program and throws unless every result equals the given database, page by page. */
export async function expectRestored(
  programs: readonly Program[],
  input: {
    readonly replicaPath: string;
    readonly expectedPath: string;
    readonly txid?: string | undefined;
    readonly when?: string | undefined;
  },
): Promise<void> {
  await using scratch = await temporaryDirectory('restored');
  for (const program of programs) {
    const outputPath = scratch.join(`${program}.db`);
    const what = `restored by ${program}, ${input.txid ?? 'latest'}${input.when === undefined ? '' : `, ${input.when}`}`;
    const result = await restoreWith(program, { ...input, outputPath });
    if (result.code !== 0) throw new Error(`${what}: ended with ${result.code}: ${result.stdout}${result.stderr}`);
    const different = await applicationPagesThatDiffer(input.expectedPath, outputPath);
    if (different.length > 0) throw new Error(`${what}: differs in pages ${different.slice(0, 20).join(', ')}`);
  }
}

/**
 * Pages that differ, but for the one of replication's own counter: the releases count once more when they checkpoint, after
 * the last file they write, so that their own restores differ from the source there.
 */
async function applicationPagesThatDiffer(expectedPath: string, restoredPath: string): Promise<readonly number[]> {
  const { pages, pageCounts } = await differingPages(expectedPath, restoredPath);
  if (pages.length !== 1 || pageCounts[0] !== pageCounts[1]) return pages;
  const rows = await querySql(restoredPath, "SELECT rootpage FROM sqlite_schema WHERE name = '_litestream_seq'");
  return rows[0]?.[0] === pages[0] ? [] : pages;
}

/** A moment of a replica: a name, its newest TXID, and a copy of the database as it was then. */
export interface Snapshot {
  readonly name: string;
  readonly txid: string;
  readonly path: string;
}

/**
 * Waits until the daemon has caught up, holds it (SIGSTOP) and copies the database, so that TXID and copy belong together.
 * Nobody else may write meanwhile.
 */
export async function takeSnapshot(
  daemon: RunningProgram,
  scene: Scene,
  name: string,
  path: string,
): Promise<Snapshot> {
  return await until(
    `a daemon that has caught up after "${name}"`,
    async () => {
      if (!(await isCaughtUp(scene))) return false;
      daemon.signal('SIGSTOP');
      try {
        await until('a stopped process', () => isStopped(daemon.pid));
        if (!(await isCaughtUp(scene))) return false;
        const files = await listReplicaFiles(scene.replicaPath);
        const txid = files.filter(({ level }) => level === 0).at(-1)?.maxTxid;
        if (txid === undefined) return false;
        await copyCheckpointed(scene.databasePath, path);
        return { name, txid, path };
      } finally {
        daemon.signal('SIGCONT');
      }
    },
    { describe: () => `${daemon.stdout()}${daemon.stderr()}` },
  );
}

/** Waits until the replica holds every commit of the WAL. */
export const untilCaughtUp = (daemon: RunningProgram, scene: Scene, when: string): Promise<true> =>
  until(`a daemon that has caught up ${when}`, () => isCaughtUp(scene), {
    describe: () => `${daemon.stdout()}${daemon.stderr()}`,
  });

/** Whether the newest L0 file ends at the last commit of the WAL; a WAL without commits counts as not caught up. */
export async function isCaughtUp({ databasePath, replicaPath }: Scene): Promise<boolean> {
  const wal = await lastCommit(`${databasePath}-wal`);
  const newest = (await listReplicaFiles(replicaPath)).filter(({ level }) => level === 0).at(-1);
  if (wal === undefined || newest === undefined) return false;
  const header = await readFile(newest.path).catch(() => undefined);
  if (header === undefined || header.length < 100) return false;
  const end = Number(header.readBigInt64BE(48) + header.readBigInt64BE(56));
  return end === wal.end && header.subarray(64, 72).equals(wal.salts);
}

/** Offset after the last commit frame that carries the salts of the WAL's header; frames of earlier generations do not. */
async function lastCommit(path: string): Promise<{ readonly end: number; readonly salts: Buffer } | undefined> {
  let file: FileHandle;
  try {
    file = await open(path, 'r');
  } catch {
    return undefined;
  }
  try {
    const bytes = await file.readFile();
    if (bytes.length < 32) return undefined;
    const frameBytes = 24 + bytes.readUInt32BE(8);
    const salts = bytes.subarray(16, 24);
    let end: number | undefined;
    for (let at = 32; at + frameBytes <= bytes.length; at += frameBytes) {
      if (!bytes.subarray(at + 8, at + 16).equals(salts)) break;
      if (bytes.readUInt32BE(at + 4) > 0) end = at + frameBytes;
    }
    return end === undefined ? undefined : { end, salts };
  } finally {
    await file.close();
  }
}

async function isStopped(pid: number): Promise<boolean> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8');
  return text.slice(text.lastIndexOf(')') + 2).startsWith('T');
}
