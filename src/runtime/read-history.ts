/** The history of one database, read from the fact log beside a running daemon or without one. */
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { openSqliteFactReader } from '#adapters/facts/sqlite/sqlite-fact-log';
import type { DatabaseSettings } from '#config/types';
import { ReplicationError } from '#errors/replication-error';
import { formatHistoryLine, historyJson } from '#events/history';
import { databaseStream } from '#events/streams';
import { factLogPath } from './fact-log-path.ts';

/** Whose history, and what the daemon was started with. */
export interface HistoryRequest extends Pick<DatabaseSettings, 'path' | 'metaPath'> {
  /** Absolute path of the configuration file; undefined: there is none. */
  readonly configurationPath: string | undefined;
  /** `state-path` of the configuration. */
  readonly statePath: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** One fact, ready to print. */
export interface HistoryEntry {
  readonly line: string;
  readonly json: Readonly<Record<string, unknown>>;
}

/**
 * Facts of the database, its replicas and their levels, oldest first. `FACT_LOG_BROKEN` when no log exists or it cannot be
 * read, `FACT_UNKNOWN` when a later release wrote it.
 */
export async function* readHistory(request: HistoryRequest): AsyncGenerator<HistoryEntry> {
  const path = logOf(request);
  const reader = openSqliteFactReader(path);
  try {
    for await (const record of reader.read(databaseStream(request.path))) {
      yield { line: formatHistoryLine(record), json: historyJson(record) };
    }
  } finally {
    reader.close();
  }
}

/** The log of the configuration's daemon, else that of `replicate DB_PATH REPLICA_URL`. */
const logOf = ({ path, metaPath, configurationPath, statePath, env }: HistoryRequest): string => {
  const place = { statePath, environment: env, userId: process.getuid?.(), homeDirectory: homedir() };
  const candidates = [
    ...(configurationPath === undefined
      ? []
      : [factLogPath({ ...place, origin: { kind: 'configuration', path: configurationPath } })]),
    factLogPath({ ...place, origin: { kind: 'database', metaPath } }),
  ];
  const found = candidates.find((candidate) => existsSync(candidate));
  if (found !== undefined) return found;
  throw new ReplicationError('FACT_LOG_BROKEN', `no history of ${path}: there is no fact log`, {
    retryable: false,
    hint: `Looked for ${candidates.join(' and ')}. The first "litestream replicate" makes it.`,
    details: { path },
  });
};
