/** Bad luck on request: what a simulation or a test may do to a memory replica. */
import type { Level } from '#domain/level';
import type { TxidRange } from '#domain/txid';
import type { LtxFileInfo } from '#ports/storage';

/** One call as the faults see it. */
export interface StorageCall {
  readonly operation: 'init' | 'list' | 'open' | 'write' | 'delete' | 'deleteAll';
  /** Absent for `init` and `deleteAll`. */
  readonly level?: Level;
  /** The files of `open`, `write` and `delete`. */
  readonly ranges?: readonly TxidRange[];
}

/**
 * Every hook may be left out. An error thrown by a hook is what the caller gets; a promise is waited for, so a slow
 * storage is a hook that waits on the (simulated) clock.
 */
export interface StorageFaults {
  /** Before anything happened: slow, or refused. */
  readonly before?: (call: StorageCall) => void | Promise<void>;
  /** After it happened, before the caller hears of it: done but answered with an error, or late. */
  readonly after?: (call: StorageCall) => void | Promise<void>;
  /** True for a file that listings do not show yet (listed late); it can be opened all the same. */
  readonly isHidden?: (file: LtxFileInfo) => boolean;
  /** Before each chunk of an open stream, with the bytes given so far: a transfer that breaks or stalls. */
  readonly beforeChunk?: (call: StorageCall, offset: number) => void | Promise<void>;
}
