/**
 * One file of a merge: opened late, read page by page, verified to its end, closed at once.
 *
 *   new --open--> at a page --takeRun/skip, toNextPage--> at a page … --marker, tail, end of stream--> ended
 *
 * Compressed bytes wait on the JavaScript side, as the stream gave them; kernel memory is shared by all files of a merge.
 */
import type { PageNumber } from '#domain/page';
import type { TxidRange } from '#domain/txid';
import { InvariantViolation } from '#errors/replication-error';
import type { DecodedLtx } from './decoder.ts';
import { decodeLtxHeader, LTX_HEADER_BYTES, type LtxHeader } from './header.ts';
import type { MergeMemory } from './merge-memory.ts';
import {
  BLOCK_FRAME_HEADER_BYTES,
  badBlock,
  decodeFrameForm,
  PAGE_FLAGS_BLOCK_FORM,
  PAGE_HEADER_BYTES,
  readCompressedSize,
  readPageHeader,
  truncatedFrame,
} from './page-frame.ts';
import { PageIntake } from './page-intake.ts';
import { PAGE_TABLE_WORDS } from './page-table.ts';
import { TailCheck } from './tail-check.ts';
import { checkNamedRange } from './verify.ts';

/** A file to be merged. */
export interface LtxInput {
  /** Its name, for messages. */
  readonly name: string;
  /** The TXIDs its name says. */
  readonly range: TxidRange;
  /** Called once at most. The stream is read to its end, or given back by `return` when the merge ends early. */
  readonly open: () => Promise<AsyncIterable<Uint8Array>>;
}

/** A file no longer than this is read whole and its stream closed before the next one is opened. */
const READ_AHEAD_BYTES = 65536;

const NOTHING = Buffer.alloc(0);

/** Reads one file for a merge. Every method may throw any `LTX_*` code of the file format; errors of the stream pass through. */
export class MergeInput {
  readonly #input: LtxInput;
  #iterator: AsyncIterator<Uint8Array> | undefined;
  /** Read and not yet used, from `#at`. */
  #bytes: Buffer = NOTHING;
  #at = 0;
  /** `#bytes` is a chunk of the stream itself. */
  #isBorrowed = false as boolean;
  #crc = 0n;
  #header: LtxHeader | undefined;
  #intake: PageIntake | undefined;
  /** The next page, 0 after the last. */
  #pgno: PageNumber = 0;
  #frameBytes = 0;
  #flags: number = PAGE_FLAGS_BLOCK_FORM;
  /** The next page when it came in frame form: those are decoded to learn where they end. */
  #page: Buffer | undefined;
  #result: DecodedLtx | undefined;

  constructor(input: LtxInput) {
    this.#input = input;
  }

  /** The next page, 0 once all pages were taken and the file was verified. */
  get pgno(): PageNumber {
    return this.#pgno;
  }

