/**
 * The fact log in a SQLite file of its own. One process writes, commands read beside it. A full or broken disk under the log
 * never stops replication: facts wait in bounded memory, the log says so once, and goes on trying.
 */

import { InvariantViolation, messageOf } from '#errors/replication-error';
import { decodeFact, encodeFact } from '#events/codec';
import { planCompaction } from '#events/compaction';
import type { RecordedFact } from '#events/facts';
import { isWithinStream } from '#events/streams';
import type { Clock, TimerHandle } from '#ports/clock';
import type { FactLog } from '#ports/facts';
import type { Log } from '#ports/log';
import { createFactQueue } from './fact-queue.ts';
import { insertRows, type NewRow, readPage, readStream, replaceRows, startOf, streamsToCompact } from './rows.ts';
import {
  isBrokenFile,
  moveAside,
  openForReading,
  openForWriting,
  type SqliteDatabase,
  sqliteCodeOf,
  takeWriterLock,
} from './schema.ts';

/** Facts kept in memory while the log cannot be written: about 2 MB. */
const QUEUED_FACTS_MAX = 10_000;
/** Pause between two tries to write a log that is broken. */
const RETRY_MS = 10_000;
/** Size at which the log counts as full: ten million facts, which only a log that is never summed up reaches. */
const FILE_BYTES_MAX = 1024 * 1024 * 1024;

/** How to open a log file. */
export interface SqliteFactLogOptions {
  /** The file; its directory is made. */
  readonly path: string;
  readonly clock: Clock;
  readonly log: Log;
  /** Runs the write of one turn's facts; `setImmediate` when left out. */
  readonly schedule?: (run: () => void) => void;
  /** Facts kept in memory while the log cannot be written. */
  readonly queuedFactsMax?: number;
  /** Size of the file at which it counts as full. */
  readonly fileBytesMax?: number;
  /** Pause between two tries to write a log that is broken. */
  readonly retryMs?: number;
}

/** The log of the daemon. */
export interface SqliteFactLog extends FactLog {
  /** Facts that wait because the log cannot be written; 0 when all is well. */
  queuedFacts(): number;
  /** Why the log cannot be written, or `undefined`. */
  problem(): string | undefined;
  /** Sums up the facts recorded before the moment, stream by stream. */
  compact(beforeMs: number): Promise<void>;
}

