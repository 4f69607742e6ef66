/** Which page may come next in an LTX file (LTX format, "Page ordering and content rules"); one set of rules for both ways. */
import { lockPageNumber, type PageNumber } from '#domain/page';
import { isSnapshotHeader, type LtxHeader } from './header.ts';
import { ltxError } from './ltx-error.ts';

/**
 * Checks page numbers one after the other: ascending, at most `commit`, never the lock page, and in a snapshot every page
 * from 1 to `commit` but the lock page.
 */
export class PageSequence {
  readonly #name: string;
  readonly #commit: number;
  readonly #lockPage: PageNumber;
  readonly #isSnapshot: boolean;
  #last = 0;

  constructor(header: LtxHeader, name: string) {
    this.#name = name;
    this.#commit = header.commit;
    this.#lockPage = lockPageNumber(header.pageSize);
    this.#isSnapshot = isSnapshotHeader(header);
  }

  /** The last page accepted, 0 before the first. */
  get last(): PageNumber {
    return this.#last;
  }

  /** Accepts the next page, or throws `LTX_PAGE_ORDER`, `LTX_PAGE_RANGE`, `LTX_LOCK_PAGE`, `LTX_SNAPSHOT_INCOMPLETE`. */
  accept(pgno: PageNumber, offset?: number): void {
    const place = { name: this.#name, offset };
    if (pgno > this.#commit) {
      const what = `page ${pgno} lies beyond the database of ${this.#commit} pages (commit)`;
      throw ltxError('LTX_PAGE_RANGE', place, what);
    }
    if (pgno <= this.#last) {
      throw ltxError('LTX_PAGE_ORDER', place, `page ${pgno} follows page ${this.#last}; page numbers must ascend`);
    }
    if (pgno === this.#lockPage) {
      throw ltxError('LTX_LOCK_PAGE', place, `holds page ${pgno}, the lock page, which is never replicated`);
    }
    if (this.#isSnapshot) {
      const expected = this.#next();
      if (pgno !== expected) {
        throw ltxError('LTX_SNAPSHOT_INCOMPLETE', place, `snapshot: page ${expected} expected, page ${pgno} found`);
      }
    }
    this.#last = pgno;
  }

  /** After the last page: `LTX_SNAPSHOT_INCOMPLETE` when pages of a snapshot are missing. */
  complete(offset?: number): void {
    if (this.#isSnapshot && this.#next() <= this.#commit) {
      const what = `snapshot ends after page ${this.#last}, but the database has ${this.#commit} pages (commit)`;
      throw ltxError('LTX_SNAPSHOT_INCOMPLETE', { name: this.#name, offset }, what);
    }
  }

  #next(): PageNumber {
    const next = this.#last + 1;
    return next === this.#lockPage ? next + 1 : next;
  }
}
