/** What a memory replica keeps: it outlives the storage object, as a real destination outlives a killed process. */
import { ALL_LEVELS, type Level } from '#domain/level';
import { compareRanges, formatLtxName, type TxidRange } from '#domain/txid';
import type { LtxFileInfo } from '#ports/storage';

/** A stored file. The bytes are never changed in place. */
export interface StoredFile {
  readonly info: LtxFileInfo;
  readonly bytes: Uint8Array;
}

/** Files by level. Two storages may share one bucket, as two daemons may share one destination. */
export interface MemoryBucket {
  get(level: Level, range: TxidRange): StoredFile | undefined;
  put(file: StoredFile): void;
  remove(level: Level, range: TxidRange): void;
  /** Ascending by (minTxid, maxTxid); a snapshot that later changes do not touch. */
  list(level: Level): readonly StoredFile[];
}

/** An empty bucket. */
export const createMemoryBucket = (): MemoryBucket => {
  const levels = new Map<Level, Map<string, StoredFile>>(ALL_LEVELS.map((level) => [level, new Map()]));
  const sorted = new Map<Level, readonly StoredFile[]>();
  const filesOf = (level: Level): Map<string, StoredFile> => {
    const files = levels.get(level) ?? new Map<string, StoredFile>();
    levels.set(level, files);
    return files;
  };
  return {
    get: (level, range) => filesOf(level).get(formatLtxName(range)),
    put: (file) => {
      sorted.delete(file.info.level);
      filesOf(file.info.level).set(formatLtxName(file.info), file);
    },
    remove: (level, range) => {
      sorted.delete(level);
      filesOf(level).delete(formatLtxName(range));
    },
    list: (level) => {
      const known = sorted.get(level);
      if (known !== undefined) return known;
      const files = [...filesOf(level).values()].sort((a, b) => compareRanges(a.info, b.info));
      sorted.set(level, files);
      return files;
    },
  };
};
