/** The 16 bytes an LTX file ends with: u64 post-apply checksum, u64 file checksum, big-endian (LTX format, "Trailer"). */
import { EMPTY_DATABASE_CHECKSUM } from './checksum.ts';
import { CHECKSUM_FLAG, isTrackedHeader, type LtxHeader } from './header.ts';
import { hex64, type LtxPlace, ltxError } from './ltx-error.ts';

/** Size of the trailer. */
export const TRAILER_BYTES = 16;

/** Size of the index size in front of the trailer. */
export const INDEX_SIZE_BYTES = 8;

/** What a trailer says. */
export interface LtxTrailer {
  /** Database checksum after the file; 0 in files without database checksums. */
  readonly postApplyChecksum: bigint;
  readonly fileChecksum: bigint;
}

/** `LTX_BAD_TRAILER` when the post-apply checksum is one the header does not allow. */
export const validatePostApplyChecksum = (header: LtxHeader, checksum: bigint, place: LtxPlace): void => {
  const fail = (what: string): never => {
    throw ltxError('LTX_BAD_TRAILER', place, `post-apply checksum ${hex64(checksum)} ${what}`);
  };
  if (!isTrackedHeader(header)) {
    if (checksum !== 0n) fail('is not allowed in a file without database checksums (flag 0x2)');
    return;
  }
  if (checksum === 0n) fail('where one is required: a file with database checksums');
  if ((checksum & CHECKSUM_FLAG) === 0n) fail('lacks bit 63');
  if (header.commit === 0 && checksum !== EMPTY_DATABASE_CHECKSUM) {
    fail(`of a deleted database (commit 0) must be ${hex64(EMPTY_DATABASE_CHECKSUM)}`);
  }
};
