/** Levels of a replica: 0 as written, 1..8 compacted, 9 snapshots. */
export type Level = 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9;

/** The level snapshots are kept at. */
export const SNAPSHOT_LEVEL = 9;

/** The highest level compaction may write. */
export const COMPACTION_LEVEL_MAX = 8;

/** Every level, ascending. */
export const ALL_LEVELS: readonly Level[] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];

/** True when the number is a level. */
export const isLevel = (value: number): value is Level => Number.isInteger(value) && value >= 0 && value <= 9;
