/** Durations as operators know them from Litestream's log: `1m0s`, `1.5s`, `250ms`. */

const NANOSECONDS_PER_MS = 1_000_000;

/** Whole nanoseconds of a duration in milliseconds. */
export const durationNanoseconds = (durationMs: number): bigint => BigInt(Math.round(durationMs * NANOSECONDS_PER_MS));

const trimmed = (value: bigint, unit: bigint): string => {
  const digits = unit.toString().length - 1;
  const fraction = (value % unit).toString().padStart(digits, '0').replace(/0+$/, '');
  return fraction === '' || digits === 0 ? `${value / unit}` : `${value / unit}.${fraction}`;
};

/**
 * The text of a duration: hours, minutes and seconds from one second on (`72h0m0s`), else `ms`, `µs` or `ns`; `0s` for none;
 * a minus in front of negative ones.
 */
export const formatDuration = (durationMs: number): string => {
  const nanoseconds = durationNanoseconds(durationMs);
  if (nanoseconds === 0n) return '0s';
  const sign = nanoseconds < 0n ? '-' : '';
  const size = nanoseconds < 0n ? -nanoseconds : nanoseconds;
  if (size < 1_000n) return `${sign}${size}ns`;
  if (size < 1_000_000n) return `${sign}${trimmed(size, 1_000n)}µs`;
  if (size < 1_000_000_000n) return `${sign}${trimmed(size, 1_000_000n)}ms`;
  const minutes = size / 60_000_000_000n;
  const seconds = `${trimmed(size % 60_000_000_000n, 1_000_000_000n)}s`;
  if (minutes === 0n) return `${sign}${seconds}`;
  if (minutes < 60n) return `${sign}${minutes}m${seconds}`;
  return `${sign}${minutes / 60n}h${minutes % 60n}m${seconds}`;
};
