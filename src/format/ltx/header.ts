/**
 * The header of an LTX file (LTX format version 3, "Header"): 100 bytes, big-endian.
 *
 * | offset | size | field            | meaning                                                              |
 * |-------:|-----:|------------------|----------------------------------------------------------------------|
 * |      0 |    4 | magic            | `LTX1`                                                               |
 * |      4 |    4 | flags            | only bit 1 (`0x2`, no database checksums) is defined                 |
 * |      8 |    4 | pageSize         | 512 … 65536 as a plain integer                                       |
 * |     12 |    4 | commit           | size of the database in pages after the file                         |
 * |     16 |    8 | minTxid          | first TXID                                                           |
 * |     24 |    8 | maxTxid          | last TXID                                                            |
 * |     32 |    8 | timestamp        | signed, Unix milliseconds                                            |
 * |     40 |    8 | preApplyChecksum | database checksum before the file; 0 in snapshots and with flag 0x2  |
 * |     48 |    8 | walOffset        | signed; start of the WAL segment the pages came from, 0 if none      |
 * |     56 |    8 | walSize          | signed; length of that segment                                       |
 * |     64 |    4 | walSalt1         | salts of that WAL                                                    |
 * |     68 |    4 | walSalt2         |                                                                      |
 * |     72 |    8 | nodeId           | who wrote it; 0 in what Litestream and we write                      |
 * |     80 |   20 | reserved         | written as zeros; ignored, but part of the file checksum             |
 */
import { isPageSize } from '#domain/page';
import { formatTxid, type TxidRange } from '#domain/txid';
import { InvariantViolation } from '#errors/replication-error';
import { hex32, hex64, ltxError, truncated } from './ltx-error.ts';

/** Size of the header. */
export const LTX_HEADER_BYTES = 100;

/** Flag: the file carries no database checksums. Set in everything Litestream v0.5 and we write. */
export const NO_CHECKSUM = 0x2;

/** Bit 63, set in every stored checksum so that 0 can mean "absent". */
export const CHECKSUM_FLAG = 0x8000_0000_0000_0000n;

const MAGIC = Buffer.from('LTX1', 'latin1');
const UINT32_MAX = 0xffff_ffff;
const UINT64_MAX = 0xffff_ffff_ffff_ffffn;
const INT64_MAX = 0x7fff_ffff_ffff_ffffn;
const INT64_MIN = -0x8000_0000_0000_0000n;

/** The fields of a header; `minTxid` 1 makes the file a snapshot. */
export interface LtxHeader extends TxidRange {
  /** 0 ("tracked": database checksums present) or {@link NO_CHECKSUM}. */
  readonly flags: number;
  readonly pageSize: number;
  /** Pages of the database after the file; 0 only for a deleted database. */
  readonly commit: number;
  /** Unix milliseconds, may be negative. Exact within ±2^53; values beyond are rounded. */
  readonly timestampMs: number;
  readonly preApplyChecksum: bigint;
  /** Bytes, 0 to 2^63 - 1. */
  readonly walOffset: bigint;
  readonly walSize: bigint;
  readonly walSalt1: number;
  readonly walSalt2: number;
  readonly nodeId: bigint;
}

/** True when the file holds every page and can be the base of a restore. */
export const isSnapshotHeader = ({ minTxid }: Pick<LtxHeader, 'minTxid'>): boolean => minTxid === 1n;

/** True when the file carries database checksums. */
export const isTrackedHeader = ({ flags }: Pick<LtxHeader, 'flags'>): boolean => (flags & NO_CHECKSUM) === 0;

/** What differs between headers without database checksums; WAL fields default to 0. */
export interface UntrackedHeaderFields extends TxidRange {
  readonly pageSize: number;
  readonly commit: number;
  readonly timestampMs: number;
  readonly wal?: {
    readonly offset: bigint;
    readonly size: bigint;
    readonly salt1: number;
    readonly salt2: number;
  };
}

