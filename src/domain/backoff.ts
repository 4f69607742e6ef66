/** How long to wait after failures. */

/** What a wait depends on. */
export interface BackoffInput {
  /** Failures in a row, at least 1; anything less counts as 1. */
  readonly failures: number;
  /** Step after the first failure, ms, > 0. */
  readonly firstMs: number;
  /** Longest step, ms. */
  readonly capMs: number;
  /** A number in [0, 1), drawn by the caller: what fails together must not return together. */
  readonly jitter: number;
}

/** Step after so many failures in a row: `firstMs`, doubling, at most `capMs`. No jitter. */
export const backoffStepMs = ({ failures, firstMs, capMs }: Omit<BackoffInput, 'jitter'>): number =>
  // 2^1024 is Infinity, which the cap absorbs.
  Math.min(capMs, firstMs * 2 ** (Math.max(1, failures) - 1));

/** A wait in whole ms within the upper half of the step: never above `capMs`, never below half the step, at least 1. */
export const backoffMs = ({ jitter, ...step }: BackoffInput): number =>
  Math.max(1, Math.round((backoffStepMs(step) * (1 + jitter)) / 2));
