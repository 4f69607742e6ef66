/**
 * The header of a WAL file (SQLite file format, "WAL File Format"). All fields big-endian u32.
 *
 * | offset | field | values |
 * |---|---|---|
 * | 0 | magic | 0x377f0682 checksums over little-endian words, 0x377f0683 over big-endian words |
 * | 4 | format | 3007000 |
 * | 8 | page size | 512 to 65536 as a plain number |
 * | 12 | checkpoint sequence | private to each connection: no generation number |
 * | 16, 20 | salt-1, salt-2 | +1 and random at each restart |
 * | 24, 28 | checksum | over bytes 0 to 23 |
 */
import { isPageSize } from '#domain/page';
import { ReplicationError } from '#errors/replication-error';
import { type ChecksumPair, walChecksum } from './checksum.ts';

/** Length of the header: the offset of the first frame. */
export const WAL_HEADER_BYTES = 32;

const MAGIC_LITTLE_ENDIAN = 0x377f0682;
const MAGIC_BIG_ENDIAN = 0x377f0683;
const FORMAT = 3_007_000;
const SUMMED_BYTES = 24;

/** A header SQLite would accept. Its checksums are the chain before the first frame. */
export interface WalHeader extends ChecksumPair {
  readonly kind: 'valid';
  readonly isBigEndian: boolean;
  readonly pageSize: number;
  readonly sequence: number;
  readonly salt1: number;
  readonly salt2: number;
}

/** No usable header: SQLite ignores such a file, so it holds no committed content (yet). */
export interface NoWalHeader {
  readonly kind: 'none';
  /** `short`: fewer than 32 bytes. `foreign`: no magic. `torn`: page size or checksum wrong, as during a restart. */
  readonly reason: 'short' | 'foreign' | 'torn';
}

/** Reads the first 32 bytes of a WAL. Throws `WAL_INVALID` for an intact header of another format, which SQLite refuses as well. */
export const parseWalHeader = (bytes: Uint8Array): WalHeader | NoWalHeader => {
  if (bytes.length < WAL_HEADER_BYTES) return { kind: 'none', reason: 'short' };
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const magic = view.getUint32(0);
  if (magic !== MAGIC_LITTLE_ENDIAN && magic !== MAGIC_BIG_ENDIAN) return { kind: 'none', reason: 'foreign' };
  const isBigEndian = magic === MAGIC_BIG_ENDIAN;
  const pageSize = view.getUint32(8);
  const sums = walChecksum(bytes, { at: 0, length: SUMMED_BYTES, isBigEndian });
  const isIntact = sums.checksum1 === view.getUint32(24) && sums.checksum2 === view.getUint32(28);
  if (!isPageSize(pageSize) || !isIntact) return { kind: 'none', reason: 'torn' };
  const format = view.getUint32(4);
  if (format !== FORMAT) {
    throw new ReplicationError('WAL_INVALID', `the WAL has format ${format}, expected ${FORMAT}`, {
      retryable: false,
      hint: 'SQLite refuses this database as well. Find out which program wrote the WAL.',
      details: { format },
    });
  }
  return {
    kind: 'valid',
    isBigEndian,
    pageSize,
    sequence: view.getUint32(12),
    salt1: view.getUint32(16),
    salt2: view.getUint32(20),
    ...sums,
  };
};

/** The 32 bytes of a header; sequence and salts as given, checksums computed. For tests and for making WALs. */
export const encodeWalHeader = (
  header: Pick<WalHeader, 'isBigEndian' | 'pageSize' | 'sequence' | 'salt1' | 'salt2'>,
): Uint8Array => {
  const bytes = new Uint8Array(WAL_HEADER_BYTES);
  const view = new DataView(bytes.buffer);
  const { isBigEndian } = header;
  const fields = [isBigEndian ? MAGIC_BIG_ENDIAN : MAGIC_LITTLE_ENDIAN, FORMAT, header.pageSize, header.sequence];
  [...fields, header.salt1, header.salt2].forEach((value, index) => {
    view.setUint32(index * 4, value);
  });
  const { checksum1, checksum2 } = walChecksum(bytes, { at: 0, length: SUMMED_BYTES, isBigEndian });
  view.setUint32(24, checksum1);
  view.setUint32(28, checksum2);
  return bytes;
};

/** True when two looks at the first 32 bytes saw the same: salts alone can be kept by a rewrite. */
export const isSameHeader = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && a.every((byte, index) => byte === b[index]);