/** A header as we write them: flag `0x2`, no database checksums, node id 0. */
export const untrackedHeader = ({
  pageSize,
  commit,
  minTxid,
  maxTxid,
  timestampMs,
  wal,
}: UntrackedHeaderFields): LtxHeader => ({
  flags: NO_CHECKSUM,
  pageSize,
  commit,
  minTxid,
  maxTxid,
  timestampMs,
  preApplyChecksum: 0n,
  walOffset: wal?.offset ?? 0n,
  walSize: wal?.size ?? 0n,
  walSalt1: wal?.salt1 ?? 0,
  walSalt2: wal?.salt2 ?? 0,
  nodeId: 0n,
});

/**
 * Checks the rules of the format, in its order: `LTX_BAD_FLAGS`, `LTX_BAD_PAGE_SIZE`, `LTX_BAD_TXID`,
 * `LTX_BAD_WAL_FIELDS`, `LTX_BAD_PRE_CHECKSUM`.
 */
export const validateLtxHeader = (header: LtxHeader, name: string): void => {
  const { flags, pageSize, minTxid, maxTxid } = header;
  if ((flags & ~NO_CHECKSUM) !== 0)
    throw ltxError('LTX_BAD_FLAGS', { name, offset: 4 }, `unknown flags ${hex32(flags)}`);
  if (!isPageSize(pageSize)) throw ltxError('LTX_BAD_PAGE_SIZE', { name, offset: 8 }, `page size ${pageSize}`);
  if (minTxid === 0n) throw ltxError('LTX_BAD_TXID', { name, offset: 16 }, 'min TXID is zero');
  if (maxTxid === 0n) throw ltxError('LTX_BAD_TXID', { name, offset: 24 }, 'max TXID is zero');
  if (minTxid > maxTxid) {
    const what = `min TXID ${formatTxid(minTxid)} is greater than max TXID ${formatTxid(maxTxid)}`;
    throw ltxError('LTX_BAD_TXID', { name, offset: 16 }, what);
  }
  validateWalFields(header, name);
  validatePreApplyChecksum(header, name);
};

const validateWalFields = ({ walOffset, walSize, walSalt1, walSalt2 }: LtxHeader, name: string): void => {
  const fail = (offset: number, what: string): never => {
    throw ltxError('LTX_BAD_WAL_FIELDS', { name, offset }, what);
  };
  if (walOffset < 0n) fail(48, `WAL offset is negative: ${walOffset}`);
  if (walSize < 0n) fail(56, `WAL size is negative: ${walSize}`);
  if (walOffset !== 0n) return;
  if (walSalt1 !== 0 || walSalt2 !== 0) {
    fail(64, `WAL salt ${hex32(walSalt1)} ${hex32(walSalt2)} without a WAL offset`);
  }
  if (walSize !== 0n) fail(56, `WAL size ${walSize} without a WAL offset`);
};

const validatePreApplyChecksum = (header: LtxHeader, name: string): void => {
  const { preApplyChecksum: checksum } = header;
  const fail = (what: string): never => {
    throw ltxError('LTX_BAD_PRE_CHECKSUM', { name, offset: 40 }, `pre-apply checksum ${hex64(checksum)} ${what}`);
  };
  if (isSnapshotHeader(header)) {
    if (checksum !== 0n) fail('in a snapshot, which must have none');
  } else if (!isTrackedHeader(header)) {
    if (checksum !== 0n) fail('is not allowed in a file without database checksums (flag 0x2)');
  } else if (checksum === 0n) {
    fail('where one is required: a file with database checksums that is not a snapshot');
  } else if ((checksum & CHECKSUM_FLAG) === 0n) {
    fail('lacks bit 63');
  }
};

