/**
 * Checksums of pages and databases, for files that carry them (LTX format, "Checksums"): CRC-64/GO-ISO with bit 63 set.
 * A page's covers its number (u32, big-endian) and its bytes; a database's is the XOR of those of all pages but the lock page.
 */
import type { PageNumber } from '#domain/page';
import type { Kernel } from '../kernel/kernel.ts';
import { CHECKSUM_FLAG } from './header.ts';

/** Database checksum of no pages as it is stored: what a deleted database has. */
export const EMPTY_DATABASE_CHECKSUM = CHECKSUM_FLAG;

/** Bytes of kernel memory {@link pageChecksum} needs at `scratchAt`. */
export const PAGE_CHECKSUM_SCRATCH_BYTES = 4;

/** Checksum of one page that lies in kernel memory at `at`. */
export const pageChecksum = (
  kernel: Kernel,
  {
    pgno,
    at,
    pageSize,
    scratchAt,
  }: { readonly pgno: PageNumber; readonly at: number; readonly pageSize: number; readonly scratchAt: number },
): bigint => {
  kernel.bytes.writeUInt32BE(pgno, scratchAt);
  const crc = kernel.crc64(0n, scratchAt, PAGE_CHECKSUM_SCRATCH_BYTES);
  return kernel.crc64(crc, at, pageSize) | CHECKSUM_FLAG;
};

/** Adds a page to a database checksum, or takes it out: XOR is its own inverse. Start with 0n. */
export const togglePage = (databaseChecksum: bigint, page: bigint): bigint => (databaseChecksum ^ page) | CHECKSUM_FLAG;

/** Replaces one page by another. */
export const replacePage = (
  databaseChecksum: bigint,
  { before, after }: { readonly before: bigint; readonly after: bigint },
): bigint => (databaseChecksum ^ before ^ after) | CHECKSUM_FLAG;
