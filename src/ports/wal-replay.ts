/** Moving a WAL file that lies beside a database into it, by SQLite itself. */

/** The result row of `PRAGMA wal_checkpoint`. */
export interface ReplayOutcome {
  readonly isBusy: boolean;
  /** Frames SQLite found valid and committed in the WAL. */
  readonly logFrames: number;
  /** Frames that are in the database file now. */
  readonly checkpointedFrames: number;
}

export interface WalReplay {
  /**
   * Opens the database at the path, checkpoints `<path>-wal` into it and closes it; afterwards neither `-wal` nor `-shm`
   * exists. The file is durable. `V03_INVALID` when SQLite cannot open or checkpoint it.
   */
  replay(path: string): Promise<ReplayOutcome>;
}
