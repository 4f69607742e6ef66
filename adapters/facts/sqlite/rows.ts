/** Rows of the log to facts and back. */
import { decodeFact, type StoredFact } from '#events/codec';
import type { RecordedFact } from '#events/facts';
import { ALL_STREAMS, BELOW } from '#events/streams';
import type { SqliteDatabase } from './schema.ts';

/** Rows read at once: bounds the memory, and no statement stays open while the consumer works. */
const PAGE_ROWS = 500;

/** A row to be written. */
export interface NewRow extends StoredFact {
  readonly stream: string;
  readonly atMs: number;
}

interface Row {
  readonly seq: number;
  readonly stream: string;
  readonly type: string;
  readonly version: number;
  readonly at: number;
  readonly data: string;
}

/** Writes all rows in one transaction. */
export const insertRows = (database: SqliteDatabase, rows: readonly NewRow[]): void => {
  const insert = database.prepare('INSERT INTO fact (stream, type, version, at, data) VALUES (?, ?, ?, ?, ?)');
  database.transaction(() => {
    for (const { stream, type, version, atMs, data } of rows) insert.run(stream, type, version, Math.round(atMs), data);
  })();
};

const toRecord = ({ seq, stream, at, ...stored }: Row): RecordedFact => ({
  seq,
  stream,
  atMs: at,
  fact: decodeFact(stored),
});

/** One past every string that starts with `prefix`; prefixes here end in an ASCII character. */
const endOf = (prefix: string): string =>
  prefix.slice(0, -1) + String.fromCharCode(prefix.charCodeAt(prefix.length - 1) + 1);

/** SQL and values for "this stream and the streams below it". */
const within = (stream: string): { readonly where: string; readonly values: readonly string[] } => {
  if (stream === ALL_STREAMS) return { where: '1', values: [] };
  const below = BELOW.map((step) => stream + step);
  return {
    where: `(stream = ?${below.map(() => ' OR (stream >= ? AND stream < ?)').join('')})`,
    values: [stream, ...below.flatMap((prefix) => [prefix, endOf(prefix)])],
  };
};

/** After which `seq` reading starts: 0, or the row before the newest `limit` ones. */
export const startOf = (database: SqliteDatabase, stream: string, limit: number | undefined): number => {
  if (limit === undefined) return 0;
  const { where, values } = within(stream);
  const row = database
    .prepare<unknown[], { readonly seq: number }>(
      `SELECT seq FROM fact WHERE ${where} ORDER BY seq DESC LIMIT 1 OFFSET ?`,
    )
    .get(...values, limit);
  return row?.seq ?? 0;
};

/** The next records of the stream after a `seq`, oldest first; none at the end. */
export const readPage = (database: SqliteDatabase, stream: string, after: number): readonly RecordedFact[] => {
  const { where, values } = within(stream);
  return database
    .prepare<unknown[], Row>(
      `SELECT seq, stream, type, version, at, data FROM fact WHERE ${where} AND seq > ? ORDER BY seq LIMIT ${PAGE_ROWS}`,
    )
    .all(...values, after)
    .map(toRecord);
};

/** Names of streams with at least two facts before the moment. */
export const streamsToCompact = (database: SqliteDatabase, beforeMs: number): readonly string[] =>
  database
    .prepare<unknown[], string>('SELECT stream FROM fact WHERE at < ? GROUP BY stream HAVING count(*) > 1')
    .pluck()
    .all(beforeMs) as string[];

/** Every fact of exactly this stream, oldest first. */
export const readStream = (database: SqliteDatabase, stream: string): readonly RecordedFact[] =>
  database
    .prepare<unknown[], Row>('SELECT seq, stream, type, version, at, data FROM fact WHERE stream = ? ORDER BY seq')
    .all(stream)
    .map(toRecord);

/** Replaces every row of the stream up to `through` by one at that place. */
export const replaceRows = (database: SqliteDatabase, through: number, row: NewRow): void => {
  database.transaction(() => {
    database.prepare('DELETE FROM fact WHERE stream = ? AND seq <= ?').run(row.stream, through);
    database
      .prepare('INSERT INTO fact (seq, stream, type, version, at, data) VALUES (?, ?, ?, ?, ?, ?)')
      .run(through, row.stream, row.type, row.version, row.atMs, row.data);
  })();
};
