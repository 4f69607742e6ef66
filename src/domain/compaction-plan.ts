/** What one level merges next from the level below it (I-23, I-24, D-11, D-12). */
import { previousBoundaryMs } from './calendar.ts';
import { compareRanges, type Txid, type TxidRange, ZERO_TXID } from './txid.ts';

/** A file as listed. */
export interface CompactableFile extends TxidRange {
  /** Milliseconds since the epoch. */
  readonly createdAtMs: number;
}

/** The two levels as listed, and the time. */
export interface CompactionInput<File> {
  readonly nowMs: number;
  /** Interval of the destination level, > 0. */
  readonly intervalMs: number;
  /** Every file of the destination level. */
  readonly destination: readonly File[];
  /** Files of the source level; those below the end of the destination do not matter and may be left out. */
  readonly source: readonly File[];
  /** The newest snapshot, if any: where an empty level starts (D-11). */
  readonly newestSnapshot?: TxidRange | undefined;
  /** Merge although this interval has its file already. */
  readonly isForced?: boolean;
}

export type CompactionPlan<File> =
  /** The destination has a file of this interval; the next boundary is the earliest time to ask again. */
  | { readonly kind: 'tooEarly' }
  /** The source has nothing the destination lacks. */
  | { readonly kind: 'upToDate' }
  /** The source lacks `missing`, which must come first. Level 0: send it again from the local files. */
  | { readonly kind: 'hole'; readonly missing: TxidRange }
  | {
      readonly kind: 'merge';
      /** Ascending, without a gap. */
      readonly inputs: readonly File[];
      /** Name of the result. */
      readonly range: TxidRange;
      /** A hole behind the inputs: what follows it waits. */
      readonly missing: TxidRange | undefined;
      /** The result begins below the end of the destination, since no source file begins right behind it. */
      readonly isOverlapping: boolean;
    };

/** The plan. Pure; throws a RangeError for an interval that is not above 0. */
export const planCompaction = <File extends CompactableFile>(input: CompactionInput<File>): CompactionPlan<File> => {
  const { destination, source, newestSnapshot, nowMs, intervalMs, isForced = false } = input;
  const newest = destination.reduce<File | undefined>(
    (best, file) => (best === undefined || file.maxTxid > best.maxTxid ? file : best),
    undefined,
  );
  const boundaryMs = previousBoundaryMs(nowMs, intervalMs);
  if (!isForced && newest !== undefined && newest.createdAtMs > boundaryMs) return { kind: 'tooEarly' };
  const end = newest?.maxTxid ?? newestSnapshot?.maxTxid ?? ZERO_TXID;
  return collect(source.filter(({ maxTxid }) => maxTxid > end).sort(compareRanges), end);
};

/** `files` ascend and all lead beyond `end`. */
const collect = <File extends CompactableFile>(files: readonly File[], end: Txid): CompactionPlan<File> => {
  const [nearest] = files;
  if (nearest === undefined) return { kind: 'upToDate' };
  if (nearest.minTxid > end + 1n) return { kind: 'hole', missing: holeBetween(end, nearest) };
  const first = firstOf(files, end) ?? nearest;
  const inputs = [first];
  let reached = first.maxTxid;
  let missing: TxidRange | undefined;
  for (const file of files) {
    if (file.maxTxid <= reached) continue;
    if (file.minTxid > reached + 1n) {
      missing = holeBetween(reached, file);
      break;
    }
    inputs.push(file);
    reached = file.maxTxid;
  }
  const isOverlapping = end !== ZERO_TXID && first.minTxid <= end;
  return { kind: 'merge', inputs, range: { minTxid: first.minTxid, maxTxid: reached }, missing, isOverlapping };
};

/** The longest file that begins right behind `end`; else the longest that reaches across it. */
const firstOf = <File extends CompactableFile>(files: readonly File[], end: Txid): File | undefined =>
  files.findLast(({ minTxid }) => minTxid === end + 1n) ??
  files
    .filter(({ minTxid }) => minTxid <= end)
    .reduce<File | undefined>(
      (best, file) => (best === undefined || file.maxTxid > best.maxTxid ? file : best),
      undefined,
    );

const holeBetween = (end: Txid, next: TxidRange): TxidRange => {
  return { minTxid: end + 1n, maxTxid: next.minTxid - 1n };
};
