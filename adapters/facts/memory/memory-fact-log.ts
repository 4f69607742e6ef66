/** The fact log in memory, for tests and the simulation. Facts are kept in their stored form, as a file would. */

import { InvariantViolation } from '#errors/replication-error';
import { decodeFact, encodeFact, type StoredFact } from '#events/codec';
import { planCompaction } from '#events/compaction';
import type { RecordedFact } from '#events/facts';
import { isWithinStream } from '#events/streams';
import type { Clock } from '#ports/clock';
import type { FactLog } from '#ports/facts';

/** One stored fact. */
export interface MemoryFactRow extends StoredFact {
  readonly seq: number;
  readonly stream: string;
  readonly atMs: number;
}

/** How to make a log in memory. */
export interface MemoryFactLogOptions {
  readonly clock: Clock;
  /** Where the facts are; they outlive the log, as a file outlives a killed process. */
  readonly rows?: MemoryFactRow[];
}

export interface MemoryFactLog extends FactLog {
  /** Sums up the facts recorded before the moment, stream by stream. */
  compact(beforeMs: number): Promise<void>;
}

/** A log over `rows`. A fact is stored when `append` is called, and the promise settles in the same turn. */
export const createMemoryFactLog = ({ clock, rows = [] }: MemoryFactLogOptions): MemoryFactLog => {
  let isClosed = false;
  const recordsWithin = (stream: string): RecordedFact[] =>
    rows.filter((row) => isWithinStream(row.stream, stream)).map(toRecord);
  return {
    append: async (stream, fact) => {
      if (isClosed) throw new InvariantViolation(`a fact ${fact.type} was appended to a log that is closed`);
      rows.push({ seq: (rows.at(-1)?.seq ?? 0) + 1, stream, atMs: clock.nowMs(), ...encodeFact(stream, fact) });
    },
    async *read(stream, { limit } = {}) {
      const records = recordsWithin(stream);
      yield* limit === undefined ? records : records.slice(Math.max(0, records.length - limit));
    },
    flush: async () => undefined,
    close: async () => {
      isClosed = true;
    },
    compact: async (beforeMs) => {
      for (const stream of new Set(rows.map((row) => row.stream))) {
        const records = rows.filter((row) => row.stream === stream).map(toRecord);
        const plan = planCompaction(stream, records, beforeMs);
        if (plan === undefined) continue;
        const kept = rows.filter((row) => row.stream !== stream || row.seq > plan.through);
        kept.push({ seq: plan.through, stream, atMs: plan.atMs, ...encodeFact(stream, plan.fact) });
        kept.sort((a, b) => a.seq - b.seq);
        rows.splice(0, rows.length, ...kept);
      }
    },
  };
};

const toRecord = ({ seq, stream, atMs, ...stored }: MemoryFactRow): RecordedFact => ({
  seq,
  stream,
  atMs,
  fact: decodeFact(stored),
});
