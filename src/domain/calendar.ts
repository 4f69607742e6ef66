/**
 * When the work of a level is due: at whole multiples of its interval since the year 1, UTC, so that every host agrees and
 * intervals that divide a day fall on the wall clock (24 h: 00:00 UTC).
 */

/** Seconds from 0001-01-01T00:00:00Z to the Unix epoch. */
const UNIX_EPOCH_SECONDS = 62_135_596_800;

const sinceBoundaryMs = (nowMs: number, intervalMs: number): number => {
  if (!(intervalMs > 0)) throw new RangeError(`an interval of ${intervalMs} ms has no boundaries`);
  const elapsed = (nowMs + UNIX_EPOCH_SECONDS * 1000) % intervalMs;
  return elapsed < 0 ? elapsed + intervalMs : elapsed;
};

/** The last boundary at or before `nowMs`, ms since the epoch. Throws a RangeError unless the interval is above 0. */
export const previousBoundaryMs = (nowMs: number, intervalMs: number): number =>
  nowMs - sinceBoundaryMs(nowMs, intervalMs);

/** The first boundary after `nowMs`. */
export const nextBoundaryMs = (nowMs: number, intervalMs: number): number =>
  previousBoundaryMs(nowMs, intervalMs) + intervalMs;
