/** Page numbers and frame sizes of one file in eight bytes a page: what its page index must say. */
import type { PageNumber } from '#domain/page';

const CAPACITY_START = 64;

/** A growing list; offsets follow from the sizes because frames lie one after the other from byte 100. */
export class FrameList {
  #entries = new Uint32Array(2 * CAPACITY_START);
  #count = 0;

  /** Frames in the list. */
  get count(): number {
    return this.#count;
  }

  /** Adds a frame of `size` bytes, header included. */
  add(pgno: PageNumber, size: number): void {
    if (2 * this.#count === this.#entries.length) {
      const larger = new Uint32Array(2 * this.#entries.length);
      larger.set(this.#entries);
      this.#entries = larger;
    }
    this.#entries[2 * this.#count] = pgno;
    this.#entries[2 * this.#count + 1] = size;
    this.#count++;
  }

  /** Page number of a frame, 0 when there is no such frame. */
  pgno(i: number): PageNumber {
    return i < this.#count ? (this.#entries[2 * i] ?? 0) : 0;
  }

  /** Size of a frame in bytes, 0 when there is no such frame. */
  size(i: number): number {
    return i < this.#count ? (this.#entries[2 * i + 1] ?? 0) : 0;
  }
}