  /** The header, after `open`. */
  get header(): LtxHeader {
    if (this.#header === undefined) throw new InvariantViolation(`${this.#input.name} was not opened`);
    return this.#header;
  }

  /** What the file was; only after its end. */
  get result(): DecodedLtx {
    if (this.#result === undefined) throw new InvariantViolation(`${this.#input.name} was not read to its end`);
    return this.#result;
  }

  /** Opens the stream and reads the header, which must have the TXIDs of the name (`LTX_NAME_MISMATCH`). */
  async open(): Promise<void> {
    const { name, range } = this.#input;
    this.#iterator = (await this.#input.open())[Symbol.asyncIterator]();
    while (this.#bytes.length < READ_AHEAD_BYTES && (await this.#pull()));
    while (this.#bytes.length < LTX_HEADER_BYTES && (await this.#pull()));
    this.#header = decodeLtxHeader(this.#bytes, name);
    checkNamedRange(this.#header, range, name);
  }

  /** After `open`: takes the header into the checksum and goes to the first page. */
  async start(memory: MergeMemory): Promise<void> {
    const { kernel, scratchAt } = memory;
    this.#intake = new PageIntake({ kernel, header: this.header, name: this.#input.name, scratchAt });
    this.#crc = memory.crc64(0n, this.#bytes.subarray(0, LTX_HEADER_BYTES));
    this.#at = LTX_HEADER_BYTES;
    await this.#toFrame(memory);
  }

  /** Goes to the next page, waiting for the stream where needed; after the last one reads and checks the rest. */
  async #toFrame(memory: MergeMemory): Promise<void> {
    while (!this.#isAtFrame()) {
      if (await this.#pull()) continue;
      const rest = this.#bytes.subarray(this.#at);
      const place = { name: this.#input.name, offset: this.#offset };
      throw truncatedFrame(rest, this.header.pageSize, place);
    }
    if (this.#pgno === 0) await this.#readTail(memory);
  }

  /** Goes to the next page after {@link takeRun}; `undefined` when that needed no waiting. */
  toNextPage(memory: MergeMemory): Promise<void> | undefined {
    if (this.#isAtFrame() && this.#pgno !== 0) return undefined;
    return this.#toFrame(memory);
  }

  /**
   * Decodes pages from this one on to `to` in kernel memory: at most `countMax`, at least one, only pages below `limit`, and
   * only what is there without waiting. Returns how many. When `isVerbatim` their frames are at `memory.framesAt` and the
   * table holds page number, frame size, 0; otherwise page number, address of the page, 0.
   */
  takeRun(
    memory: MergeMemory,
    { limit, countMax, to }: { readonly limit: PageNumber; readonly countMax: number; readonly to: number },
  ): { readonly count: number; readonly isVerbatim: boolean } {
    if (this.#flags !== PAGE_FLAGS_BLOCK_FORM && this.#page !== undefined) {
      this.#takeFrameForm(memory, this.#page, to);
      return { count: 1, isVerbatim: false };
    }
    const run = this.#measureRun(memory, limit, countMax);
    const { kernel, framesAt, tableAt, words } = memory;
    kernel.bytes.set(this.#bytes.subarray(this.#at, this.#at + run.bytes), framesAt);
    const { pageSize } = this.header;
    const at = { at: framesAt, length: run.bytes, to, tableAt };
    const { pages, consumed, crc } = kernel.decodePages({ ...at, pageSize, pagesMax: run.count, crc: this.#crc });
    this.#crc = crc;
    const intake = this.#pages;
    for (let i = 0; i < pages; i++) {
      const entry = tableAt / 4 + i * PAGE_TABLE_WORDS;
      intake.add(words[entry] ?? 0, words[entry + 1] ?? 0, to + i * pageSize);
    }
    this.#at += consumed;
    if (pages < run.count) throw this.#badPage();
    return { count: pages, isVerbatim: true };
  }

  /** Gives the stream back. Safe at any time; errors of closing are of no interest any more. */
  async close(): Promise<void> {
    const iterator = this.#iterator;
    this.#iterator = undefined;
    this.#bytes = NOTHING;
    this.#at = 0;
    try {
      await iterator?.return?.();
    } catch {
      // The stream was given up: what it has to say about its end changes nothing.
    }
  }

  get #pages(): PageIntake {
    if (this.#intake === undefined) throw new InvariantViolation(`${this.#input.name} was not started`);
    return this.#intake;
  }

  get #offset(): number {
    return this.#pages.offset;
  }

  /** True when the whole next frame is there, and described by the fields; false when bytes are missing. */
  #isAtFrame(): boolean {
    const place = { name: this.#input.name, offset: this.#offset };
    const available = this.#bytes.length - this.#at;
    if (available < PAGE_HEADER_BYTES) return false;
    const { pgno, flags } = readPageHeader(this.#bytes, this.#at, place);
    if (pgno === 0) {
      this.#frameBytes = PAGE_HEADER_BYTES;
    } else if (flags === PAGE_FLAGS_BLOCK_FORM) {
      if (available < BLOCK_FRAME_HEADER_BYTES) return false;
      const { pageSize } = this.header;
      const size = readCompressedSize(this.#bytes, this.#at, { pgno, pageSize, place });
      this.#frameBytes = BLOCK_FRAME_HEADER_BYTES + size;
      if (available < this.#frameBytes) return false;
    } else {
      this.#page ??= Buffer.allocUnsafe(this.header.pageSize);
      const size = decodeFrameForm(this.#bytes.subarray(this.#at), this.#page, { pgno, place });
      if (size === undefined) return false;
      this.#frameBytes = size;
    }
    this.#pgno = pgno;
    this.#flags = flags;
    return true;
  }

  /** Frames that are there as a whole, in block form, with page numbers below `limit`; their order is checked when they are taken. */
  #measureRun(
    memory: MergeMemory,
    limit: PageNumber,
    countMax: number,
  ): { readonly count: number; readonly bytes: number } {
    let bytes = this.#frameBytes;
    let count = 1;
    while (count < countMax) {
      const at = this.#at + bytes;
      if (this.#bytes.length - at < BLOCK_FRAME_HEADER_BYTES) break;
      const pgno = this.#bytes.readUInt32BE(at);
      if (pgno >= limit || this.#bytes.readUInt16BE(at + 4) !== PAGE_FLAGS_BLOCK_FORM) break;
      const next = BLOCK_FRAME_HEADER_BYTES + this.#bytes.readUInt32BE(at + PAGE_HEADER_BYTES);
      if (this.#bytes.length - at < next || bytes + next > memory.framesBytesMax) break;
      bytes += next;
      count++;
    }
    return { count, bytes };
  }

  /** The page was decoded when the frame was looked at. */
  #takeFrameForm({ kernel, tableAt, words, crc64 }: MergeMemory, page: Buffer, to: number): void {
    kernel.bytes.set(page, to);
    this.#crc = crc64(this.#crc, this.#bytes.subarray(this.#at, this.#at + PAGE_HEADER_BYTES));
    this.#crc = kernel.crc64(this.#crc, to, page.length);
    this.#pages.add(this.#pgno, this.#frameBytes, to);
    words.set([this.#pgno, to, 0], tableAt / 4);
    this.#at += this.#frameBytes;
  }

  #badPage(): Error {
    const { pageSize } = this.header;
    const place = { name: this.#input.name, offset: this.#offset };
    const pgno = this.#bytes.readUInt32BE(this.#at);
    const size = readCompressedSize(this.#bytes, this.#at, { pgno, pageSize, place });
    const blockAt = this.#at + BLOCK_FRAME_HEADER_BYTES;
    return badBlock(this.#bytes.subarray(blockAt, blockAt + size), { pgno, pageSize, place });
  }

  async #readTail(memory: MergeMemory): Promise<void> {
    const intake = this.#pages;
    intake.complete();
    const marker = this.#bytes.subarray(this.#at, this.#at + PAGE_HEADER_BYTES);
    const tail = new TailCheck({
      name: this.#input.name,
      header: this.header,
      frames: intake.frames,
      offset: intake.offset + PAGE_HEADER_BYTES,
      crc: memory.crc64(this.#crc, marker),
      databaseChecksum: intake.databaseChecksum,
      crc64: memory.crc64,
    });
    this.#at += PAGE_HEADER_BYTES;
    do {
      tail.take(this.#bytes.subarray(this.#at));
      this.#at = this.#bytes.length;
    } while (await this.#pull());
    const trailer = tail.finish();
    this.#result = {
      header: this.header,
      trailer,
      pageCount: intake.frames.count,
      sizeBytes: tail.sizeBytes,
    };
    this.#intake = undefined;
    await this.close();
  }

  /** Appends the stream's next chunk to what is left; false at the end of the stream. */
  async #pull(): Promise<boolean> {
    if (this.#iterator === undefined) return false;
    // A chunk may be good only until the next one is asked for.
    const rest = this.#bytes.subarray(this.#at);
    this.#bytes = this.#isBorrowed ? Buffer.from(rest) : rest;
    this.#at = 0;
    this.#isBorrowed = false;
    const { done, value } = await this.#iterator.next();
    if (done === true) {
      this.#iterator = undefined;
      return false;
    }
    this.#isBorrowed = this.#bytes.length === 0;
    const chunk = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
    this.#bytes = this.#isBorrowed ? chunk : Buffer.concat([this.#bytes, chunk]);
    return true;
  }
}
