/** The ports of a daemon on a real machine: system clock, file watches, worker threads, SQLite fact log. */
import { homedir } from 'node:os';
import { createSystemClock } from '#adapters/clock/system/system-clock';
import { openSqliteFactLog } from '#adapters/facts/sqlite/sqlite-fact-log';
import { createLevelZeroFiles } from '#adapters/level-zero/node/level-zero-files';
import { createSeededRandom } from '#adapters/random/seeded/seeded-random';
import { createNodeWatcher } from '#adapters/watcher/node/node-watcher';
import type { Configuration } from '#config/types';
import { createFullCopies } from '#effects/full-copies';
import type { Log } from '#ports/log';
import type { DaemonPorts } from './daemon-ports.ts';
import { createThreadEngine } from './engine/thread-engine.ts';
import { factLogPath } from './fact-log-path.ts';
import { createStorage } from './storage-registry.ts';
import { readStorageTemplate } from './storage-template.ts';

export type NodePorts = DaemonPorts;

/** What decides which files and services a daemon uses. */
export interface NodePortsOptions {
  readonly configuration: Configuration;
  /** Absolute path of the file; undefined when database and URLs came from the command line. */
  readonly configurationPath: string | undefined;
  readonly log: Log;
}

/** Opens the fact log and prepares everything else; nothing touches a database or a replica yet. */
export const createNodePorts = ({ configuration, configurationPath, log }: NodePortsOptions): NodePorts => {
  const clock = createSystemClock();
  const random = createSeededRandom((clock.nowMs() ^ (process.pid << 8)) >>> 0);
  const [first] = configuration.databases;
  const facts = openSqliteFactLog({
    clock,
    log,
    path: factLogPath({
      statePath: configuration.statePath,
      origin:
        configurationPath !== undefined
          ? { kind: 'configuration', path: configurationPath }
          : { kind: 'database', metaPath: first?.metaPath ?? process.cwd() },
      environment: process.env,
      userId: process.getuid?.(),
      homeDirectory: homedir(),
    }),
  });
  return {
    clock,
    random,
    watcher: createNodeWatcher(),
    log,
    sources: createThreadEngine({ log }),
    fullCopies: createFullCopies(),
    facts,
    storage: async (settings, { path }) =>
      createStorage(settings, { clock, random, log, template: await readStorageTemplate(path) }),
    levelZero: (metaPath) => createLevelZeroFiles(metaPath, `fetched-${process.pid}`),
  };
};
