/**
 * Names in a v0.3 replica (observed in Litestream v0.3.13):
 *
 *   generations/<16 hex>/snapshots/<8 hex index>.snapshot.lz4
 *   generations/<16 hex>/wal/<8 hex index>_<8 to 16 hex offset>.wal.lz4
 *
 * Lower case only; other names are not ours. Offsets above 4 GiB take more than 8 digits.
 */

const GENERATION = /^[0-9a-f]{16}$/;
const SNAPSHOT = /^([0-9a-f]{8})\.snapshot\.lz4$/;
const SEGMENT = /^([0-9a-f]{8})_([0-9a-f]{8,16})\.wal\.lz4$/;

const formatIndex = (index: number): string => index.toString(16).padStart(8, '0');

/** True for the name of a generation. */
export const isV03Generation = (name: string): boolean => GENERATION.test(name);

/** The index in the name of a snapshot; undefined for any other name. */
export const parseV03SnapshotName = (name: string): { readonly index: number } | undefined => {
  const match = SNAPSHOT.exec(name);
  return match === null ? undefined : { index: Number.parseInt(match[1] ?? '', 16) };
};

/** Index and offset in the name of a WAL segment; undefined for any other name, or an offset beyond 2^53. */
export const parseV03SegmentName = (name: string): { readonly index: number; readonly offset: number } | undefined => {
  const match = SEGMENT.exec(name);
  if (match === null) return undefined;
  const offset = Number.parseInt(match[2] ?? '', 16);
  return Number.isSafeInteger(offset) ? { index: Number.parseInt(match[1] ?? '', 16), offset } : undefined;
};

/** Path of a snapshot below the replica. */
export const formatV03SnapshotPath = (generation: string, index: number): string =>
  `generations/${generation}/snapshots/${formatIndex(index)}.snapshot.lz4`;

/** Path of a segment below the replica, by its name as listed. */
export const formatV03SegmentPath = (generation: string, name: string): string =>
  `generations/${generation}/wal/${name}`;
