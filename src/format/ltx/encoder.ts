/**
 * Writes an LTX file as a stream: header, page frames in block form, page index, trailer (LTX format, "Layout").
 *
 *   header --addPages/addPage/addFrames--> pages --finish--> finished
 *      any error -> failed; a call in the wrong state is a bug of ours (InvariantViolation)
 *
 * The file is good only once `finish` has returned. Memory: the region, and eight bytes a page for the index.
 */
import type { PageNumber } from '#domain/page';
import { InvariantViolation } from '#errors/replication-error';
import type { Kernel } from '../kernel/kernel.ts';
import { PAGE_CHECKSUM_SCRATCH_BYTES, pageChecksum, togglePage } from './checksum.ts';
import { FrameList } from './frame-list.ts';
import {
  CHECKSUM_FLAG,
  encodeLtxHeader,
  isSnapshotHeader,
  isTrackedHeader,
  LTX_HEADER_BYTES,
  type LtxHeader,
} from './header.ts';
import { hex64, ltxError } from './ltx-error.ts';
import { alignUp, type MemoryRegion, SLACK_BYTES, wordsOf } from './memory-region.ts';
import { BLOCK_FRAME_HEADER_BYTES, blockFrameBytesMax, PAGE_HEADER_BYTES } from './page-frame.ts';
import { PageSequence } from './page-sequence.ts';
import { PAGE_TABLE_ENTRY_BYTES, PAGE_TABLE_WORDS } from './page-table.ts';
import { INDEX_SIZE_BYTES, TRAILER_BYTES, validatePostApplyChecksum } from './trailer.ts';
import { VARINT_BYTES_MAX, writeVarint } from './varint.ts';

export { PAGE_TABLE_ENTRY_BYTES, PAGE_TABLE_WORDS };

const INDEX_ENTRY_BYTES_MAX = 3 * VARINT_BYTES_MAX;
const SCRATCH_BYTES = 16;

/** The least region an encoder needs; more means larger writes and fewer calls (64 KiB to 1 MiB are good). */
export const encoderRegionBytesMin = (pageSize: number): number =>
  SCRATCH_BYTES + 2 * SCRATCH_BYTES + pageSize + blockFrameBytesMax(pageSize) + 2 * SLACK_BYTES;

/** What an encoder needs. */
export interface LtxEncoderOptions {
  readonly kernel: Kernel;
  /** The encoder's own until it is finished; at least {@link encoderRegionBytesMin}. */
  readonly region: MemoryRegion;
  readonly header: LtxHeader;
  /** Gets the file in order, as views into kernel memory that last only until it returns. */
  readonly write: (chunk: Uint8Array) => void;
  /** The file's name, for messages. */
  readonly name?: string;
}

/** What was written. */
export interface EncodedLtx {
  readonly sizeBytes: number;
  readonly fileChecksum: bigint;
  readonly pageCount: number;
}

/** Frames to be taken over as they are, with the pages they hold. */
export interface EncodedFrames {
  /** Whole block-form frames, one after the other. */
  readonly framesAt: number;
  /** Their table as {@link Kernel.decodePages} fills it: page number, frame size, 0. */
  readonly tableAt: number;
  readonly count: number;
  /** The pages, one after the other. */
  readonly pagesAt: number;
}

/**
 * Writes one file. Content that the format forbids throws `LTX_PAGE_ORDER`, `LTX_PAGE_RANGE`, `LTX_LOCK_PAGE`,
 * `LTX_SNAPSHOT_INCOMPLETE`, `LTX_BAD_TRAILER`, `LTX_DB_CHECKSUM` or a header's code; errors of `write` pass through.
 */
export class LtxEncoder {
  readonly #kernel: Kernel;
  readonly #words: Uint32Array;
  readonly #header: LtxHeader;
  readonly #name: string;
  readonly #write: (chunk: Uint8Array) => void;
  readonly #sequence: PageSequence;
  readonly #frames = new FrameList();
  readonly #frameBytesMax: number;
  /** One table entry and four bytes for page checksums. */
  readonly #scratchAt: number;
  readonly #pageAt: number;
  readonly #outAt: number;
  readonly #outEnd: number;
  #outUsed = 0;
  #crc = 0n;
  #sizeBytes = 0;
  /** Checksum of the pages so far; only in tracked snapshots, where it can be checked. */
  #databaseChecksum = 0n;
  #phase: 'pages' | 'finished' | 'failed' = 'pages';

