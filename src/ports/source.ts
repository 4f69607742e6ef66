/**
 * What a database machine needs from the engine that follows one live SQLite database. One call at a time per database
 * (a second call while one runs is an InvariantViolation); calls for different databases may run in parallel. Page bytes
 * never pass through this port.
 *
 * The engine owns: the connections and the pin (D-2, D-7), the continuity proof (D-1), the identity of the files (D-4),
 * the exclusive lock of the metadata directory (D-6), and the files `<meta>/ltx/0/<txid>-<txid>.ltx`.
 */
import type { Txid } from '#domain/txid';

/** What a source is opened with; all values validated by the configuration. */
export interface SourceSettings {
  /** Absolute path of the database file. */
  readonly databasePath: string;
  /** Absolute path of the metadata directory. */
  readonly metaPath: string;
  /** WAL bytes after which a pass is cut at the next commit; 0: never cut. */
  readonly maxSyncWalBytes: number;
  /** Logical WAL length in pages from which a pass may end in a sealed restart without a further command. */
  readonly sealAtPages: number;
}

/** Why the next file is a full copy; the text is what the log and the facts show. */
export type SnapshotReason = string;

/** What opening a database gave. */
export type OpenOutcome =
  /** There is no file at the path; nothing is held. */
  | { readonly kind: 'absent' }
  /** Connections, pin and lock are held. `position` is the newest local TXID (0: none). */
  | { readonly kind: 'opened'; readonly position: Txid; readonly pageSize: number; readonly walBytes: number };

/** A cheap look: is there anything to read? Doubt counts as a change. */
export interface LookOutcome {
  readonly hasChanged: boolean;
  /** Logical length of the WAL in bytes (frames in the log, not the file size). */
  readonly walBytes: number;
}

/** A file a pass has published. */
export interface WrittenFile {
  readonly txid: Txid;
  readonly sizeBytes: number;
  /** Pages of the database after this TXID. */
  readonly commit: number;
  /** Present when the file is a full copy; empty for the very first file. */
  readonly snapshotReason?: SnapshotReason;
}

/** What the checkpoint policy decides from (domain/checkpoint-policy). */
export interface CheckpointInput {
  /** Logical end of the WAL read so far, bytes. */
  readonly walBytes: number;
  readonly pageSize: number;
  /** Something was synced since the last checkpoint that restarted the WAL. */
  readonly hasSyncedSinceCheckpoint: boolean;
  /** Milliseconds since the database file was last modified. */
  readonly databaseAgeMs: number;
}

/** A sealed restart that happened inside a pass or was asked for. */
export interface CheckpointOutcome {
  /** `restarted`: the whole WAL is in the database and captured, the next writer starts over. */
  readonly result: 'restarted' | 'partial' | 'busy' | 'notNeeded';
  /** Frames in the log and frames in the database file at the end. */
  readonly logFrames: number;
  readonly checkpointedFrames: number;
  /** Time the write lock was held by us; 0 when it was not taken. */
  readonly heldMs: number;
  /** An older reader keeps frames from being checkpointed. */
  readonly isReaderBlocking: boolean;
}

/** What one pass over the WAL did. */
export interface PassOutcome {
  /** Newest local TXID after the pass. */
  readonly position: Txid;
  /** Files published by this pass, ascending; usually none or one. */
  readonly written: readonly WrittenFile[];
  /** The pass was cut by `maxSyncWalBytes` or by a sealed restart: call again at once. */
  readonly isMoreWaiting: boolean;
  readonly checkpointInput: CheckpointInput;
  /** A sealed restart done by the pass itself because the log had grown past `sealAtPages`. */
  readonly sealed?: CheckpointOutcome;
  /** Broken promises of SQLite or of the file system that were noticed and answered with a full copy. */
  readonly violations: number;
}

/** Where the local files stand at the close, and what its last pass published. */
export interface CloseOutcome {
  readonly position: Txid;
  readonly written: readonly WrittenFile[];
}

/** A live database that is followed; calls are taken one after the other. */
export interface SourceDatabase {
  /**
   * Takes lock, connections and pin, reads the newest local position, removes leftovers (`*.tmp`). All or nothing.
   * Errors: `DATABASE_LOCKED_BY_DAEMON`, `DATABASE_NOT_A_DATABASE`, `DATABASE_NOT_WAL`, `DATABASE_READ_ONLY`,
   * `DATABASE_BUSY`, `DATABASE_UNREADABLE`, `DISK_FULL`, `LTX_*` (newest local file damaged), `SQLITE_TOO_OLD`.
   */
  open(): Promise<OpenOutcome>;
  /** Never throws for a change it cannot judge: that is `hasChanged: true`. */
  look(): Promise<LookOutcome>;
  /**
   * One bounded pass: proof of continuity, frames up to the last commit, one LTX file, published durably. Without news
   * nothing is written. A failed pass leaves position, state and names as they were (I-19). `DATABASE_REPLACED` when the
   * file at the path is another one (close and open again).
   */
  pass(): Promise<PassOutcome>;
  /** `passive`: no lock is taken; `sealed`: D-7. Never TRUNCATE, RESTART or FULL. Busy is a result, not an error. */
  checkpoint(mode: 'passive' | 'sealed'): Promise<CheckpointOutcome>;
  /** Makes the next pass write a full copy whose TXID is above both the local position and `after`. */
  requireSnapshot(request: { readonly after: Txid; readonly reason: SnapshotReason }): Promise<void>;
  /**
   * Replaces the local level 0 by one file fetched from a replica, staged at `stagedPath` inside the metadata directory:
   * its position becomes ours, the next pass proves continuity against it or writes a full copy.
   */
  adopt(staged: { readonly stagedPath: string; readonly txid: Txid }): Promise<void>;
  /** Deletes local level-0 files by TXID; the newest is never deleted (InvariantViolation). */
  trim(txids: readonly Txid[]): Promise<void>;
  /** A last unlimited pass if asked, then every lock and descriptor is given back, whatever fails on the way. */
  close(options: { readonly finalPass: boolean }): Promise<CloseOutcome>;
}

/** Makes sources; where the work runs (worker or inline) is its affair. */
export interface SourceFactory {
  create(settings: SourceSettings): SourceDatabase;
  /** Ends the workers. Every source was closed before. */
  shutdown(): Promise<void>;
}
