/** Notices of change in a directory. A notice says "look at this name", nothing more; notices may coalesce or be lost. */

/** A running watch. */
export interface Watch {
  close(): void;
}

export interface Watcher {
  /**
   * Watches one directory (not its children). `onChange` gets the base name that changed, or `undefined` when the system
   * lost notices (look at everything). `onFailure` is called once when the watch is broken; then it is closed, and the
   * caller falls back to polling. Throws when the watch cannot be set up.
   */
  watchDirectory(
    path: string,
    onChange: (name: string | undefined) => void,
    onFailure: (error: unknown) => void,
  ): Watch;
}
