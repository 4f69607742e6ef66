/** LTX files or a v0.3 backup, when a replica has both. */

/** What each layout can give for a target; undefined when it has nothing that leads there. */
export interface ReachableStates {
  /** Moment of the newest restorable LTX state, ms since the epoch, increments included. */
  readonly ltxReachedMs: number | undefined;
  /** The same of the v0.3 backup. */
  readonly v03ReachedMs: number | undefined;
}

/** What only one layout can do. */
export interface FormatConstraint {
  /** A TXID was asked for: v0.3 has none. */
  readonly hasTxid?: boolean;
  /** Follow mode: only LTX files are followed. */
  readonly isFollowing?: boolean;
}

/**
 * The layout with the newer restorable state at or before the target, LTX among equals; LTX whenever a TXID is asked for or
 * the restore follows. `undefined` when neither has anything.
 */
export const chooseFormat = (
  { ltxReachedMs, v03ReachedMs }: ReachableStates,
  { hasTxid = false, isFollowing = false }: FormatConstraint = {},
): 'ltx' | 'v0.3' | undefined => {
  if (hasTxid || isFollowing || v03ReachedMs === undefined) return ltxReachedMs === undefined ? undefined : 'ltx';
  return ltxReachedMs === undefined || v03ReachedMs > ltxReachedMs ? 'v0.3' : 'ltx';
};
