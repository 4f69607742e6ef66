/** Keeping the log small: old facts of a stream are replaced by what they add up to. */
import type { Fact, RecordedFact } from './facts.ts';
import { foldStream } from './fold.ts';
import { parseStream } from './streams.ts';

/** Days of facts that stay as they were, for `history`. */
export const KEPT_MS_DEFAULT = 7 * 24 * 3_600_000;

/** Replace every fact of the stream up to `through` by this one, at the place and time of the last of them. */
export interface CompactionPlan {
  readonly stream: string;
  readonly through: number;
  readonly atMs: number;
  readonly fact: Fact;
}

/**
 * The plan for one stream, or `undefined` when fewer than two of its facts were recorded before `beforeMs`. `records` are
 * the facts of that stream alone, oldest first. The folded state reads exactly as the facts did.
 */
export const planCompaction = (
  stream: string,
  records: readonly RecordedFact[],
  beforeMs: number,
): CompactionPlan | undefined => {
  const place = parseStream(stream);
  const end = records.findIndex(({ atMs }) => atMs >= beforeMs);
  const old = end === -1 ? records : records.slice(0, end);
  const last = old.at(-1);
  if (place === undefined || last === undefined || old.length < 2) return undefined;
  return {
    stream,
    through: last.seq,
    atMs: last.atMs,
    fact: { type: 'state.folded', ...foldStream(place.kind, old) },
  };
};