  constructor({ kernel, region, header, write, name = 'being written' }: LtxEncoderOptions) {
    const { pageSize } = header;
    const headerBytes = encodeLtxHeader(header, name);
    if (header.commit === 0 && !isTrackedHeader(header)) {
      const what = 'a deleted database (commit 0) needs database checksums, which flag 0x2 forbids';
      throw ltxError('LTX_BAD_TRAILER', { name }, what);
    }
    if (region.length < encoderRegionBytesMin(pageSize)) {
      throw new InvariantViolation(
        `an LTX encoder of ${pageSize}-byte pages needs ${encoderRegionBytesMin(pageSize)} bytes, has ${region.length}`,
      );
    }
    this.#kernel = kernel;
    this.#words = wordsOf(kernel);
    this.#header = header;
    this.#name = name;
    this.#write = write;
    this.#sequence = new PageSequence(header, name);
    this.#frameBytesMax = blockFrameBytesMax(pageSize);
    this.#scratchAt = alignUp(region.at);
    this.#pageAt = this.#scratchAt + 2 * SCRATCH_BYTES;
    this.#outAt = this.#pageAt + pageSize + SLACK_BYTES;
    this.#outEnd = region.at + region.length - SLACK_BYTES;
    this.#appendCovered(headerBytes);
  }

