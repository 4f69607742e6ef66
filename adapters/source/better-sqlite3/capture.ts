/**
 * Reads committed frames of the WAL into kernel memory, checking salts and the checksum chain on the way. What fits stays
 * there and is encoded from the very bytes that were checked (B-2); of more only page numbers are kept, 4 bytes a frame.
 */
import type { ChecksumPair } from '#format/wal/checksum';
import { frameBytes } from '#format/wal/frame';
import type { WalHeader } from '#format/wal/header';
import { SCAN_TABLE_ENTRY_BYTES, scanWal, type WalScan } from '#format/wal/scanner';
import { readFully } from './source-files.ts';
import type { Workspace } from './workspace.ts';

/** Bytes of one read. */
const READ_BYTES = 1024 * 1024;

/** What to read. */
export interface CaptureRequest {
  readonly walFd: number;
  readonly header: WalHeader;
  /** Offset of the first frame, and the chain before it. */
  readonly from: number;
  readonly chain: ChecksumPair;
  /** Frames in the log as SQLite counts them: what stands after them is not published and is not read. */
  readonly log: number;
  /** Stop at the first commit after so many bytes; 0: never. */
  readonly limitBytes: number;
}

/** Whole transactions of one generation; frames are counted from `from`. */
export interface Batch extends WalScan {
  readonly header: WalHeader;
  readonly from: number;
}

/** Reads frames; a batch that ends too early met frames that are not (or no longer) of this chain. */
export const capture = (workspace: Workspace, request: CaptureRequest): Batch => {
  const { walFd, header, from, chain, log, limitBytes } = request;
  const { kernel, frames, scanTable } = workspace;
  const entries = Math.max(1, Math.min(Math.floor(READ_BYTES / frameBytes(header.pageSize)), log));
  const scan = scanWal({
    kernel,
    header,
    from,
    chain,
    read: (at, length, into) => readFully(walFd, { into: kernel.bytes, at: into, length, from: at }),
    room: frames,
    table: { at: scanTable.at, length: Math.min(scanTable.length, entries * SCAN_TABLE_ENTRY_BYTES) },
    maxBytes: limitBytes,
    framesMax: log,
  });
  return { ...scan, header, from };
};

/** The log was rewritten while it was read: what was read is thrown away and looked at again. Never leaves the source. */
export class WalMoved extends Error {
  override readonly name = 'WalMoved';
}
