/** A database that an application in another process writes and a source in this one follows. */
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { createBetterSqlite3Source } from '#adapters/source/better-sqlite3/source';
import { nodeSourceFiles, type SourceFiles } from '#adapters/source/better-sqlite3/source-files';
import { createWorkspace, type Workspace } from '#adapters/source/better-sqlite3/workspace';
import { lockPageNumber } from '#domain/page';
import { parseLtxName } from '#domain/txid';
import { LtxDecoder } from '#format/ltx/decoder';
import type { LtxHeader } from '#format/ltx/header';
import { wholeArena } from '#format/ltx/memory-region';
import type { PassOutcome, SourceDatabase, WrittenFile } from '#ports/source';
import { type Application, startApplication } from '../../../support/application.ts';
import { temporaryDirectory } from '../../../support/temporary-directory.ts';

let shared: Workspace | undefined;

/** Kernel memory of all tests of a file, smaller than the daemon's so that large transactions do not fit. */
export const testWorkspace = (): Workspace => {
  shared ??= createWorkspace({ arenaBytes: 16 * 1024 * 1024 });
  return shared;
};

export interface FollowOptions {
  readonly maxSyncWalBytes?: number;
  /** Default: never by itself. */
  readonly sealAtPages?: number;
  readonly files?: SourceFiles;
}

export interface FollowedDatabase extends AsyncDisposable {
  readonly directory: string;
  readonly path: string;
  readonly metaPath: string;
  readonly app: Application;
  /** Milliseconds since the epoch as the source sees them; a test moves it. */
  readonly clock: { now: number };
  /** A source that is not open yet. Closed without a last pass at the end. */
  source(options?: FollowOptions): SourceDatabase;
  /** Paths of the local files, ascending. */
  files(): readonly string[];
  header(path: string): LtxHeader;
  /** Replays all local files and compares with what SQLite sees, byte by byte. */
  expectReplayEqualsSource(): Promise<void>;
}

/** An application with an open connection (autocheckpoint off) and a table `t`. */
export const followedDatabase = async ({ pageSize = 4096 } = {}): Promise<FollowedDatabase> => {
  const directory = await temporaryDirectory('source');
  const path = directory.join('app.db');
  const metaPath = directory.join('.app.db-litestream');
  const app = await startApplication();
  const clock = { now: 1_700_000_000_000 };
  const sources: SourceDatabase[] = [];
  await app.open(path);
  await app.pragma(`page_size = ${pageSize}`);
  await app.pragma('journal_mode = wal');
  await app.pragma('wal_autocheckpoint = 0');
  await app.exec('CREATE TABLE t (id INTEGER PRIMARY KEY, data BLOB)');

  const files = (): readonly string[] => {
    const folder = join(metaPath, 'ltx', '0');
    mkdirSync(folder, { recursive: true });
    return readdirSync(folder)
      .filter((name) => parseLtxName(name) !== undefined)
      .sort()
      .map((name) => join(folder, name));
  };

  return {
    directory: directory.path,
    path,
    metaPath,
    app,
    clock,
    source: ({ maxSyncWalBytes = 0, sealAtPages = 0, files: sourceFiles = nodeSourceFiles } = {}) => {
      const settings = { databasePath: path, metaPath, maxSyncWalBytes, sealAtPages };
      const source = createBetterSqlite3Source({
        settings,
        clock: { nowMs: () => clock.now },
        workspace: testWorkspace(),
        files: sourceFiles,
      });
      sources.push(source);
      return source;
    },
    files,
    header: (file) => decode(file, () => undefined),
    expectReplayEqualsSource: async () => {
      const image = join(directory.path, 'image');
      await app.image(image);
      expectSamePages(replay(files()), readFileSync(image));
    },
    [Symbol.asyncDispose]: async () => {
      for (const source of sources) await source.close({ finalPass: false });
      await app.kill();
      await directory[Symbol.asyncDispose]();
    },
  };
};

/** Passes until nothing is waiting; the files written. */
export const syncAll = async (source: SourceDatabase): Promise<readonly WrittenFile[]> => {
  const written: WrittenFile[] = [];
  let outcome: PassOutcome;
  do {
    outcome = await source.pass();
    written.push(...outcome.written);
  } while (outcome.isMoreWaiting);
  return written;
};

const decode = (path: string, onPage: (pageNumber: number, page: Uint8Array) => void): LtxHeader => {
  const { kernel } = testWorkspace();
  const decoder = new LtxDecoder({
    kernel,
    region: wholeArena(kernel),
    name: path,
    onPages: ({ header, count, pageNumbers, pages }) => {
      for (let i = 0; i < count; i++) {
        onPage(pageNumbers[i] ?? 0, pages.subarray(i * header.pageSize, (i + 1) * header.pageSize));
      }
    },
  });
  decoder.push(readFileSync(path));
  return decoder.finish().header;
};

/** The newest copy of every page, in order. Every page up to the last commit must have been in some file (I-6). */
export const replay = (files: readonly string[]): Buffer => {
  const pages = new Map<number, Buffer>();
  let last: LtxHeader | undefined;
  for (const path of files) {
    const header = decode(path, (pageNumber, page) => pages.set(pageNumber, Buffer.from(page)));
    if (last !== undefined) expect(header.timestampMs, 'timestamps ascend').toBeGreaterThan(last.timestampMs);
    expect(Number(header.walOffset), 'a WAL offset that Litestream accepts').toBeGreaterThanOrEqual(32);
    for (const pageNumber of pages.keys()) if (pageNumber > header.commit) pages.delete(pageNumber);
    last = header;
  }
  if (last === undefined) throw new Error('no local files');
  const { commit, pageSize } = last;
  const image = Buffer.alloc(commit * pageSize);
  for (let pageNumber = 1; pageNumber <= commit; pageNumber++) {
    if (pageNumber === lockPageNumber(pageSize)) continue;
    const page = pages.get(pageNumber);
    expect(page, `page ${pageNumber} of ${commit} is in some file`).toBeDefined();
    page?.copy(image, (pageNumber - 1) * pageSize);
  }
  return image;
};

const expectSamePages = (replayed: Buffer, source: Buffer): void => {
  expect(replayed.length).toBe(source.length);
  if (replayed.equals(source)) return;
  const pageSize = source.readUInt16BE(16) === 1 ? 65536 : source.readUInt16BE(16);
  const different: number[] = [];
  for (let at = 0; at < source.length; at += pageSize) {
    if (!replayed.subarray(at, at + pageSize).equals(source.subarray(at, at + pageSize)))
      different.push(at / pageSize + 1);
  }
  expect(different, 'pages that differ from the source').toEqual([]);
};