  /**
   * Adds `count` pages of the table at `tableAt` in kernel memory (a multiple of 4): three u32 each, page number, address
   * of the page, and room where the size of its frame is written. Neither may lie in the encoder's region.
   */
  addPages(tableAt: number, count: number): void {
    this.#inPages('addPages', () => {
      if (tableAt % 4 !== 0) throw new InvariantViolation(`the page table is at ${tableAt}, not a multiple of 4`);
      for (let i = 0; i < count; i++) {
        const entry = tableAt / 4 + i * PAGE_TABLE_WORDS;
        this.#accept(this.#words[entry] ?? 0, this.#words[entry + 1] ?? 0);
      }
      this.#encode(tableAt, count);
    });
  }

  /** Adds one page from anywhere. */
  addPage(pgno: PageNumber, bytes: Uint8Array): void {
    this.#inPages('addPage', () => {
      const { pageSize } = this.#header;
      if (bytes.length !== pageSize) {
        throw new InvariantViolation(`page ${pgno} has ${bytes.length} bytes, the page size is ${pageSize}`);
      }
      this.#kernel.bytes.set(bytes, this.#pageAt);
      this.#words[this.#scratchAt / 4] = pgno;
      this.#words[this.#scratchAt / 4 + 1] = this.#pageAt;
      this.#accept(pgno, this.#pageAt);
      this.#encode(this.#scratchAt, 1);
    });
  }

  /** Adds block-form frames of another file without compressing their pages again. */
  addFrames({ framesAt, tableAt, count, pagesAt }: EncodedFrames): void {
    this.#inPages('addFrames', () => {
      const { pageSize } = this.#header;
      const { bytes } = this.#kernel;
      let frameAt = framesAt;
      for (let i = 0; i < count; i++) {
        const entry = tableAt / 4 + i * PAGE_TABLE_WORDS;
        const pgno = this.#words[entry] ?? 0;
        const size = this.#words[entry + 1] ?? 0;
        const pageAt = pagesAt + i * pageSize;
        if (size > this.#frameBytesMax || bytes.readUInt32BE(frameAt) !== pgno) {
          throw new InvariantViolation(`no frame of page ${pgno} with ${size} bytes at ${frameAt}`);
        }
        this.#accept(pgno, pageAt);
        this.#crc = this.#kernel.crc64(this.#crc, frameAt, BLOCK_FRAME_HEADER_BYTES);
        this.#crc = this.#kernel.crc64(this.#crc, pageAt, pageSize);
        this.#append(bytes.subarray(frameAt, frameAt + size));
        this.#frames.add(pgno, size);
        frameAt += size;
      }
    });
  }

  /**
   * Writes the index and the trailer. `postApplyChecksum` is required in files with database checksums; in a snapshot it
   * must be that of the pages (`LTX_DB_CHECKSUM`).
   */
  finish({ postApplyChecksum = 0n }: { readonly postApplyChecksum?: bigint } = {}): EncodedLtx {
    return this.#inPages('finish', () => {
      const place = { name: this.#name };
      this.#sequence.complete();
      validatePostApplyChecksum(this.#header, postApplyChecksum, place);
      if (this.#isDatabaseChecksumKnown && postApplyChecksum !== (this.#databaseChecksum | CHECKSUM_FLAG)) {
        const computed = hex64(this.#databaseChecksum | CHECKSUM_FLAG);
        const what = `post-apply checksum ${hex64(postApplyChecksum)} given, ${computed} computed`;
        throw ltxError('LTX_DB_CHECKSUM', place, what);
      }
      this.#appendCovered(Buffer.alloc(PAGE_HEADER_BYTES));
      this.#appendIndex();
      const trailer = Buffer.alloc(TRAILER_BYTES);
      trailer.writeBigUInt64BE(postApplyChecksum, 0);
      this.#appendCovered(trailer.subarray(0, 8));
      const fileChecksum = this.#crc | CHECKSUM_FLAG;
      trailer.writeBigUInt64BE(fileChecksum, 8);
      this.#append(trailer.subarray(8));
      this.#flush();
      this.#phase = 'finished';
      return { sizeBytes: this.#sizeBytes, fileChecksum, pageCount: this.#frames.count };
    });
  }

  get #isDatabaseChecksumKnown(): boolean {
    return isTrackedHeader(this.#header) && isSnapshotHeader(this.#header);
  }

  /** Runs a step; whatever goes wrong in it, the file can no longer be finished. */
  #inPages<T>(what: string, step: () => T): T {
    if (this.#phase !== 'pages') throw new InvariantViolation(`${what} on an LTX encoder that is ${this.#phase}`);
    this.#phase = 'failed';
    const result = step();
    if (this.#phase === 'failed') this.#phase = 'pages';
    return result;
  }

  #accept(pgno: PageNumber, at: number): void {
    this.#sequence.accept(pgno);
    if (!this.#isDatabaseChecksumKnown) return;
    const { pageSize } = this.#header;
    const scratchAt = this.#scratchAt + 2 * SCRATCH_BYTES - PAGE_CHECKSUM_SCRATCH_BYTES;
    const page = pageChecksum(this.#kernel, { pgno, at, pageSize, scratchAt });
    this.#databaseChecksum = togglePage(this.#databaseChecksum, page);
  }

  #encode(tableAt: number, count: number): void {
    let done = 0;
    while (done < count) {
      this.#reserve(this.#frameBytesMax);
      const at = tableAt + done * PAGE_TABLE_ENTRY_BYTES;
      const to = this.#outAt + this.#outUsed;
      const { pages, bytes, crc } = this.#kernel.encodePages({
        tableAt: at,
        count: count - done,
        pageSize: this.#header.pageSize,
        to,
        capacity: this.#outEnd - to,
        crc: this.#crc,
      });
      if (pages === 0) throw new InvariantViolation(`no page fitted into ${this.#outEnd - to} bytes`);
      for (let i = 0; i < pages; i++) {
        const entry = at / 4 + i * PAGE_TABLE_WORDS;
        this.#frames.add(this.#words[entry] ?? 0, this.#words[entry + 2] ?? 0);
      }
      this.#crc = crc;
      this.#outUsed += bytes;
      done += pages;
    }
  }

  /** Pieces of the index: the largest that fits, covered by the checksum piece by piece. */
  #appendIndex(): void {
    const { bytes } = this.#kernel;
    let indexBytes = 0;
    let offset = LTX_HEADER_BYTES;
    let start = this.#outAt + this.#outUsed;
    let p = start;
    const cover = (): void => {
      this.#crc = this.#kernel.crc64(this.#crc, start, p - start);
      this.#outUsed += p - start;
      indexBytes += p - start;
    };
    for (let i = 0; i < this.#frames.count; i++) {
      if (this.#outEnd - p < INDEX_ENTRY_BYTES_MAX) {
        cover();
        this.#flush();
        start = this.#outAt;
        p = start;
      }
      const size = this.#frames.size(i);
      p = writeVarint(bytes, p, this.#frames.pgno(i));
      p = writeVarint(bytes, p, offset);
      p = writeVarint(bytes, p, size);
      offset += size;
    }
    cover();
    const end = Buffer.alloc(1 + INDEX_SIZE_BYTES);
    end.writeBigUInt64BE(BigInt(indexBytes + 1), 1);
    this.#appendCovered(end);
  }

  /** Appends bytes from anywhere and takes them into the file checksum. */
  #appendCovered(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    const at = this.#outAt + this.#outUsed;
    this.#append(bytes);
    this.#crc = this.#kernel.crc64(this.#crc, at, bytes.length);
  }

  #append(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#kernel.bytes.set(bytes, this.#outAt + this.#outUsed);
    this.#outUsed += bytes.length;
  }

  #reserve(bytes: number): void {
    if (this.#outEnd - this.#outAt - this.#outUsed < bytes) this.#flush();
  }

  #flush(): void {
    if (this.#outUsed === 0) return;
    this.#write(this.#kernel.bytes.subarray(this.#outAt, this.#outAt + this.#outUsed));
    this.#sizeBytes += this.#outUsed;
    this.#outUsed = 0;
  }
}
