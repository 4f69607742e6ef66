/** A bound on parallel work. */
export interface Limiter {
  /** Runs `work` when a slot is free; an aborted wait rejects with `ABORTED` and takes no slot. */
  run<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T>;
}
