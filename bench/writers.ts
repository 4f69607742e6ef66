/**
 * What an application notices: a writer at full speed and one paced at 1,000 commits a second, with no daemon, with
 * v0.5.17 and with us, in one run. Each daemon's replica is restored at the end and compared with the source.
 *
 *   npx tsx --conditions=source bench/writers.ts [seconds=4]
 */
import { readdir, readFile } from 'node:fs/promises';
import { loadavg } from 'node:os';
import { expectSamePages } from '../test/support/compare-databases.ts';
import { ourCommandPath, runOurs } from '../test/support/our-command.ts';
import { peerPath, requirePeers } from '../test/support/peer.ts';
import { type RunningProgram, startProgram } from '../test/support/program.ts';
import { temporaryDirectory } from '../test/support/temporary-directory.ts';
import { until } from '../test/support/until.ts';
import { buildWriter, runWriter } from '../test/support/writer.ts';

const MIB = 1024 * 1024;
const durationMs = Number(process.argv[2] ?? 4) * 1_000;
const daemons = ['none', 'v0.5.17', 'ours'] as const;
const scenarios = [
  { name: 'full speed, autocheckpoint', autocheckpoint: 1_000 },
  { name: 'full speed, none', autocheckpoint: 0 },
  { name: 'paced 1,000/s, autocheckpoint', autocheckpoint: 1_000, rate: 1_000 },
] as const;

/** Seconds of CPU a running program has used, from the kernel's ticks of 10 ms. */
const cpuSeconds = async (pid: number): Promise<number> => {
  const fields = (await readFile(`/proc/${pid}/stat`, 'utf8')).split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) / 100;
};

const startDaemon = (daemon: 'v0.5.17' | 'ours', database: string, replica: string): Promise<RunningProgram> => {
  const args = ['replicate', database, `file://${replica}`];
  return daemon === 'ours'
    ? startProgram(process.execPath, [ourCommandPath, ...args])
    : startProgram(peerPath('0.5.17'), args);
};

await requirePeers(['0.5.17']);
await buildWriter();
const rows: Record<string, string | number>[] = [];
for (const { name, ...flags } of scenarios) {
  for (const daemon of daemons) {
    await using directory = await temporaryDirectory('bench');
    const db = directory.join('app.db');
    const replica = directory.join('replica');
    await runWriter({ db, count: 100, seed: 1, keepWal: true });
    const isDisturbed = (loadavg()[0] ?? 0) > 1.5;
    const running = daemon === 'none' ? undefined : await startDaemon(daemon, db, replica);
    if (running !== undefined) {
      await until('the first file', async () =>
        (await readdir(`${replica}/ltx/0`).catch(() => [])).some((file) => file.endsWith('.ltx')),
      );
    }
    const report = await runWriter({ db, seed: 2, durationMs, keepWal: true, ...flags });
    let cpu = 0;
    if (running !== undefined) {
      cpu = await cpuSeconds(running.pid);
      await running.stop({ timeoutMs: 120_000 });
      const output = directory.join('restored.db');
      const restored = await runOurs(['restore', '-o', output, `file://${replica}`]);
      if (restored.code !== 0) throw new Error(restored.stderr);
      await until('the same pages', async () => expectSamePages(db, output).then(() => true));
    }
    rows.push({
      scenario: name,
      daemon,
      'commits/s': Math.round(report.commitsPerSecond),
      'longest ms': Math.round(report.longestCommitMs * 10) / 10,
      'P99 ms': Math.round(report.p99Ms * 100) / 100,
      'busy commits': report.busyCommits,
      'WAL peak MiB': Math.round(report.walPeakBytes / MIB),
      'CPU s': cpu,
      disturbed: isDisturbed ? 'yes' : '',
    });
  }
}
console.table(rows);
console.log(JSON.stringify(rows));
