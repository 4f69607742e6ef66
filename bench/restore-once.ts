/** One restore of a file replica, as a process of its own for bench/restore.ts: `restore-once.ts REPLICA OUTPUT`. */
import { createSystemClock } from '#adapters/clock/system/system-clock';
import { createIntegrityChecker } from '#adapters/integrity/better-sqlite3/integrity-checker';
import { createNodeOutputFiles } from '#adapters/output/node/output-files';
import { createSeededRandom } from '#adapters/random/seeded/seeded-random';
import { createFileStorage } from '#adapters/storage/file/file-storage';
import { createWalReplay } from '#adapters/v03-replay/better-sqlite3/wal-replay';
import { restoreDatabase } from '#effects/restore/restore';
import type { Log } from '#ports/log';

const [replica = '', output = ''] = process.argv.slice(2);
const random = createSeededRandom(process.pid);
const log: Log = { write: () => undefined, with: () => log };
const { signal } = new AbortController();
const outcome = await restoreDatabase(
  {
    clock: createSystemClock(),
    random,
    log,
    files: createNodeOutputFiles({ random }),
    integrity: createIntegrityChecker(),
    walReplay: createWalReplay(),
  },
  {
    replicas: [{ name: 'file', storage: createFileStorage({ path: replica }) }],
    output,
    target: {},
    force: true,
    ifDbNotExists: false,
    ifReplicaExists: false,
    integrity: 'none',
    parallelism: 8,
    dryRun: false,
    signal,
  },
);
if (outcome.kind === 'restored') process.stdout.write(`${outcome.sizeBytes} bytes in ${outcome.durationMs} ms\n`);
