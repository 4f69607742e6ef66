/** The local level-0 files as the source reads them: which is the newest, is it good, what does a page of it hold. */
import fs from 'node:fs';
import { join } from 'node:path';
import { formatLtxName, parseLtxName, type TxidRange } from '#domain/txid';
import { ReplicationError } from '#errors/replication-error';
import { LtxDecoder } from '#format/ltx/decoder';
import type { LtxHeader } from '#format/ltx/header';
import { wholeArena } from '#format/ltx/memory-region';
import { decodePageFrame, INDEX_TAIL_BYTES, type PageIndex, parsePageIndexTail } from '#format/ltx/page-index';
import { checkNamedRange } from '#format/ltx/verify';
import { foreignCodeOf, isAbsent, onSource, toSourceError } from './errors.ts';
import { levelZeroDirectory } from './level-zero-writer.ts';
import { readFully, type SourceFiles } from './source-files.ts';
import type { Workspace } from './workspace.ts';

/** Ranges of the local files, ascending by their last TXID; empty when there is no directory. */
export const listLevelZero = (metaPath: string): readonly TxidRange[] => {
  const directory = levelZeroDirectory(metaPath);
  let names: readonly string[] = [];
  try {
    names = fs.readdirSync(directory);
  } catch (error) {
    if (!isAbsent(error) && foreignCodeOf(error) !== 'ENOTDIR') throw toSourceError(error, 'list', directory);
  }
  const ranges = names.map(parseLtxName).filter((range) => range !== undefined);
  return ranges.sort((a, b) => (a.maxTxid < b.maxTxid ? -1 : a.maxTxid > b.maxTxid ? 1 : 0));
};

/** A local file that was read to its end and found good. */
export interface VerifiedFile {
  readonly path: string;
  readonly header: LtxHeader;
}

/** Decodes a whole file (`LTX_*`); its header must say the range of the name. */
export const verifyFile = (
  { kernel }: Workspace,
  { path, range, files }: { readonly path: string; readonly range: TxidRange; readonly files: SourceFiles },
): VerifiedFile => {
  let fd: number;
  try {
    fd = files.open(path, 'r');
  } catch (error) {
    throw isAbsent(error) ? missing(path, error) : toSourceError(error, 'open', path);
  }
  try {
    const decoder = new LtxDecoder({ kernel, region: wholeArena(kernel), name: path });
    for (let from = 0; ; ) {
      const window = decoder.inputWindow();
      const place = { into: kernel.bytes, at: window.at, length: Math.min(window.length, 4 * 1024 * 1024), from };
      const read = onSource('read', path, () => readFully(fd, place));
      if (read === 0) break;
      decoder.pushed(read);
      from += read;
    }
    const { header } = decoder.finish();
    checkNamedRange(header, range, path);
    return { path, header };
  } finally {
    files.close(fd);
  }
};

const missing = (path: string, cause: unknown): ReplicationError =>
  new ReplicationError('LTX_FILE_MISSING', `local LTX file ${path} is missing`, {
    retryable: true,
    hint: 'Run "litestream reset", or remove the metadata directory.',
    details: { path },
    cause,
  });

/** The newest local file, verified; undefined when there is none. */
export const verifyNewest = (
  workspace: Workspace,
  { metaPath, files }: { readonly metaPath: string; readonly files: SourceFiles },
): VerifiedFile | undefined => {
  const range = listLevelZero(metaPath).at(-1);
  if (range === undefined) return undefined;
  const path = join(levelZeroDirectory(metaPath), formatLtxName(range));
  return verifyFile(workspace, { path, range, files });
};

/** One page of a verified file; undefined when the file does not hold it. */
export const readLevelZeroPage = (
  { kernel }: Workspace,
  {
    file,
    pageNumber,
    files,
  }: { readonly file: VerifiedFile; readonly pageNumber: number; readonly files: SourceFiles },
): Uint8Array | undefined => {
  const { path, header } = file;
  const fd = onSource('open', path, () => files.open(path, 'r'));
  try {
    const location = readIndex(fd, path).find(pageNumber);
    if (location === undefined) return undefined;
    const frame = Buffer.alloc(location.size);
    readFully(fd, { into: frame, at: 0, length: location.size, from: location.offset });
    const place = { name: path, offset: location.offset };
    return decodePageFrame(frame, { kernel, pgno: pageNumber, pageSize: header.pageSize, place });
  } finally {
    files.close(fd);
  }
};

const readIndex = (fd: number, path: string): PageIndex => {
  const fileBytes = fs.fstatSync(fd).size;
  for (let tailBytes = INDEX_TAIL_BYTES; ; ) {
    const length = Math.min(tailBytes, fileBytes);
    const tail = Buffer.alloc(length);
    readFully(fd, { into: tail, at: 0, length, from: fileBytes - length });
    const found = parsePageIndexTail(tail, fileBytes, path);
    if (found.kind === 'index') return found.index;
    tailBytes = found.tailBytes;
  }
};

/** Removes leftovers of work that was interrupted: every `*.tmp` in the metadata directory. */
export const removeTemporaryFiles = (files: SourceFiles, directory: string): void => {
  for (const entry of fs.readdirSync(directory, { withFileTypes: true })) {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) removeTemporaryFiles(files, path);
    else if (entry.name.endsWith('.tmp')) onSource('remove', path, () => files.unlink(path));
  }
};
