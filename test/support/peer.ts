/**
 * The real Litestream programs, to compare with. File replicas only, so nothing listens and nothing leaves the machine;
 * every call has a deadline, and a daemon is stopped by its process id. Installed by `install-peers.sh`.
 */
import { stat, writeFile } from 'node:fs/promises';
import { type ProgramResult, type RunningProgram, runProgram, runSuccessfully, startProgram } from './program.ts';
import { inProject } from './project.ts';
import { newestTxid } from './replica-files.ts';
import { until } from './until.ts';

/** Releases of the current layout, newest first. */
export const currentPeerVersions = ['0.5.17', '0.5.15', '0.5.5'] as const;
/** Every installed release; 0.3.13 has the old layout. */
export const peerVersions = [...currentPeerVersions, '0.3.13'] as const;

export type PeerVersion = (typeof peerVersions)[number];

/** One row of `ltx -level all`, as that program prints it. */
export interface PeerLtxRow {
  readonly level: number;
  readonly minTxid: string;
  readonly maxTxid: string;
  readonly size: number;
  readonly created: string;
}

/** Absolute path of the program of one release. */
export const peerPath = (version: PeerVersion): string => inProject(`.peers/bin/litestream-${version}`);

/** Runs the program with any arguments, whatever the exit code. */
export const runPeer = (
  version: PeerVersion,
  args: readonly string[],
  options: { readonly timeoutMs?: number } = {},
): Promise<ProgramResult> => runProgram(peerPath(version), args, options);

/**
 * One pass and the end: `replicate -once` where the release has it, else (0.5.5) a daemon that is stopped once a further
 * L0 file has reached the replica. So the database must hold something new. Throws on any other exit code than 0.
 */
export async function replicateOnce(
  version: PeerVersion,
  input: { readonly databasePath: string; readonly replicaPath: string; readonly configPath: string },
): Promise<void> {
  await writeConfig(input.configPath, [input]);
  if (version === '0.5.17' || version === '0.5.15') {
    await runSuccessfully(peerPath(version), ['replicate', '-once', '-config', input.configPath]);
    return;
  }
  const before = await newestTxid(input.replicaPath);
  await using daemon = await startPeer(version, input.configPath);
  await until(
    `a new L0 file of litestream ${version} in ${input.replicaPath}`,
    async () => (await newestTxid(input.replicaPath)) > before,
    { describe: daemon.stdout },
  );
  const { code } = await daemon.stop({ signal: 'SIGINT' });
  if (code !== 0) throw new Error(`litestream ${version} ended with ${code}: ${daemon.stdout()}${daemon.stderr()}`);
}

/** A daemon in the background, killed at the end of the block unless stopped before. */
export const startPeer = (version: PeerVersion, configPath: string): Promise<RunningProgram> =>
  startProgram(peerPath(version), ['replicate', '-config', configPath]);

/** Restores a file replica; returns how the program ended, since failing may be what a test wants to see. */
export const restoreWithPeer = (
  version: PeerVersion,
  input: {
    readonly replicaPath: string;
    readonly outputPath: string;
    /** 16 hex digits. */
    readonly txid?: string;
    /** RFC 3339. */
    readonly timestamp?: string;
  },
): Promise<ProgramResult> =>
  runPeer(version, [
    'restore',
    '-o',
    input.outputPath,
    ...(input.txid === undefined ? [] : ['-txid', input.txid]),
    ...(input.timestamp === undefined ? [] : ['-timestamp', input.timestamp]),
    `file://${input.replicaPath}`,
  ]);

/** What the release lists on a file replica: every level, but 0.5.5 knows only level 0. */
export async function listWithPeer(version: PeerVersion, replicaPath: string): Promise<readonly PeerLtxRow[]> {
  const levels = version === '0.5.5' ? [] : ['-level', 'all'];
  const { stdout } = await runSuccessfully(peerPath(version), ['ltx', ...levels, `file://${replicaPath}`]);
  const [header = [], ...rows] = stdout
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter((words) => words.length > 1);
  return rows.map((words) => {
    const column = (name: string): string => words[header.indexOf(name)] ?? '';
    return {
      level: Number(column('level')),
      minTxid: column('min_txid'),
      maxTxid: column('max_txid'),
      size: Number(column('size')),
      created: column('created'),
    };
  });
}

/**
 * A configuration both we and the releases understand: one file replica each. `lines` are added at the top level,
 * `databaseLines` to every database (both without indentation).
 */
export async function writeConfig(
  configPath: string,
  databases: readonly { readonly databasePath: string; readonly replicaPath: string }[],
  extra: { readonly lines?: readonly string[]; readonly databaseLines?: readonly string[] } = {},
): Promise<void> {
  const text = [
    ...(extra.lines ?? []),
    'dbs:',
    ...databases.flatMap(({ databasePath, replicaPath }) => [
      `  - path: ${JSON.stringify(databasePath)}`,
      ...(extra.databaseLines ?? []).map((line) => `    ${line}`),
      '    replica:',
      '      type: file',
      `      path: ${JSON.stringify(replicaPath)}`,
    ]),
    '',
  ];
  await writeFile(configPath, text.join('\n'));
}

/** Throws with the command to run when a release is not installed. */
export async function requirePeers(versions: readonly PeerVersion[] = peerVersions): Promise<void> {
  for (const version of versions) {
    const found = await stat(peerPath(version)).catch(() => undefined);
    if (found === undefined) throw new Error(`litestream ${version} is missing: run test/support/install-peers.sh`);
  }
}
