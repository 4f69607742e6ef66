/**
 * The first 100 bytes of a SQLite database (SQLite file format, "The Database Header"). Numbers are big-endian.
 *
 * | offset | size | field |
 * |---|---|---|
 * | 0 | 16 | `SQLite format 3` and a zero byte |
 * | 16 | 2 | page size; 1 means 65536 |
 * | 18, 19 | 1 | write and read version: 1 rollback journal, 2 WAL |
 * | 20 | 1 | reserved bytes at the end of each page |
 * | 24 | 4 | file change counter: no change detector in WAL mode |
 * | 28 | 4 | size in pages; only good when the counters at 24 and 92 agree |
 * | 40 | 4 | schema cookie |
 * | 52 | 4 | largest root page, not 0 with auto-vacuum |
 * | 92 | 4 | change counter for which 96 was written |
 * | 96 | 4 | SQLITE_VERSION_NUMBER of the last writer of page 1 |
 *
 * The copy in the file may be older than a committed frame of page 1 in the WAL.
 */
import { isPageSize } from '#domain/page';

/** Length of the header. */
export const DATABASE_HEADER_BYTES = 100;

const MAGIC = 'SQLite format 3\0';

/** What the header says. */
export interface DatabaseHeader {
  readonly kind: 'database';
  readonly pageSize: number;
  /** Both version bytes are 2. */
  readonly isWal: boolean;
  readonly reservedBytes: number;
  readonly changeCounter: number;
  /** Pages of the database, undefined when the field cannot be trusted. */
  readonly pageCount: number | undefined;
  readonly schemaCookie: number;
  readonly hasAutoVacuum: boolean;
  /** As 3040001 for 3.40.1; 0 when never written. */
  readonly writerVersion: number;
}

/** Why there is no header: an empty file is a lawful new database; anything but the magic is no database or an encrypted one. */
export interface NoDatabaseHeader {
  readonly kind: 'empty' | 'short' | 'notADatabase';
}

/** Reads the header from the first bytes of a file (or of a newest page 1). Never throws. */
export const parseDatabaseHeader = (bytes: Uint8Array): DatabaseHeader | NoDatabaseHeader => {
  if (bytes.length === 0) return { kind: 'empty' };
  if (!hasMagic(bytes)) return { kind: 'notADatabase' };
  if (bytes.length < DATABASE_HEADER_BYTES) return { kind: 'short' };
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const pageSize = decodePageSize(view.getUint16(16));
  if (!isPageSize(pageSize)) return { kind: 'notADatabase' };
  const changeCounter = view.getUint32(24);
  const pageCount = view.getUint32(28);
  return {
    kind: 'database',
    pageSize,
    isWal: view.getUint8(18) === 2 && view.getUint8(19) === 2,
    reservedBytes: view.getUint8(20),
    changeCounter,
    pageCount: pageCount !== 0 && changeCounter === view.getUint32(92) ? pageCount : undefined,
    schemaCookie: view.getUint32(40),
    hasAutoVacuum: view.getUint32(52) !== 0,
    writerVersion: view.getUint32(96),
  };
};

const decodePageSize = (stored: number): number => (stored === 1 ? 65536 : stored);

/** A prefix of the magic counts while the file is shorter than it. */
const hasMagic = (bytes: Uint8Array): boolean =>
  [...MAGIC].every((character, index) => index >= bytes.length || bytes[index] === character.charCodeAt(0));

/** `3.40.1` for 3040001. */
export const formatSqliteVersion = (version: number): string =>
  `${Math.floor(version / 1_000_000)}.${Math.floor(version / 1000) % 1000}.${version % 1000}`;

/**
 * True for releases with the WAL-reset bug: 3.7.0 to 3.51.2 but for the repaired 3.44.6 and later, 3.50.7 and later of
 * their lines, and 3.52.0, which was withdrawn (SQLite release notes of 3.51.3).
 */
export const hasWalResetBug = (version: number): boolean => {
  if (version < 3_007_000 || version >= 3_051_003) return version === 3_052_000;
  const isRepaired = (first: number): boolean => version >= first && version < Math.floor(first / 1000) * 1000 + 1000;
  return !isRepaired(3_044_006) && !isRepaired(3_050_007);
};
