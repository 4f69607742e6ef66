/** The local level-0 files of one database: `<meta>/ltx/0/<txid>-<txid>.ltx`. The engine writes and trims them; this reads. */
import type { Txid, TxidRange } from '#domain/txid';
import type { ByteStream } from './storage.ts';

/** One local file. */
export interface LocalLtxFile extends TxidRange {
  readonly sizeBytes: number;
  readonly modifiedAtMs: number;
}

/** The local level-0 files of one database. */
export interface LevelZeroFiles {
  /** Ascending by TXID; empty when the folder does not exist. Names that are no LTX names are skipped. */
  list(): Promise<readonly LocalLtxFile[]>;
  /** The bytes of one file; `LTX_FILE_MISSING` (retryable: the replica may not need it) when it is gone. */
  open(txid: Txid, signal: AbortSignal): Promise<ByteStream>;
  /** Size, and the first `headBytes` and last `tailBytes` of one file; undefined when it is gone. */
  readEnds(
    txid: Txid,
    lengths: { readonly headBytes: number; readonly tailBytes: number },
  ): Promise<{ readonly sizeBytes: number; readonly head: Uint8Array; readonly tail: Uint8Array } | undefined>;
  /** Writes a stream to a temporary file in the metadata directory and syncs it; its path. Nothing is left on failure. */
  stage(body: ByteStream, signal: AbortSignal): Promise<string>;
  /** Removes a staged file; gone is success. */
  discard(stagedPath: string): Promise<void>;
  /** Removes the local LTX files of every level (the reset of an operator). Gone is success. */
  removeAll(): Promise<void>;
}
