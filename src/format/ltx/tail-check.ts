/** Everything after the end-of-pages marker, in pieces: page index, its size, trailer, and nothing more. */

import type { FrameList } from './frame-list.ts';
import { CHECKSUM_FLAG, type LtxHeader } from './header.ts';
import { IndexCheck } from './index-check.ts';
import { hex64, ltxError, truncated } from './ltx-error.ts';
import { INDEX_SIZE_BYTES, type LtxTrailer, TRAILER_BYTES, validatePostApplyChecksum } from './trailer.ts';

/** What the end of a file is checked against. */
export interface TailExpectation {
  readonly name: string;
  readonly header: LtxHeader;
  readonly frames: FrameList;
  /** Where the index begins. */
  readonly offset: number;
  /** CRC of everything before. */
  readonly crc: bigint;
  /** Checksum of the database as computed from the pages of a tracked snapshot. */
  readonly databaseChecksum: bigint | undefined;
  /** Continues the CRC over bytes that were handed to {@link TailCheck.take}. */
  readonly crc64: (crc: bigint, bytes: Uint8Array) => bigint;
}

/** Takes the bytes as they come; says nothing about the file until `finish`. */
export class TailCheck {
  readonly #expected: TailExpectation;
  readonly #index: IndexCheck;
  readonly #end = Buffer.alloc(INDEX_SIZE_BYTES + TRAILER_BYTES);
  #endBytes = 0;
  #trailingBytes = 0;
  #crc: bigint;

  constructor(expected: TailExpectation) {
    this.#expected = expected;
    this.#index = new IndexCheck(expected.frames, expected.name);
    this.#crc = expected.crc;
  }

  /** Bytes of the file so far. */
  get sizeBytes(): number {
    return this.#expected.offset + this.#index.bytes + this.#endBytes + this.#trailingBytes;
  }

  /** The next bytes of the file; `LTX_BAD_INDEX`. */
  take(bytes: Uint8Array): void {
    let rest = bytes;
    if (!this.#index.isComplete) {
      const taken = this.#index.take(rest, this.sizeBytes);
      this.#crc = this.#expected.crc64(this.#crc, rest.subarray(0, taken));
      rest = rest.subarray(taken);
    }
    const piece = rest.subarray(0, this.#end.length - this.#endBytes);
    const covered = rest.subarray(0, Math.max(0, INDEX_SIZE_BYTES + 8 - this.#endBytes));
    this.#end.set(piece, this.#endBytes);
    this.#crc = this.#expected.crc64(this.#crc, covered);
    this.#endBytes += piece.length;
    this.#trailingBytes += rest.length - piece.length;
  }

  /** Call at the end of the file: `LTX_TRUNCATED`, `_TRAILING_DATA`, `_BAD_INDEX`, `_BAD_TRAILER`, `_FILE_CHECKSUM`, `_DB_CHECKSUM`. */
  finish(): LtxTrailer {
    const { name, header, frames } = this.#expected;
    this.#checkLength();
    const sizeOffset = this.#expected.offset + this.#index.bytes;
    const place = { name, offset: sizeOffset + INDEX_SIZE_BYTES };
    const indexSize = this.#end.readBigUInt64BE(0);
    if (indexSize !== BigInt(this.#index.bytes)) {
      const what = `page index size: expected ${this.#index.bytes} (${frames.count} entries), found ${indexSize}`;
      throw ltxError('LTX_BAD_INDEX', { name, offset: sizeOffset }, what);
    }
    const postApplyChecksum = this.#end.readBigUInt64BE(INDEX_SIZE_BYTES);
    const fileChecksum = this.#end.readBigUInt64BE(INDEX_SIZE_BYTES + 8);
    validatePostApplyChecksum(header, postApplyChecksum, place);
    const computed = this.#crc | CHECKSUM_FLAG;
    if (fileChecksum !== computed) {
      const what = `file checksum mismatch: ${hex64(fileChecksum)} stored, ${hex64(computed)} computed`;
      throw ltxError('LTX_FILE_CHECKSUM', place, what);
    }
    const { databaseChecksum } = this.#expected;
    if (databaseChecksum !== undefined && postApplyChecksum !== databaseChecksum) {
      const what = `post-apply checksum ${hex64(postApplyChecksum)} stored, ${hex64(databaseChecksum)} computed`;
      throw ltxError('LTX_DB_CHECKSUM', place, what);
    }
    return { postApplyChecksum, fileChecksum };
  }

  #checkLength(): void {
    const { name, frames } = this.#expected;
    const place = { name, offset: this.sizeBytes };
    if (!this.#index.isComplete) {
      // At least three bytes an entry, and the zero byte: more is not known of what is missing.
      const wanted = Math.max(this.#index.bytes + 1, 3 * frames.count + 1);
      throw truncated(place, { section: 'page index', wanted, got: this.#index.bytes });
    }
    if (this.#endBytes < INDEX_SIZE_BYTES) {
      throw truncated(place, { section: 'page index size', wanted: INDEX_SIZE_BYTES, got: this.#endBytes });
    }
    const trailerBytes = this.#endBytes - INDEX_SIZE_BYTES;
    if (trailerBytes < TRAILER_BYTES) {
      throw truncated(place, { section: 'trailer', wanted: TRAILER_BYTES, got: trailerBytes });
    }
    if (this.#trailingBytes > 0) {
      throw ltxError(
        'LTX_TRAILING_DATA',
        { name, offset: this.sizeBytes - this.#trailingBytes },
        `${this.#trailingBytes} bytes follow the trailer`,
      );
    }
  }
}
