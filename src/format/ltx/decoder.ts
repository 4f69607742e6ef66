/**
 * Reads an LTX file as a stream of pieces of any size (LTX format, "Decoder procedure") and checks every rule of it.
 *
 *   header --100 bytes--> pages --end-of-pages marker--> tail --finish--> finished
 *      any error -> failed; a call in the wrong state is a bug of ours (InvariantViolation)
 *
 * Pages handed out are provisional: only when `finish` returns is the file known to be whole and undamaged.
 * Memory: the region, and eight bytes a page to compare the page index with.
 */
import type { PageNumber } from '#domain/page';
import { InvariantViolation } from '#errors/replication-error';
import type { Kernel } from '../kernel/kernel.ts';
import { PAGE_CHECKSUM_SCRATCH_BYTES } from './checksum.ts';
import { decodeLtxHeader, LTX_HEADER_BYTES, type LtxHeader } from './header.ts';
import { type LtxPlace, truncated } from './ltx-error.ts';
import { alignUp, type MemoryRegion, SLACK_BYTES, wordsOf } from './memory-region.ts';
import {
  BLOCK_FRAME_HEADER_BYTES,
  badBlock,
  decodeFrameForm,
  frameFormBytesMax,
  PAGE_FLAGS_BLOCK_FORM,
  PAGE_HEADER_BYTES,
  readCompressedSize,
  readPageHeader,
  truncatedFrame,
} from './page-frame.ts';
import { PageIntake } from './page-intake.ts';
import { PAGE_TABLE_ENTRY_BYTES, PAGE_TABLE_WORDS } from './page-table.ts';
import { decodePlainLz4Frame } from './plain-lz4-frame.ts';
import { TailCheck } from './tail-check.ts';
import type { LtxTrailer } from './trailer.ts';

/** Part of the region that takes input; the rest takes pages, which are larger. */
const INPUT_SHARE = 0.4;

/** The least region a decoder needs for files of a page size; more means larger batches (1 to 8 MiB are good). */
export const decoderRegionBytesMin = (pageSize: number): number =>
  Math.ceil(frameFormBytesMax(pageSize) / INPUT_SHARE) + 8 * SLACK_BYTES;

/** Decoded pages; all of it is good only until the callback returns. */
export interface PageBatch {
  readonly header: LtxHeader;
  readonly count: number;
  /** The numbers of the pages, ascending. The array is the receiver's to keep. */
  readonly pageNumbers: Uint32Array;
  /** The pages one after the other: a view into kernel memory, which is at `pagesAt`. */
  readonly pages: Buffer;
  readonly pagesAt: number;
  /** Address of three u32 a page: page number, size of its frame, 0. */
  readonly tableAt: number;
}

/** What a decoder needs. */
export interface LtxDecoderOptions {
  readonly kernel: Kernel;
  /** The decoder's own until it is finished or given up; at least {@link decoderRegionBytesMin}. */
  readonly region: MemoryRegion;
  /** The file's name, for messages. */
  readonly name?: string;
  readonly onHeader?: (header: LtxHeader) => void;
  readonly onPages?: (batch: PageBatch) => void;
}

/** A file that was read to its end and found good. */
export interface DecodedLtx {
  readonly header: LtxHeader;
  readonly trailer: LtxTrailer;
  readonly pageCount: number;
  readonly sizeBytes: number;
}

/** Where decoded pages go, known once the page size is. */
interface PageSlots {
  readonly at: number;
  readonly count: number;
  readonly tableAt: number;
}

/** Reads one file; every method may throw any `LTX_*` code of the file format. */
export class LtxDecoder {
  readonly #kernel: Kernel;
  readonly #words: Uint32Array;
  readonly #name: string;
  readonly #onHeader: ((header: LtxHeader) => void) | undefined;
  readonly #onPages: ((batch: PageBatch) => void) | undefined;
  readonly #region: MemoryRegion;
  readonly #scratchAt: number;
  readonly #inputAt: number;
  readonly #inputEnd: number;
  /** Input not yet used: `[#start, #end)`. */
  #start: number;
  #end: number;
  #phase: 'header' | 'pages' | 'tail' | 'finished' | 'failed' = 'header';
  #crc = 0n;
  #header: LtxHeader | undefined;
  #intake: PageIntake | undefined;
  #slots: PageSlots = { at: 0, count: 0, tableAt: 0 };
  #filledSlots = 0;
  #tail: TailCheck | undefined;

  constructor({ kernel, region, name = '(unnamed)', onHeader, onPages }: LtxDecoderOptions) {
    if (region.length < decoderRegionBytesMin(512)) {
      throw new InvariantViolation(`an LTX decoder needs ${decoderRegionBytesMin(512)} bytes, has ${region.length}`);
    }
    this.#kernel = kernel;
    this.#words = wordsOf(kernel);
    this.#region = region;
    this.#name = name;
    this.#onHeader = onHeader;
    this.#onPages = onPages;
    this.#scratchAt = alignUp(region.at);
    this.#inputAt = alignUp(this.#scratchAt + PAGE_CHECKSUM_SCRATCH_BYTES);
    this.#inputEnd = region.at + Math.floor(region.length * INPUT_SHARE) + SLACK_BYTES;
    this.#start = this.#inputAt;
    this.#end = this.#inputAt;
  }

