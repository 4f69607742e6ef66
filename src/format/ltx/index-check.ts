/**
 * Reads a page index in pieces and compares it with the frames that were read (LTX format, "Page index"): for each frame
 * three varints (page number, offset of the frame, its size), then one zero byte.
 */

import type { FrameList } from './frame-list.ts';
import { LTX_HEADER_BYTES } from './header.ts';
import { ltxError } from './ltx-error.ts';
import { VarintReader } from './varint.ts';

type Entry = readonly [pgno: number, offset: number, size: number];

const describe = ([pgno, offset, size]: Entry): string => `page ${pgno} at ${offset}, ${size} bytes`;

/** Compares an index with what it must say; throws `LTX_BAD_INDEX` at the first difference. */
export class IndexCheck {
  readonly #name: string;
  readonly #frames: FrameList;
  readonly #varint = new VarintReader();
  readonly #fields: number[] = [];
  #entry = 0;
  #frameOffset = LTX_HEADER_BYTES;
  #bytes = 0;
  #isComplete = false;

  constructor(frames: FrameList, name: string) {
    this.#frames = frames;
    this.#name = name;
  }

  /** Bytes taken so far. */
  get bytes(): number {
    return this.#bytes;
  }

  /** True once the zero byte was taken. */
  get isComplete(): boolean {
    return this.#isComplete;
  }

  /** Takes bytes up to the end of the index; returns how many. `fileOffset` is where the first of them lies. */
  take(bytes: Uint8Array, fileOffset: number): number {
    let p = 0;
    while (p < bytes.length && !this.#isComplete) {
      const byte = bytes[p++] ?? 0;
      if (byte === 0 && this.#fields.length === 0 && this.#varint.pendingBytes === 0) {
        this.#end(fileOffset + p - 1);
      } else {
        const value = this.#varint.take(byte);
        if (value !== undefined) this.#field(value, fileOffset + p - 1);
      }
    }
    this.#bytes += p;
    return p;
  }

  #end(offset: number): void {
    if (this.#entry !== this.#frames.count) {
      const what = `page index ends after ${this.#entry} entries, expected ${this.#frames.count}`;
      throw ltxError('LTX_BAD_INDEX', { name: this.#name, offset }, what);
    }
    this.#isComplete = true;
  }

  #field(value: number, offset: number): void {
    const place = { name: this.#name, offset };
    if (value < 0)
      throw ltxError('LTX_BAD_INDEX', place, `page index entry ${this.#entry + 1} holds a number too large`);
    this.#fields.push(value);
    const [pgno, at, size] = this.#fields;
    if (pgno === undefined || at === undefined || size === undefined) return;
    this.#fields.length = 0;
    const found: Entry = [pgno, at, size];
    if (this.#entry >= this.#frames.count) {
      const what = `page index has an extra entry ${this.#entry + 1}: expected the end, found ${describe(found)}`;
      throw ltxError('LTX_BAD_INDEX', place, what);
    }
    const expected: Entry = [this.#frames.pgno(this.#entry), this.#frameOffset, this.#frames.size(this.#entry)];
    if (pgno !== expected[0] || at !== expected[1] || size !== expected[2]) {
      const what = `page index entry ${this.#entry + 1}: expected ${describe(expected)}, found ${describe(found)}`;
      throw ltxError('LTX_BAD_INDEX', place, what);
    }
    this.#frameOffset += expected[2];
    this.#entry++;
  }
}
