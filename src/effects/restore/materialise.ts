/**
 * The database image of a plan, written into a temporary file.
 *
 * The files are applied in the order of the plan, each whole page to its place: later files win, one file is decoded at a
 * time, and a chain of hundreds costs no more memory than a chain of one. (Merging all files by page number, as the
 * reference does, writes every page once but keeps every transfer open until the last page.) Pages beyond the last file's
 * size are cut off at the end, not in between, so a database that shrank and grew again keeps what later files do not
 * bring anew, exactly as a merge would.
 *
 * RI-4: every file is decoded to its trailer and its checksum compared before this resolves.
 */
import { formatTxid, formatTxidRange, type TxidRange } from '#domain/txid';
import type { ErrorCode } from '#errors/codes';
import { errorCodeOf, isReplicationError, ReplicationError, throwIfAborted } from '#errors/replication-error';
import type { OutputFile } from '#ports/output-files';
import type { ByteStream, LtxFileInfo } from '#ports/storage';
import { type LtxImageHeader, readLtxPages } from './ltx-pages.ts';
import { createPagePresence, type PagePresence } from './page-presence.ts';
import { createPageWriter, type PageWriter } from './page-writer.ts';
import { createPrefetch } from './prefetch.ts';
import type { RestoreCandidate, RestoreRequest, RestoreServices } from './restore-types.ts';
import { readResuming } from './resuming-reader.ts';

/** Bytes of LTX files read ahead of their use. */
const PREFETCH_BYTES = 32 * 1024 * 1024;

/** What was written. */
export interface Materialised {
  /** Length of the database in bytes. */
  readonly sizeBytes: number;
  /** Bytes of the replica's files read. */
  readonly readBytes: number;
}

type LtxCandidate = Extract<RestoreCandidate, { readonly format: 'ltx' }>;

/** The chain so far: what the next file must fit. */
interface Chain extends TxidRange {
  readonly pageSize: number;
  readonly commit: number;
  readonly writer: PageWriter;
  readonly presence: PagePresence;
}

/**
 * Fills the temporary file; resolves when it is durable. Errors of decoding begin with "decode database: " and name level
 * and range: `LTX_*`, `STORAGE_*`. Others: `DISK_FULL`, `OUTPUT_INVALID`, `ABORTED`.
 */
export const materialise = async (
  services: RestoreServices,
  request: RestoreRequest,
  temporary: OutputFile,
  { files, replica }: LtxCandidate,
): Promise<Materialised> => {
  const totalBytes = files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  let readBytes = 0;
  const counted = async function* (stream: ByteStream): ByteStream {
    for await (const chunk of stream) {
      readBytes += chunk.length;
      request.onProgress?.({ phase: 'fetching', doneBytes: readBytes, totalBytes });
      yield chunk;
    }
  };
  const prefetch = createPrefetch({
    files,
    open: (file, signal) => readResuming(services, replica.storage, file, signal),
    parallelism: Math.max(1, request.parallelism),
    budgetBytes: PREFETCH_BYTES,
    signal: request.signal,
  });
  let chain: Chain | undefined;
  try {
    for (const [index, file] of files.entries()) {
      throwIfAborted(request.signal, 'restore');
      const before = chain;
      chain = await decoding(file, () => applyFile(before, temporary, file, counted(prefetch.take(index))));
    }
  } finally {
    await prefetch.close();
  }
  if (chain === undefined) throw new TypeError('a plan has at least one file');
  const { commit, pageSize, presence } = chain;
  await decoding(undefined, async () => presence.requireThrough(commit));
  // Cuts what lay beyond the last file's size, or appends the lock page when it is the last.
  await temporary.truncate(commit * pageSize);
  await temporary.sync();
  return { sizeBytes: commit * pageSize, readBytes };
};

/** Writes the pages of one file; its trailer is verified when this resolves. */
const applyFile = async (
  before: Chain | undefined,
  temporary: OutputFile,
  file: LtxFileInfo,
  stream: ByteStream,
): Promise<Chain> => {
  let chain: Chain | undefined;
  for await (const part of readLtxPages(stream)) {
    if (part.kind === 'header') {
      chain = continueChain(before, temporary, part.header);
      requireOwnName(file, part.header);
      continue;
    }
    if (chain === undefined) throw new TypeError('pages came before the header');
    chain.presence.mark(part.pageNumbers);
    await chain.writer.write(part.pages, part.pageNumbers);
  }
  if (chain === undefined) throw new TypeError('the decoder gave no header');
  // The next file may bring the same pages: its writes must not overtake these.
  await chain.writer.settle();
  return chain;
};

/** The chain with one more file; the header's own TXIDs count, not the name's. */
const continueChain = (before: Chain | undefined, temporary: OutputFile, header: LtxImageHeader): Chain => {
  const { minTxid, maxTxid, pageSize, commit } = header;
  if (before === undefined) {
    if (minTxid !== 1n)
      throw refused('LTX_SNAPSHOT_INCOMPLETE', 'cannot decode non-snapshot LTX file to SQLite database');
    const writer = createPageWriter(temporary, pageSize);
    return { minTxid, maxTxid, pageSize, commit, writer, presence: createPagePresence(commit, pageSize) };
  }
  if (pageSize !== before.pageSize) {
    throw refused('LTX_PAGE_SIZES_DIFFER', `input files have mismatched page sizes: ${before.pageSize} != ${pageSize}`);
  }
  if (minTxid > before.maxTxid + 1n || maxTxid <= before.maxTxid) {
    const pair = (range: TxidRange): string => `(${formatTxid(range.minTxid)},${formatTxid(range.maxTxid)})`;
    throw refused(
      'LTX_NOT_CONTIGUOUS',
      `non-contiguous transaction ids in input files: ${pair(before)} -> ${pair(header)}`,
    );
  }
  return { ...before, minTxid, maxTxid, commit };
};

/** A file under another file's name fits by chance only: what it holds is not what the plan wanted. */
const requireOwnName = (file: LtxFileInfo, header: TxidRange): void => {
  if (file.minTxid === header.minTxid && file.maxTxid === header.maxTxid) return;
  throw refused('LTX_NAME_MISMATCH', `header says ${formatTxidRange(header)}`);
};

const refused = (code: ErrorCode, message: string): ReplicationError =>
  new ReplicationError(code, message, {
    retryable: false,
    hint: 'Restore an older state with -txid or -timestamp, or from another replica with -replica.',
  });

/** Says what was being decoded; an abort and errors of the output speak for themselves. */
const decoding = async <T>(file: LtxFileInfo | undefined, work: () => Promise<T>): Promise<T> => {
  try {
    return await work();
  } catch (error) {
    const isOfReplica = /^(?:LTX|LZ4|STORAGE)_/.test(errorCodeOf(error));
    if (!isReplicationError(error) || !isOfReplica) throw error;
    const where = file === undefined ? '' : `level=${file.level} ${formatTxidRange(file)}: `;
    const { code, retryable, hint, details } = error;
    throw new ReplicationError(code, `decode database: ${where}${error.message}`, {
      retryable,
      details,
      cause: error,
      ...(hint === undefined ? {} : { hint }),
    });
  }
};
