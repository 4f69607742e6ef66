/** What is known of one opened database. The position and the end are those of published files, nothing else (I-19). */
import type { Txid } from '#domain/txid';
import type { ChecksumPair } from '#format/wal/checksum';
import type { Clock } from '#ports/clock';
import type { SnapshotReason, SourceSettings } from '#ports/source';
import type { ControlConnection, TransactionConnection } from './connections.ts';
import type { DatabaseIdentity } from './identity.ts';
import type { MetadataLock } from './metadata-lock.ts';
import type { SourceFiles } from './source-files.ts';
import type { Workspace } from './workspace.ts';

/** What a source is given by its surroundings. */
export interface SourceContext {
  readonly settings: SourceSettings;
  readonly clock: Pick<Clock, 'nowMs'>;
  /** Milliseconds from anywhere, for short waits. */
  readonly monotonicMs: () => number;
  readonly files: SourceFiles;
  readonly workspace: Workspace;
}

/** The read transaction that pins the WAL. */
export interface Pin {
  /** Frames in the log when it began: nobody may copy more of them into the database file. 0 after an adopted restart. */
  readonly log: number;
  /**
   * Everything was in the database file when it began: it sits on read lock 0. Nobody can copy anything, but the next writer
   * may start the WAL over. Ends at the first committed frame.
   */
  readonly isPending: boolean;
  /** Pages of the database as the transaction sees it. */
  readonly pageCount: number;
}

/** Where reading of the WAL stopped; everything before is in published files. */
export interface WalEnd extends ChecksumPair {
  /** The 32 header bytes of the generation; none when there was no header. */
  readonly header: Buffer;
  readonly salt1: number;
  readonly salt2: number;
  /** Offset after the last frame read, at least 32; the checksums are those stored in that frame (or in the header). */
  readonly offset: number;
}

/** The newest published file. */
export interface Published {
  /** 0: none. */
  readonly position: Txid;
  /** Pages of the database after it. */
  readonly commit: number;
  readonly timestampMs: number;
}

/** An opened database. */
export interface FollowedDatabase {
  readonly context: SourceContext;
  readonly lock: MetadataLock;
  /** The long-lived descriptor of the database file. */
  readonly descriptor: number;
  readonly pageSize: number;
  control: ControlConnection;
  pinned: TransactionConnection;
  second: TransactionConnection | undefined;
  identity: DatabaseIdentity;
  pin: Pin;
  published: Published;
  end: WalEnd;
  /** Present: the next file is a full copy, for this reason, with a TXID above `above`. */
  required: { readonly reason: SnapshotReason; readonly above: Txid } | undefined;
  /** `data_version` before the last pass that found the end; undefined: look again. */
  seenVersion: number | undefined;
  seenLog: number;
  /** Present: the pin was lost; everything is opened again before the next work. */
  lostPin: string | undefined;
  secondUsedAtMs: number;
  /** Looks in a row that met a WAL whose valid frames end before the log does. */
  unreadableLooks: number;
  hasSyncedSinceCheckpoint: boolean;
  /** Seals that a reader stopped, in a row, and when to try again. */
  failedSeals: number;
  /** Frames in the database file when a reader last stopped a seal. */
  blockedAtFrames: number | undefined;
  sealAtMs: number;
  violations: number;
}
