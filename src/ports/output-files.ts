/**
 * Where a restored database is written: a temporary file beside the output, published by a rename. Errors of the file
 * system arrive as `OUTPUT_INVALID` or `DISK_FULL`.
 */

/** What stands at a path. */
export interface OutputEntry {
  readonly kind: 'file' | 'directory' | 'other';
  readonly sizeBytes: number;
  /** Permission bits, and the owner. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

/** Permissions a new file gets, not changed by `umask`; a refused change of owner is ignored. */
export interface OutputOwnership {
  readonly mode: number;
  readonly uid?: number;
  readonly gid?: number;
}

/** Equal-sized pages that lie one after the other in memory, each with its own place in the file. */
export interface ScatteredPages {
  readonly bytes: Uint8Array;
  readonly pageSize: number;
  /** Page numbers, ascending; page `n` belongs at `(n - 1) * pageSize`. */
  readonly pageNumbers: Uint32Array;
}

/** A temporary file, open for reading and writing. */
export interface OutputFile {
  readonly path: string;
  /** Memory from which large writes need no copy; rounded up to whole pages of memory. */
  allocate(sizeBytes: number): Uint8Array;
  /** Writes all bytes at the offset. The bytes must not change before this resolves. */
  write(bytes: Uint8Array, at: number): Promise<void>;
  /** Writes pages to their places; neighbours travel together. The bytes must not change before this resolves. */
  writePages(pages: ScatteredPages): Promise<void>;
  /** At most `length` bytes from the offset; fewer at the end of the file. */
  read(at: number, length: number): Promise<Uint8Array>;
  /** Pushes what was written so far towards the disk; the next writes may go on meanwhile. */
  flush(): Promise<void>;
  /** Sets the length: cuts, or appends zeros. */
  truncate(sizeBytes: number): Promise<void>;
  /** Content and length are durable when this resolves. */
  sync(): Promise<void>;
  /** Waits for writes in flight and gives the descriptor back. Repeating it does nothing. */
  close(): Promise<void>;
}

export interface OutputFiles {
  /** What is there, following links; undefined when nothing is. */
  inspect(path: string): Promise<OutputEntry | undefined>;
  /**
   * Temporary files that dead processes left for this output (`<output>.<pid>.<8 hex>.tmp` and SQLite's companions of
   * those); never one of a process that still runs.
   */
  findLeftovers(output: string): Promise<readonly string[]>;
  /** Makes missing parents of the path with mode 0700, each durable in its own parent. */
  makeParents(path: string): Promise<void>;
  /** A new empty file `<output>.<pid>.<8 hex>.tmp` beside the output. */
  createTemporary(output: string, ownership: OutputOwnership): Promise<OutputFile>;
  /** A new file, or an old one emptied, at exactly this path. */
  createAt(path: string, ownership: OutputOwnership): Promise<OutputFile>;
  /** Gone is success. */
  remove(path: string): Promise<void>;
  /** Gives a file another name in the same directory; false when there is no such file. */
  move(from: string, to: string): Promise<boolean>;
  /**
   * Gives the temporary file the output's name. With `mayReplace` an old file vanishes in the same instant; without it
   * a file that appeared meanwhile is `OUTPUT_EXISTS` and stays.
   */
  publish(temporary: string, output: string, options: { readonly mayReplace: boolean }): Promise<void>;
  /** Names in the parent directory are durable when this resolves. */
  syncParent(path: string): Promise<void>;
}
