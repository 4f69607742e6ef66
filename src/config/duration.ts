/**
 * Durations as configuration files, flags and log lines write them: an optional sign, then number-unit pairs, `1h30m`,
 * `1.5h`, `500ms`. Units `ns us µs μs ms s m h` are those of Litestream; `d` (24 h) and `w` (7 days) are additions.
 */

const NANOSECONDS: Readonly<Record<string, bigint>> = {
  ns: 1n,
  us: 1000n,
  µs: 1000n,
  μs: 1000n,
  ms: 1_000_000n,
  s: 1_000_000_000n,
  m: 60_000_000_000n,
  h: 3_600_000_000_000n,
  d: 86_400_000_000_000n,
  w: 604_800_000_000_000n,
};

const NANOSECONDS_MAX = 2n ** 63n - 1n;
const PAIR = /(\d*)(?:\.(\d*))?(ns|us|µs|μs|ms|s|m|h|d|w)/uy;

/** What a text is as a duration. */
export type ParsedDuration =
  | { readonly kind: 'duration'; readonly ms: number }
  | { readonly kind: 'missingUnit' | 'tooLarge' | 'malformed' };

const parseNanoseconds = (text: string): bigint | undefined => {
  let total = 0n;
  let offset = 0;
  while (offset < text.length) {
    PAIR.lastIndex = offset;
    const match = PAIR.exec(text);
    const whole = match?.[1] ?? '';
    const fraction = match?.[2] ?? '';
    const unit = NANOSECONDS[match?.[3] ?? ''];
    if (match === null || unit === undefined || (whole === '' && fraction === '')) {
      return undefined;
    }
    // Digits beyond the 18th of a fraction are below a nanosecond in every unit.
    const digits = fraction.slice(0, 18);
    total += BigInt(whole === '' ? '0' : whole) * unit;
    total += digits === '' ? 0n : (BigInt(digits) * unit) / 10n ** BigInt(digits.length);
    offset = PAIR.lastIndex;
  }
  return total;
};

/** Reads a duration; the result is in milliseconds with fractions down to a nanosecond. Never throws. */
export const parseDuration = (text: string): ParsedDuration => {
  const isNegative = text.startsWith('-');
  const unsigned = /^[+-]/.test(text) ? text.slice(1) : text;
  if (unsigned === '0') {
    return { kind: 'duration', ms: 0 };
  }
  if (/^(?:\d+\.?\d*|\.\d+)$/.test(unsigned)) {
    return { kind: 'missingUnit' };
  }
  // Longer texts are nobody's duration, and bounding them bounds the work.
  const nanoseconds = unsigned === '' || unsigned.length > 256 ? undefined : parseNanoseconds(unsigned);
  if (nanoseconds === undefined) {
    return { kind: 'malformed' };
  }
  if (nanoseconds > NANOSECONDS_MAX) {
    return { kind: 'tooLarge' };
  }
  // In two parts, so that whole milliseconds stay whole beyond 2^53 nanoseconds.
  const ms = Number(nanoseconds / 1_000_000n) + Number(nanoseconds % 1_000_000n) / 1e6;
  return { kind: 'duration', ms: isNegative && ms !== 0 ? -ms : ms };
};

const trimFraction = (value: bigint, unit: bigint): string => {
  const fraction = (value % unit)
    .toString()
    .padStart(unit.toString().length - 1, '0')
    .replace(/0+$/, '');
  return `${value / unit}${fraction === '' ? '' : `.${fraction}`}`;
};

/** Prints milliseconds as `1m0s`, `24h0m0s`, `500ms`, `0s`: the way log lines and messages show durations. */
export const formatDuration = (ms: number): string => {
  const wholeMs = Math.trunc(ms);
  const signed = BigInt(wholeMs) * 1_000_000n + BigInt(Math.round((ms - wholeMs) * 1e6));
  const sign = signed < 0n ? '-' : '';
  const value = signed < 0n ? -signed : signed;
  if (value === 0n) {
    return '0s';
  }
  if (value < 1000n) {
    return `${sign}${value}ns`;
  }
  if (value < 1_000_000n) {
    return `${sign}${trimFraction(value, 1000n)}µs`;
  }
  if (value < 1_000_000_000n) {
    return `${sign}${trimFraction(value, 1_000_000n)}ms`;
  }
  const minutes = value / 60_000_000_000n;
  const seconds = `${trimFraction(value % 60_000_000_000n, 1_000_000_000n)}s`;
  if (minutes === 0n) {
    return `${sign}${seconds}`;
  }
  return minutes < 60n ? `${sign}${minutes}m${seconds}` : `${sign}${minutes / 60n}h${minutes % 60n}m${seconds}`;
};
