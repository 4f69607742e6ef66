/** The files of a merge by their next page: a binary heap, so that a step costs log(files). */
import type { PageNumber } from '#domain/page';

/** What stands in the heap: a page number that only grows, and the place in the order of the files. */
export interface HeapEntry {
  readonly pgno: PageNumber;
  /** Later files win. */
  readonly order: number;
}

const comesFirst = (a: HeapEntry, b: HeapEntry): boolean => a.pgno < b.pgno || (a.pgno === b.pgno && a.order > b.order);

/** Smallest page number first; among equals the latest file. */
export class PageHeap<T extends HeapEntry> {
  readonly #entries: T[] = [];

  constructor(entries: Iterable<T>) {
    for (const entry of entries) this.#push(entry);
  }

  /** The first entry. */
  get top(): T | undefined {
    return this.#entries[0];
  }

  /** The smallest page number but for the first entry; infinite when there is no other. */
  get secondPgno(): number {
    const left = this.#entries[1]?.pgno ?? Number.POSITIVE_INFINITY;
    const right = this.#entries[2]?.pgno ?? Number.POSITIVE_INFINITY;
    return Math.min(left, right);
  }

  /** To be called after the first entry's page number grew. */
  topGrew(): void {
    const entry = this.#entries[0];
    if (entry === undefined) return;
    let at = 0;
    for (;;) {
      const left = 2 * at + 1;
      const [a, b] = [this.#entries[left], this.#entries[left + 1]];
      if (a === undefined) break;
      const isRight = b !== undefined && comesFirst(b, a);
      const child = isRight ? b : a;
      if (!comesFirst(child, entry)) break;
      this.#entries[at] = child;
      at = isRight ? left + 1 : left;
    }
    this.#entries[at] = entry;
  }

  /** Takes the first entry out. */
  removeTop(): void {
    const last = this.#entries.pop();
    if (last === undefined || this.#entries.length === 0) return;
    this.#entries[0] = last;
    this.topGrew();
  }

  #push(entry: T): void {
    let at = this.#entries.length;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = this.#entries[parent];
      if (above === undefined || !comesFirst(entry, above)) break;
      this.#entries[at] = above;
      at = parent;
    }
    this.#entries[at] = entry;
  }
}