  /** The header, once it was read. */
  get header(): LtxHeader | undefined {
    return this.#header;
  }

  /**
   * Where the next bytes of the file may be put, in kernel memory; then say how many with {@link pushed}. Never empty.
   * Saves the copy that {@link push} makes.
   */
  inputWindow(): MemoryRegion {
    this.#check('inputWindow');
    if (this.#start > this.#inputAt) {
      this.#kernel.bytes.copyWithin(this.#inputAt, this.#start, this.#end);
      this.#end -= this.#start - this.#inputAt;
      this.#start = this.#inputAt;
    }
    return { at: this.#end, length: this.#inputEnd - this.#end };
  }

  /** `length` bytes were put where {@link inputWindow} said. */
  pushed(length: number): void {
    this.#check('pushed');
    if (length < 0 || this.#end + length > this.#inputEnd) {
      throw new InvariantViolation(`${length} bytes pushed, room for ${this.#inputEnd - this.#end}`);
    }
    this.#end += length;
    this.#guarded(() => this.#process());
  }

  /** The next bytes of the file, any number. */
  push(chunk: Uint8Array): void {
    this.#check('push');
    let rest = chunk;
    while (rest.length > 0) {
      const { at, length } = this.inputWindow();
      const piece = rest.subarray(0, length);
      this.#kernel.bytes.set(piece, at);
      rest = rest.subarray(piece.length);
      this.pushed(piece.length);
    }
  }

  /** The file has ended: the last checks, then what it was. */
  finish(): DecodedLtx {
    this.#check('finish');
    return this.#guarded(() => {
      const pending = this.#kernel.bytes.subarray(this.#start, this.#end);
      const header = this.#header;
      if (header === undefined || this.#intake === undefined) {
        throw truncated(
          { name: this.#name, offset: 0 },
          { section: 'header', wanted: LTX_HEADER_BYTES, got: pending.length },
        );
      }
      if (this.#tail === undefined) {
        throw truncatedFrame(pending, header.pageSize, { name: this.#name, offset: this.#intake.offset });
      }
      const trailer = this.#tail.finish();
      this.#phase = 'finished';
      return { header, trailer, pageCount: this.#intake.frames.count, sizeBytes: this.#tail.sizeBytes };
    });
  }

  #check(call: string): void {
    if (this.#phase === 'finished' || this.#phase === 'failed') {
      throw new InvariantViolation(`${call} on an LTX decoder that is ${this.#phase}`);
    }
  }

  #guarded<T>(step: () => T): T {
    try {
      return step();
    } catch (error) {
      this.#phase = 'failed';
      throw error;
    }
  }

  #process(): void {
    if (this.#phase === 'header' && !this.#takeHeader()) return;
    if (this.#phase === 'pages') {
      while (this.#takePages());
      this.#handOut();
    }
    if (this.#tail !== undefined) {
      this.#tail.take(this.#kernel.bytes.subarray(this.#start, this.#end));
      this.#start = this.#end;
    }
  }

  #takeHeader(): boolean {
    if (this.#end - this.#start < LTX_HEADER_BYTES) return false;
    const header = decodeLtxHeader(this.#kernel.bytes.subarray(this.#start, this.#end), this.#name);
    const { pageSize } = header;
    if (this.#region.length < decoderRegionBytesMin(pageSize)) {
      throw new InvariantViolation(
        `an LTX decoder of ${pageSize}-byte pages needs ${decoderRegionBytesMin(pageSize)} bytes, has ${this.#region.length}`,
      );
    }
    this.#cover(LTX_HEADER_BYTES);
    const at = alignUp(this.#inputEnd + SLACK_BYTES);
    const bytes = this.#region.at + this.#region.length - at - 2 * SLACK_BYTES;
    const count = Math.floor(bytes / (pageSize + PAGE_TABLE_ENTRY_BYTES));
    this.#slots = { at, count, tableAt: alignUp(at + count * pageSize + SLACK_BYTES - 16) };
    this.#header = header;
    const { name, kernel, scratchAt } = { name: this.#name, kernel: this.#kernel, scratchAt: this.#scratchAt };
    this.#intake = new PageIntake({ kernel, header, name, scratchAt });
    this.#phase = 'pages';
    this.#onHeader?.(header);
    return true;
  }

  /** Takes what the kernel takes in one call, and then one page it does not; false when no more can be done now. */
  #takePages(): boolean {
    const { header, intake } = this.#open();
    const { pageSize } = header;
    const firstSlot = this.#filledSlots;
    const { pages, consumed, crc, stop } = this.#kernel.decodePages({
      at: this.#start,
      length: this.#end - this.#start,
      pageSize,
      to: this.#slots.at + firstSlot * pageSize,
      pagesMax: this.#slots.count - firstSlot,
      tableAt: this.#slots.tableAt + firstSlot * PAGE_TABLE_ENTRY_BYTES,
      crc: this.#crc,
    });
    this.#crc = crc;
    this.#start += consumed;
    for (let slot = firstSlot; slot < firstSlot + pages; slot++) {
      const entry = this.#slots.tableAt / 4 + slot * PAGE_TABLE_WORDS;
      intake.add(this.#words[entry] ?? 0, this.#words[entry + 1] ?? 0, this.#slots.at + slot * pageSize);
    }
    this.#filledSlots += pages;
    switch (stop) {
      case 'needInput':
        return false;
      case 'outputFull':
        this.#handOut();
        return true;
      case 'marker':
        this.#takeMarker();
        return false;
      case 'other':
        if (this.#filledSlots === this.#slots.count) this.#handOut();
        return this.#takeSingle();
    }
  }

  /** A page the kernel does not take: in frame form, or malformed. */
  #takeSingle(): boolean {
    const { header, intake } = this.#open();
    const { pageSize } = header;
    const place = { name: this.#name, offset: intake.offset };
    const frame = this.#kernel.bytes.subarray(this.#start, this.#end);
    const { pgno, flags } = readPageHeader(frame, 0, place);
    if (flags === PAGE_FLAGS_BLOCK_FORM) {
      const size = readCompressedSize(frame, 0, { pgno, pageSize, place });
      const block = frame.subarray(BLOCK_FRAME_HEADER_BYTES, BLOCK_FRAME_HEADER_BYTES + size);
      throw badBlock(block, { pgno, pageSize, place });
    }
    const pageAt = this.#slots.at + this.#filledSlots * pageSize;
    const frameBytes = this.#decodeFrameForm(frame, pageAt, { pgno, pageSize, place });
    if (frameBytes === undefined) return false;
    this.#crc = this.#kernel.crc64(this.#crc, this.#start, PAGE_HEADER_BYTES);
    this.#crc = this.#kernel.crc64(this.#crc, pageAt, pageSize);
    this.#start += frameBytes;
    intake.add(pgno, frameBytes, pageAt);
    const entry = this.#slots.tableAt / 4 + this.#filledSlots * PAGE_TABLE_WORDS;
    this.#words.set([pgno, frameBytes, 0], entry);
    this.#filledSlots++;
    return true;
  }

  #decodeFrameForm(
    frame: Buffer,
    pageAt: number,
    { pgno, pageSize, place }: { readonly pgno: PageNumber; readonly pageSize: number; readonly place: LtxPlace },
  ): number | undefined {
    const lz4Frame = { at: this.#start + PAGE_HEADER_BYTES, length: frame.length - PAGE_HEADER_BYTES };
    const plain = decodePlainLz4Frame(this.#kernel, { ...lz4Frame, to: pageAt, pageSize });
    if (plain !== undefined) return PAGE_HEADER_BYTES + plain;
    return decodeFrameForm(frame, this.#kernel.bytes.subarray(pageAt, pageAt + pageSize), { pgno, place });
  }

  #takeMarker(): void {
    const { header, intake } = this.#open();
    intake.complete();
    this.#cover(PAGE_HEADER_BYTES);
    const { bytes } = this.#kernel;
    this.#tail = new TailCheck({
      name: this.#name,
      header,
      frames: intake.frames,
      offset: intake.offset + PAGE_HEADER_BYTES,
      crc: this.#crc,
      databaseChecksum: intake.databaseChecksum,
      // What the tail is given are views into kernel memory.
      crc64: (crc, piece) => this.#kernel.crc64(crc, piece.byteOffset - bytes.byteOffset, piece.length),
    });
    this.#phase = 'tail';
  }

  #handOut(): void {
    const { header } = this.#open();
    const count = this.#filledSlots;
    this.#filledSlots = 0;
    if (count === 0 || this.#onPages === undefined) return;
    const { at: pagesAt, tableAt } = this.#slots;
    const pageNumbers = new Uint32Array(count);
    for (let i = 0; i < count; i++) pageNumbers[i] = this.#words[tableAt / 4 + i * PAGE_TABLE_WORDS] ?? 0;
    const pages = this.#kernel.bytes.subarray(pagesAt, pagesAt + count * header.pageSize);
    this.#onPages({ header, count, pageNumbers, pages, pagesAt, tableAt });
  }

  /** Takes `length` bytes of input into the file checksum and on. */
  #cover(length: number): void {
    this.#crc = this.#kernel.crc64(this.#crc, this.#start, length);
    this.#start += length;
  }

  #open(): { readonly header: LtxHeader; readonly intake: PageIntake } {
    if (this.#header === undefined || this.#intake === undefined) {
      throw new InvariantViolation('an LTX decoder reads pages before the header');
    }
    return { header: this.#header, intake: this.#intake };
  }
}
