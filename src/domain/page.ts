/** Pages of a SQLite database. */

/** A page number, from 1 to 2^32 - 2. */
export type PageNumber = number;

/** The page sizes SQLite has, in bytes. */
export const PAGE_SIZES = [512, 1024, 2048, 4096, 8192, 16384, 32768, 65536] as const;

/** The page that holds byte 2^30: SQLite never stores anything in it, so it is never replicated (ltx-format 6). */
export const lockPageNumber = (pageSize: number): PageNumber => 0x4000_0000 / pageSize + 1;

/** True for a power of two from 512 to 65536. */
export const isPageSize = (value: number): boolean => (PAGE_SIZES as readonly number[]).includes(value);

/** Pages a snapshot of a database of `commit` pages holds: all but the lock page. */
export const snapshotPageCount = (commit: number, pageSize: number): number =>
  commit >= lockPageNumber(pageSize) ? commit - 1 : commit;