/** Values that do not fit their fields are our mistake, not that of a file. */
const checkFieldWidths = (header: LtxHeader): void => {
  for (const key of ['flags', 'pageSize', 'commit', 'walSalt1', 'walSalt2'] as const) {
    const value = header[key];
    if (!Number.isInteger(value) || value < 0 || value > UINT32_MAX) {
      throw new InvariantViolation(`LTX header field ${key} is ${value}, not 32 bits`);
    }
  }
  for (const key of ['minTxid', 'maxTxid', 'preApplyChecksum', 'nodeId'] as const) {
    const value = header[key];
    if (value < 0n || value > UINT64_MAX) throw new InvariantViolation(`LTX header field ${key} is ${value}`);
  }
  for (const key of ['walOffset', 'walSize'] as const) {
    const value = header[key];
    if (value < INT64_MIN || value > INT64_MAX) throw new InvariantViolation(`LTX header field ${key} is ${value}`);
  }
  if (!Number.isInteger(header.timestampMs)) {
    throw new InvariantViolation(`LTX header field timestampMs is ${header.timestampMs}, not a whole number`);
  }
};

/** A rounded timestamp may lie just outside of the field. */
const clampToInt64 = (value: bigint): bigint => {
  if (value > INT64_MAX) return INT64_MAX;
  return value < INT64_MIN ? INT64_MIN : value;
};

/**
 * The 100 bytes of a header, reserved bytes zero. Codes as {@link validateLtxHeader}; a value that does not fit its field
 * is an InvariantViolation. `name` is the file's, for messages.
 */
export const encodeLtxHeader = (header: LtxHeader, name = 'being written'): Buffer => {
  checkFieldWidths(header);
  validateLtxHeader(header, name);
  const bytes = Buffer.alloc(LTX_HEADER_BYTES);
  MAGIC.copy(bytes, 0);
  bytes.writeUInt32BE(header.flags, 4);
  bytes.writeUInt32BE(header.pageSize, 8);
  bytes.writeUInt32BE(header.commit, 12);
  bytes.writeBigUInt64BE(header.minTxid, 16);
  bytes.writeBigUInt64BE(header.maxTxid, 24);
  bytes.writeBigInt64BE(clampToInt64(BigInt(header.timestampMs)), 32);
  bytes.writeBigUInt64BE(header.preApplyChecksum, 40);
  bytes.writeBigInt64BE(header.walOffset, 48);
  bytes.writeBigInt64BE(header.walSize, 56);
  bytes.writeUInt32BE(header.walSalt1, 64);
  bytes.writeUInt32BE(header.walSalt2, 68);
  bytes.writeBigUInt64BE(header.nodeId, 72);
  return bytes;
};

/**
 * The header at the start of `bytes`, validated. `LTX_TRUNCATED` when there are fewer than 100 bytes, `LTX_BAD_MAGIC`, and
 * the codes of {@link validateLtxHeader}. Reserved bytes are ignored. `name` is the file's, for messages.
 */
export const decodeLtxHeader = (bytes: Uint8Array, name = '(unnamed)'): LtxHeader => {
  if (bytes.length < LTX_HEADER_BYTES) {
    throw truncated({ name, offset: 0 }, { section: 'header', wanted: LTX_HEADER_BYTES, got: bytes.length });
  }
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (!view.subarray(0, 4).equals(MAGIC)) {
    const found = view.subarray(0, 4).toString('hex');
    throw ltxError('LTX_BAD_MAGIC', { name, offset: 0 }, `first bytes ${found}, expected 4c545831 ("LTX1")`);
  }
  const header: LtxHeader = {
    flags: view.readUInt32BE(4),
    pageSize: view.readUInt32BE(8),
    commit: view.readUInt32BE(12),
    minTxid: view.readBigUInt64BE(16),
    maxTxid: view.readBigUInt64BE(24),
    timestampMs: Number(view.readBigInt64BE(32)),
    preApplyChecksum: view.readBigUInt64BE(40),
    walOffset: view.readBigInt64BE(48),
    walSize: view.readBigInt64BE(56),
    walSalt1: view.readUInt32BE(64),
    walSalt2: view.readUInt32BE(68),
    nodeId: view.readBigUInt64BE(72),
  };
  validateLtxHeader(header, name);
  return header;
};
