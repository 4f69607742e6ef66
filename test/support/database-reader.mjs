/**
 * Reads a SQLite database in a process of its own, for `compare-databases.ts`. Arguments: a job and a path.
 *   checkpoint  moves the WAL of this (private) copy into the database file
 *   describe    JSON: page size, page count, integrity, and a SHA-256 over schema and rows of every table
 *   run         executes the SQL given as the third argument
 *   query       JSON: the rows of one statement as arrays, whole numbers as numbers
 */
import { createHash } from 'node:crypto';
import Database from 'better-sqlite3';

const [job, path, sql] = process.argv.slice(2);
const database = new Database(path, { fileMustExist: job !== 'run', timeout: 10_000 });
database.defaultSafeIntegers(true);
const quoted = (name) => `"${name.replaceAll('"', '""')}"`;

if (job === 'checkpoint') {
  const [row] = database.pragma('wal_checkpoint(TRUNCATE)');
  if (row.busy !== 0n) throw new Error(`checkpoint of ${path} was busy`);
  // Leaves WAL mode marks in the header as they are: the header is part of the comparison.
} else if (job === 'describe') {
  process.stdout.write(JSON.stringify(describe()));
} else if (job === 'run') {
  database.exec(sql);
} else if (job === 'query') {
  const rows = database.prepare(sql).raw().all();
  process.stdout.write(JSON.stringify(rows, (_, value) => (typeof value === 'bigint' ? Number(value) : value)));
} else {
  throw new Error(`unknown job ${job}`);
}
database.close();

function describe() {
  const hash = createHash('sha256');
  const feed = (value) => {
    const type = value === null ? 'null' : value instanceof Buffer ? 'blob' : typeof value;
    const bytes = value instanceof Buffer ? value : Buffer.from(String(value));
    hash.update(`${type} ${bytes.length} `).update(bytes).update('\n');
  };
  const schema = database
    .prepare('SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY type, name')
    .raw()
    .all();
  for (const row of schema) {
    // The bookkeeping tables of replication are not the application's data.
    if (String(row[2]).startsWith('_litestream_')) continue;
    for (const value of row) feed(value);
  }
  for (const [type, name] of schema) {
    if (type !== 'table' || name.startsWith('_litestream_') || name.startsWith('sqlite_stat')) continue;
    const select = database.prepare(`SELECT * FROM ${quoted(name)}`).raw();
    const columns = select.columns().map((_, index) => index + 1);
    const ordered = database.prepare(`SELECT * FROM ${quoted(name)} ORDER BY ${columns.join(', ')}`).raw();
    for (const row of ordered.iterate()) for (const value of row) feed(value);
    feed(null);
  }
  const integrity = database.pragma('integrity_check', { simple: true });
  return {
    pageSize: Number(database.pragma('page_size', { simple: true })),
    pageCount: Number(database.pragma('page_count', { simple: true })),
    integrity: String(integrity),
    contentHash: hash.digest('hex'),
  };
}
