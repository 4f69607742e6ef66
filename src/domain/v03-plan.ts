/**
 * Which files of a v0.3 backup give a state, and whether they follow one another (v0.3 layout).
 *
 * A position is generation/index:offset. The index counts WAL files within a generation, the offset bytes within one.
 */
import { ReplicationError } from '#errors/replication-error';

/** A whole image of the database, taken somewhere within WAL `index`. */
export interface V03Snapshot {
  readonly generation: string;
  readonly index: number;
  readonly createdAtMs: number;
}

/** The bytes of WAL `index` from `offset` on. */
export interface V03Segment extends V03Snapshot {
  readonly offset: number;
}

/** What to restore: the newest state, or the one these narrow it to. */
export interface V03Target {
  /** State at this instant: files at exactly this time count. */
  readonly timestampMs?: number;
  readonly generation?: string;
  /** Up to and including this WAL. */
  readonly index?: number;
}

/** Files to apply, in order. Without segments the snapshot alone is the result. */
export interface V03Plan<Snapshot, Segment> {
  readonly snapshot: Snapshot;
  readonly segments: readonly Segment[];
  /** Time of the last file used. */
  readonly reachedMs: number;
}

/** Where a WAL is being rebuilt: the index, and the bytes of it already there. */
export interface V03Position {
  readonly index: number;
  readonly offset: number;
}

/**
 * The newest snapshot the target allows, and the segments of its generation from its index on. With a time everything
 * after the first segment that is too new is dropped, not just that segment. `V03_NO_SNAPSHOT` when nothing fits.
 */
export const planV03Restore = <Snapshot extends V03Snapshot, Segment extends V03Segment>(
  snapshots: readonly Snapshot[],
  segments: readonly Segment[],
  target: V03Target,
): V03Plan<Snapshot, Segment> => {
  const timestampMs = target.timestampMs ?? Number.POSITIVE_INFINITY;
  const lastIndex = target.index ?? Number.POSITIVE_INFINITY;
  const snapshot = snapshots
    .filter(({ generation }) => target.generation === undefined || generation === target.generation)
    .filter(({ index, createdAtMs }) => index <= lastIndex && createdAtMs <= timestampMs)
    .reduce<Snapshot | undefined>((best, next) => (best === undefined || isNewer(next, best) ? next : best), undefined);
  if (snapshot === undefined) throw noSnapshot();
  const following = segments
    .filter(({ generation, index }) => generation === snapshot.generation && index >= snapshot.index)
    .filter(({ index }) => index <= lastIndex)
    .sort((a, b) => a.index - b.index || a.offset - b.offset);
  const tooNew = following.findIndex(({ createdAtMs }) => createdAtMs > timestampMs);
  const used = tooNew < 0 ? following : following.slice(0, tooNew);
  const reachedMs = used.reduce((latest, { createdAtMs }) => Math.max(latest, createdAtMs), snapshot.createdAtMs);
  return { snapshot, segments: used, reachedMs };
};

/** Snapshots of the same instant: the later WAL is the later state. */
const isNewer = (a: V03Snapshot, b: V03Snapshot): boolean =>
  a.createdAtMs > b.createdAtMs || (a.createdAtMs === b.createdAtMs && a.index > b.index);

/**
 * Checks that a segment goes on where the WAL being rebuilt ends, or begins the next one; true when it begins one.
 * `expected.offset` 0 means that nothing of `expected.index` is there yet. `V03_GAP` otherwise, naming both positions.
 */
export const isNextWal = (expected: V03Position, segment: V03Position): boolean => {
  if (segment.offset === 0) {
    const nextIndex = expected.offset === 0 ? expected.index : expected.index + 1;
    if (segment.index !== nextIndex) throw gap('index', { index: nextIndex, offset: 0 }, segment);
    return true;
  }
  if (segment.index !== expected.index || segment.offset !== expected.offset) throw gap('segment', expected, segment);
  return false;
};

const formatV03Position = ({ index, offset }: V03Position): string =>
  `${index.toString(16).padStart(8, '0')}/${offset.toString(16).padStart(8, '0')}`;

const noSnapshot = (): ReplicationError =>
  new ReplicationError('V03_NO_SNAPSHOT', 'no snapshots available', {
    retryable: false,
    hint: 'Choose a later -timestamp, or another replica with -replica.',
  });

const gap = (what: 'index' | 'segment', expected: V03Position, found: V03Position): ReplicationError =>
  new ReplicationError(
    'V03_GAP',
    `missing WAL ${what}: expected ${formatV03Position(expected)}, got ${formatV03Position(found)}`,
    { retryable: false, hint: 'Restore a state before the gap with -timestamp or -index, or another -generation.' },
  );
