/** The table the kernel and its callers exchange pages by: three u32 in native order for each page. */

/** u32 words of one entry: page number; address of the page (encoding) or size of its frame (decoding); size (encoding). */
export const PAGE_TABLE_WORDS = 3;

/** Bytes of one entry. */
export const PAGE_TABLE_ENTRY_BYTES = 4 * PAGE_TABLE_WORDS;