/** Opens the log, or starts in the waiting state when that is not possible now. Never throws for the log's sake. */
export const openSqliteFactLog = (options: SqliteFactLogOptions): SqliteFactLog => {
  const { path, clock, log } = options;
  const schedule = options.schedule ?? ((run: () => void): void => void setImmediate(run));
  const retryMs = options.retryMs ?? RETRY_MS;
  const queuedFactsMax = options.queuedFactsMax ?? QUEUED_FACTS_MAX;
  const queue = createFactQueue(queuedFactsMax);
  let database: SqliteDatabase | undefined;
  let lock: SqliteDatabase | undefined;
  let problem: string | undefined;
  let retryTimer: TimerHandle | undefined;
  let isScheduled = false;
  let isClosed = false;
  let waiters: (() => void)[] = [];

  const openNow = (): SqliteDatabase => {
    lock ??= takeWriterLock(path);
    database ??= openForWriting(path, options.fileBytesMax ?? FILE_BYTES_MAX);
    return database;
  };
  const closeDatabase = (): void => {
    const old = database;
    database = undefined;
    try {
      old?.close();
    } catch (error) {
      log.write('debug', 'fact log did not close', { path, error: messageOf(error) });
    }
  };
  /** Runs work on the open log; a broken file is moved away, and the work is done on a new one. */
  const onLog = <T>(work: (database: SqliteDatabase) => T): T => {
    try {
      return work(openNow());
    } catch (error) {
      if (!isBrokenFile(error) || lock === undefined) throw error;
      closeDatabase();
      const aside = moveAside(path);
      log.write('warn', 'fact log is broken, a new one was started', { path, aside, error: messageOf(error) });
      return work(openNow());
    }
  };
  const succeed = (): void => {
    if (problem !== undefined) log.write('info', 'fact log is written again', { path });
    problem = undefined;
  };
  const fail = (error: unknown): void => {
    const isFirst = problem === undefined;
    problem = sqliteCodeOf(error) === 'SQLITE_BUSY' ? 'another process writes it' : messageOf(error);
    // A full disk can still be read; after anything else the file is opened anew.
    if (sqliteCodeOf(error) !== 'SQLITE_FULL') closeDatabase();
    if (isFirst) {
      log.write('warn', 'fact log cannot be written, facts wait in memory', { path, error: problem });
    }
    if (retryTimer !== undefined || isClosed) return;
    retryTimer = clock.setTimeout(() => {
      retryTimer = undefined;
      writeQueue();
    }, retryMs);
  };
  /** Writes everything that waits; whoever waits for it goes on in any case, for queued counts as appended. */
  const writeQueue = (): void => {
    isScheduled = false;
    try {
      onLog((open) => {
        const rows = queue.rows();
        if (rows.length > 0) insertRows(open, rows);
        queue.clear();
      });
      succeed();
    } catch (error) {
      fail(error);
    }
    const settled = waiters;
    waiters = [];
    for (const settle of settled) settle();
  };

  writeQueue();
  return {
    append: async (stream, fact) => {
      if (isClosed) throw new InvariantViolation(`a fact ${fact.type} was appended to a log that is closed`);
      const row = { stream, atMs: clock.nowMs(), ...encodeFact(stream, fact) };
      // A busy turn is no reason to drop facts: the bound is for a log that cannot be written.
      if (problem === undefined && queue.size() >= queuedFactsMax) writeQueue();
      queue.add(row);
      if (problem !== undefined) return;
      await new Promise<void>((resolve) => {
        waiters.push(resolve);
        if (isScheduled) return;
        isScheduled = true;
        schedule(() => {
          if (isScheduled) writeQueue();
        });
      });
    },
    async *read(stream, { limit } = {}) {
      writeQueue();
      const queued = queue.rows().filter((row) => isWithinStream(row.stream, stream));
      const storedLimit = limit === undefined ? undefined : Math.max(0, limit - queued.length);
      let last = 0;
      if (database !== undefined) {
        last = onLog((open) => startOf(open, stream, storedLimit));
        for (let page = onLog((open) => readPage(open, stream, last)); page.length > 0; ) {
          yield* page;
          last = page.at(-1)?.seq ?? last;
          page = isClosed ? [] : onLog((open) => readPage(open, stream, last));
        }
      }
      yield* toRecords(limit === undefined ? queued : queued.slice(-limit), last);
    },
    flush: async () => writeQueue(),
    close: async () => {
      if (isClosed) return;
      writeQueue();
      isClosed = true;
      if (retryTimer !== undefined) clock.clearTimeout(retryTimer);
      const lost = queue.size();
      if (lost > 0) log.write('error', 'fact log could not be written, facts are lost', { path, facts: lost });
      closeDatabase();
      lock?.close();
      lock = undefined;
    },
    queuedFacts: () => (problem === undefined ? 0 : queue.size()),
    problem: () => problem,
    compact: async (beforeMs) => {
      writeQueue();
      // A full log is the one that needs this most.
      if (database === undefined) return;
      for (const stream of onLog((open) => streamsToCompact(open, beforeMs))) {
        try {
          onLog((open) => compactStream(open, stream, beforeMs));
        } catch (error) {
          log.write('warn', 'facts of a stream were not summed up', { stream, error: messageOf(error) });
        }
        // Other work goes on between two streams.
        await new Promise<void>((resolve) => schedule(resolve));
        if (isClosed) return;
      }
      if (problem !== undefined) writeQueue();
    },
  };
};

const compactStream = (database: SqliteDatabase, stream: string, beforeMs: number): void => {
  const plan = planCompaction(stream, readStream(database, stream), beforeMs);
  if (plan === undefined) return;
  replaceRows(database, plan.through, { stream, atMs: plan.atMs, ...encodeFact(stream, plan.fact) });
};

const toRecords = (rows: readonly NewRow[], after: number): readonly RecordedFact[] =>
  rows.map(({ stream, atMs, ...stored }, index) => ({
    seq: after + 1 + index,
    stream,
    atMs,
    fact: decodeFact(stored),
  }));

/** Reading beside the daemon, for commands. */
export interface FactReader {
  /** As {@link FactLog.read}. */
  read(stream: string, options?: { readonly limit?: number }): AsyncIterable<RecordedFact>;
  close(): void;
}

/** Opens an existing log read-only. `FACT_LOG_BROKEN` when it is missing, unreadable or not a fact log. */
export const openSqliteFactReader = (path: string): FactReader => {
  const database = openForReading(path);
  return {
    async *read(stream, { limit } = {}) {
      let last = startOf(database, stream, limit);
      for (let page = readPage(database, stream, last); page.length > 0; page = readPage(database, stream, last)) {
        yield* page;
        last = page.at(-1)?.seq ?? last;
      }
    },
    close: () => void database.close(),
  };
};
