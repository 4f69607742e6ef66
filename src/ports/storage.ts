/**
 * What a replica needs from a place that stores LTX files. The comments are the contract; one conformance suite runs
 * against every adapter. Every method may throw `STORAGE_UNAVAILABLE` (retryable), `STORAGE_ACCESS_DENIED` and, when
 * its signal is aborted, rejects within a second. Methods may run in parallel on one instance.
 */
import type { Level } from '#domain/level';
import type { Txid, TxidRange } from '#domain/txid';

/** Chunks of a file, in order. A stream fails rather than end early. Returning early releases its resources. */
export type ByteStream = AsyncIterable<Uint8Array>;

/** One file of a replica. */
export interface LtxFileInfo extends TxidRange {
  readonly level: Level;
  /** Bytes stored. */
  readonly sizeBytes: number;
  /** Whole milliseconds since the epoch; the header's time in an `exact` listing. */
  readonly createdAtMs: number;
}

/** `fast`: times good enough for retention. `exact`: times of the LTX headers, for restores to a moment. */
export type ListingMode = 'fast' | 'exact';

/** What to read of a file: everything from `offset` (default 0), at most `lengthBytes` (default: to the end). */
export interface ReadRange {
  readonly offset?: number;
  readonly lengthBytes?: number;
}

/** A v0.3 snapshot: a whole database image in LZ4 frame form. */
export interface V03SnapshotInfo {
  readonly generation: string;
  readonly index: number;
  readonly sizeBytes: number;
  readonly createdAtMs: number;
}

/** A v0.3 WAL segment: bytes `[offset, …)` of the WAL with this index, in LZ4 frame form. */
export interface V03SegmentInfo {
  readonly generation: string;
  readonly index: number;
  readonly offset: number;
  /** The name as listed (it may carry more offset digits than we would write). */
  readonly name: string;
  readonly sizeBytes: number;
  readonly createdAtMs: number;
}

/** Reading of backups in the old layout `generations/…`; offered by the kinds that v0.3 could write. Never writes. */
export interface V03Storage {
  /** Names of generations, sorted as strings; empty when there is none. */
  listGenerations(signal: AbortSignal): Promise<readonly string[]>;
  /** Snapshots of one generation by index, ascending. */
  listSnapshots(generation: string, signal: AbortSignal): Promise<readonly V03SnapshotInfo[]>;
  /** Segments of one generation by (index, offset), ascending. */
  listSegments(generation: string, signal: AbortSignal): Promise<readonly V03SegmentInfo[]>;
  /** The compressed bytes; `STORAGE_NOT_FOUND` when gone. */
  openSnapshot(info: V03SnapshotInfo, signal: AbortSignal): Promise<ByteStream>;
  openSegment(info: V03SegmentInfo, signal: AbortSignal): Promise<ByteStream>;
}

/** A place that keeps the LTX files of one database. */
export interface ReplicaStorage {
  /** `file`, `memory`, `s3`, … : the replica type as shown by commands. */
  readonly kind: string;
  /** Where it is, without secrets, for messages. */
  readonly location: string;
  /** Reading the head of a file costs next to nothing, so it may be done before every upload. */
  readonly hasCheapReads?: boolean;
  /** Present when the kind can hold v0.3 backups. */
  readonly v03?: V03Storage;
  /**
   * Makes the destination usable. Lazy, idempotent, single-flight; a failed call may be repeated. A missing bucket is an
   * error here or at the first operation, never "empty".
   */
  init(signal: AbortSignal): Promise<void>;
  /**
   * Every file of the level whose minTxid is at or after `from` (0: all), ascending by (minTxid, maxTxid); empty when there
   * is none. Names that are not LTX names are skipped. A failure in the middle throws: a short result never looks complete.
   */
  listLtxFiles(level: Level, from: Txid, mode: ListingMode, signal: AbortSignal): AsyncIterable<LtxFileInfo>;
  /** Bytes of one file; `STORAGE_NOT_FOUND` at the call, not at the first read. An offset beyond the end gives no bytes. */
  openLtxFile(level: Level, range: TxidRange, read: ReadRange, signal: AbortSignal): Promise<ByteStream>;
  /**
   * Whole file or nothing: a reader never sees part of a write, and after a failure no trace is listed. Writing a name
   * again replaces it. The first 100 bytes must be an LTX header, whose time becomes the file's (`STORAGE_INVALID_LTX`
   * otherwise, nothing stored). An error of `body` aborts the write and is rethrown as it is.
   */
  writeLtxFile(level: Level, range: TxidRange, body: ByteStream, signal: AbortSignal): Promise<LtxFileInfo>;
  /** Already gone is success. Every file is tried; then one `STORAGE_PARTIAL_DELETE` names those that remain. */
  deleteLtxFiles(level: Level, ranges: readonly TxidRange[], signal: AbortSignal): Promise<void>;
  /** Removes the levels 0..9 of this replica and nothing else (no v0.3 data, no other databases). */
  deleteAll(signal: AbortSignal): Promise<void>;
  /** Releases sockets and descriptors. No call may follow. */
  close(): Promise<void>;
}
