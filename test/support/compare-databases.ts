/**
 * Are two databases the same? Page by page, or row by row. Databases are copied first and opened as copies in another
 * process: a test process that holds a raw descriptor, or that closes one, would drop the locks of the database at work.
 */
import { copyFile, open, stat } from 'node:fs/promises';
import { runSuccessfully } from './program.ts';
import { inProject } from './project.ts';
import { temporaryDirectory } from './temporary-directory.ts';

/** What a database holds; `contentHash` covers schema and rows, not the place of pages or replication's own tables. */
export interface DatabaseDescription {
  readonly pageSize: number;
  readonly pageCount: number;
  /** `ok`, or the first complaint of `PRAGMA integrity_check`. */
  readonly integrity: string;
  readonly contentHash: string;
}

/** Pages that differ, from 1; a page only one file has counts. */
export interface PageDifference {
  readonly pageSize: number;
  readonly pageCounts: readonly [number, number];
  readonly pages: readonly number[];
}

/** Offset and bytes of the lock page's start: the file holds nothing there that counts. */
const lockPageOffset = 0x40000000;

/**
 * Copies database and WAL and moves the WAL of the copy into its database file. Nobody may write meanwhile: the two files
 * are copied one after the other.
 */
export async function copyCheckpointed(databasePath: string, outputPath: string): Promise<void> {
  await copyFile(databasePath, outputPath);
  const wal = await stat(`${databasePath}-wal`).catch(() => undefined);
  if (wal === undefined || wal.size === 0) return;
  await copyFile(`${databasePath}-wal`, `${outputPath}-wal`);
  await readerJob('checkpoint', outputPath);
}

/** Pages in which two databases differ, their WALs included. Equal databases give an empty list. */
export async function differingPages(leftPath: string, rightPath: string): Promise<PageDifference> {
  await using scratch = await temporaryDirectory('compare');
  const left = scratch.join('left.db');
  const right = scratch.join('right.db');
  await copyCheckpointed(leftPath, left);
  await copyCheckpointed(rightPath, right);
  return await compareFiles(left, right);
}

/** Throws with both paths and the first pages unless the two databases are equal page by page. */
export async function expectSamePages(leftPath: string, rightPath: string): Promise<void> {
  const { pages, pageCounts, pageSize } = await differingPages(leftPath, rightPath);
  if (pages.length === 0 && pageCounts[0] === pageCounts[1]) return;
  throw new Error(
    `${leftPath} (${pageCounts[0]} pages of ${pageSize}) and ${rightPath} (${pageCounts[1]} pages) differ in ${pages.length} pages: ${pages.slice(0, 20).join(', ')}`,
  );
}

/** Opens a copy of the database in another process and says what is in it, WAL included. */
export async function describeDatabase(databasePath: string): Promise<DatabaseDescription> {
  await using scratch = await temporaryDirectory('describe');
  const copy = scratch.join('copy.db');
  await copyCheckpointed(databasePath, copy);
  return JSON.parse(await readerJob('describe', copy)) as DatabaseDescription; // written by database-reader.mjs
}

/** Throws unless both databases are sound and hold the same schema and rows. */
export async function expectSameContent(leftPath: string, rightPath: string): Promise<void> {
  const left = await describeDatabase(leftPath);
  const right = await describeDatabase(rightPath);
  for (const [path, { integrity }] of [[leftPath, left] as const, [rightPath, right] as const]) {
    if (integrity !== 'ok') throw new Error(`${path}: ${integrity}`);
  }
  if (left.contentHash !== right.contentHash) {
    throw new Error(`${leftPath} and ${rightPath} hold different rows: ${JSON.stringify({ left, right })}`);
  }
}

/** Executes SQL on a database in another process, then closes the connection. */
export const runSql = (databasePath: string, sql: string): Promise<string> => readerJob('run', databasePath, sql);

/** Rows of one statement, each an array of columns, read in another process. */
export async function querySql(databasePath: string, sql: string): Promise<readonly (readonly unknown[])[]> {
  return JSON.parse(await readerJob('query', databasePath, sql)) as (readonly unknown[])[]; // database-reader.mjs
}

type ReaderJob = 'checkpoint' | 'describe' | 'run' | 'query';

async function readerJob(job: ReaderJob, path: string, ...rest: string[]): Promise<string> {
  const reader = inProject('test/support/database-reader.mjs');
  const { stdout } = await runSuccessfully(process.execPath, [reader, job, path, ...rest]);
  return stdout;
}

async function compareFiles(leftPath: string, rightPath: string): Promise<PageDifference> {
  await using left = await open(leftPath, 'r');
  await using right = await open(rightPath, 'r');
  const header = Buffer.alloc(100);
  await left.read(header, 0, 100, 0);
  const declared = header.readUInt16BE(16);
  const pageSize = declared === 1 ? 65_536 : Math.max(declared, 512);
  const sizes = [(await left.stat()).size, (await right.stat()).size] as const;
  const pageCounts = [Math.ceil(sizes[0] / pageSize), Math.ceil(sizes[1] / pageSize)] as const;
  const pages: number[] = [];
  const a = Buffer.alloc(pageSize);
  const b = Buffer.alloc(pageSize);
  for (let page = 1; page <= Math.max(...pageCounts); page++) {
    const at = (page - 1) * pageSize;
    if (at <= lockPageOffset && lockPageOffset < at + pageSize) continue;
    const readLeft = await left.read(a, 0, pageSize, at);
    const readRight = await right.read(b, 0, pageSize, at);
    if (readLeft.bytesRead !== readRight.bytesRead || !a.equals(b)) pages.push(page);
  }
  return { pageSize, pageCounts, pages };
}
