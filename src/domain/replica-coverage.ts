/** What a replica holds of a history, and whether it is ours (D-5, I-3, I-21). */
import type { Level } from './level.ts';
import { compareRanges, laterTxid, type Txid, type TxidRange, ZERO_TXID } from './txid.ts';

/** A listed file. */
export interface CoverageFile extends TxidRange {
  readonly level: Level;
  readonly sizeBytes: number;
}

/** Highest TXID of any level, 0 when empty: new TXIDs must lie above it, whatever is missing below (I-3). */
export const highestTxid = (files: readonly TxidRange[]): Txid =>
  files.reduce((highest, { maxTxid }) => laterTxid(highest, maxTxid), ZERO_TXID);

/** The end of the run a restore can reach from TXID 1, over all levels; 0 when nothing begins there (I-21). */
export const coveredThrough = (files: readonly TxidRange[]): Txid => {
  let reached = ZERO_TXID;
  for (const { minTxid, maxTxid } of [...files].sort(compareRanges)) {
    if (minTxid > reached + 1n) break;
    reached = laterTxid(reached, maxTxid);
  }
  return reached;
};

/** What identifies a level-0 file beyond its name. */
export interface LocalFileIdentity {
  readonly txid: Txid;
  readonly sizeBytes: number;
}

/** The newest level-0 file of one TXID that both sides have, as local and listed file; undefined when there is none. */
export const newestCommonFile = <Local extends LocalFileIdentity, Remote extends CoverageFile>(
  local: readonly Local[],
  remote: readonly Remote[],
): { readonly local: Local; readonly remote: Remote } | undefined => {
  const byTxid = new Map(
    remote
      .filter(({ level, minTxid, maxTxid }) => level === 0 && minTxid === maxTxid)
      .map((file) => [file.maxTxid, file]),
  );
  let newest: { readonly local: Local; readonly remote: Remote } | undefined;
  for (const file of local) {
    const there = byTxid.get(file.txid);
    if (there !== undefined && (newest === undefined || file.txid > newest.local.txid)) {
      newest = { local: file, remote: there };
    }
  }
  return newest;
};

/**
 * `empty`: nothing there. `same`: level with us. `behind`: ours, and it lacks something. `ahead`: it has more than we; our
 * numbering goes on above it. `foreign`: another history, or none that can be shown to be ours: continued by a full copy above it.
 */
export type CoverageVerdict = 'empty' | 'same' | 'behind' | 'ahead' | 'foreign';

/** Both sides, and the comparison of what they have in common. */
export interface CoverageInput {
  readonly files: readonly CoverageFile[];
  /** Newest local TXID, 0 when there is no local file. */
  readonly localPosition: Txid;
  /**
   * Comparison of the {@link newestCommonFile} (size and trailer checksums): true when equal, false when different, undefined
   * when there is no common file. Equal numbers are never taken for identity (D-5a).
   */
  readonly isCommonFileEqual: boolean | undefined;
}

/** What the look found. */
export interface Coverage {
  readonly verdict: CoverageVerdict;
  readonly highestTxid: Txid;
  readonly coveredThrough: Txid;
  /** Something lies above the reach of a restore: a hole. */
  readonly hasHole: boolean;
}

/** The verdict. A wiped metadata directory (position 0) makes any replica `ahead`. */
export const judgeCoverage = ({ files, localPosition, isCommonFileEqual }: CoverageInput): Coverage => {
  const highest = highestTxid(files);
  const covered = coveredThrough(files);
  const answer = (verdict: CoverageVerdict): Coverage => {
    return { verdict, highestTxid: highest, coveredThrough: covered, hasHole: covered < highest };
  };
  if (highest === ZERO_TXID) return answer('empty');
  if (localPosition === ZERO_TXID) return answer('ahead');
  if (isCommonFileEqual !== true) return answer('foreign');
  if (highest > localPosition) return answer('ahead');
  return answer(covered === localPosition ? 'same' : 'behind');
};
