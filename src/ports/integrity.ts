/** SQLite's own opinion of a database file. */

/** `quick`: PRAGMA quick_check; `full`: PRAGMA integrity_check. */
export type IntegrityMode = 'quick' | 'full';

/** SQLite's own checks of a database file. */
export interface IntegrityChecker {
  /**
   * Every row of the report; exactly `['ok']` for a sound database. The file's bytes are not changed and no companion
   * (`-wal`, `-shm`) stays. A file SQLite cannot read gives its complaint as the only row.
   */
  check(path: string, mode: IntegrityMode): Promise<readonly string[]>;
}
