/** Why an LZ4 block is not one page: walks the block without writing anything, for the message of an error. */

/** A reader of one block that remembers where it is. */
interface Cursor {
  readonly block: Uint8Array;
  at: number;
}

/** A length of 4 bits, extended by bytes until one is not 255; `undefined` when the block ends first. */
const readLength = (cursor: Cursor, nibble: number): number | undefined => {
  let length = nibble;
  if (nibble < 15) return length;
  for (;;) {
    const byte = cursor.block[cursor.at++];
    if (byte === undefined) return undefined;
    length += byte;
    if (byte !== 255) return length;
  }
};

/** A sentence part that says what is wrong with a block which should expand to exactly `expected` bytes. */
export const whyBlockIsBad = (block: Uint8Array, expected: number): string => {
  const cursor: Cursor = { block, at: 0 };
  let produced = 0;
  for (;;) {
    const token = block[cursor.at++];
    if (token === undefined) return `LZ4 block ends in a match, ${expected} bytes expected, ${produced} produced`;
    const literals = readLength(cursor, token >> 4);
    if (literals === undefined || cursor.at + literals > block.length) return 'LZ4 block ends inside a literal run';
    cursor.at += literals;
    produced += literals;
    if (cursor.at === block.length) return `LZ4 block expands to ${produced} bytes, expected ${expected}`;
    const low = block[cursor.at++] ?? 0;
    const high = block[cursor.at++];
    if (high === undefined) return 'LZ4 block ends inside a match offset';
    const offset = low | (high << 8);
    if (offset === 0) return 'LZ4 match with offset 0';
    if (offset > produced) return `LZ4 match with offset ${offset} after only ${produced} bytes`;
    const match = readLength(cursor, token & 15);
    if (match === undefined) return 'LZ4 block ends inside a match length';
    produced += match + 4;
    if (produced > expected) return `LZ4 block expands to more than the ${expected} bytes expected`;
  }
};
