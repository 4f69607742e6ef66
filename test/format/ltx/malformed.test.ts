/** Every malformed file of the format's table, each with a right file checksum unless that is what is wrong. */
import { describe, expect, it } from 'vitest';
import type { ErrorCode } from '#errors/codes';
import { ReplicationError } from '#errors/replication-error';
import { verifyLtx } from '#format/ltx/verify';
import { encodeLz4Frame } from '#format/lz4-frame';
import {
  blockFrame,
  FLAG,
  type Frame,
  type HeaderFields,
  headerBytes,
  indexBytes,
  indexEntries,
  legacyFrame,
  literalBlock,
  ltxFile,
  pageSum,
  testPage,
  u16,
  u32,
  varint,
} from './build.ts';
import { decodeAll, kernel, thrownBy } from './decoded.ts';

const page = testPage(2);
const frame = blockFrame(2, page);
const frames = [frame, blockFrame(3, testPage(3))];
const header = (fields: HeaderFields): Buffer => ltxFile({ header: headerBytes(fields) });
const withBlock = (block: Buffer, size?: number): Buffer =>
  ltxFile({ frames: [blockFrame(2, page, size === undefined ? { block } : { block, size })] });
const withFrames = (commit: number, pgnos: readonly number[], fields: HeaderFields = {}): Buffer => {
  const { pageSize = 512 } = fields;
  const made = pgnos.map((pgno) => blockFrame(pgno, testPage(pgno, pageSize)));
  return ltxFile({ header: headerBytes({ commit, ...fields }), frames: made });
};
const lz4Page = (options = {}, content: Uint8Array = page): Buffer =>
  encodeLz4Frame(content, { blockSizeCode: 4, ...options });
const changed = (bytes: Buffer, at: number, value: number): Buffer => {
  const copy = Buffer.from(bytes);
  copy.writeUInt8(value, at < 0 ? copy.length + at : at);
  return copy;
};
const legacy = (lz4Frame: Buffer): Buffer => ltxFile({ frames: [legacyFrame(2, page, lz4Frame)] });
const good = ltxFile({ frames });
const marker = 100 + frames.reduce((sum, { bytes }) => sum + bytes.length, 0);
const entries = indexEntries(frames);
const [first = [0, 0, 0], second = [0, 0, 0]] = entries;
const withIndex = (index: Buffer, indexSize?: bigint): Buffer =>
  ltxFile(indexSize === undefined ? { frames, index } : { frames, index, indexSize });
const tracked = { flags: 0, pre: FLAG | 5n };
const sum1 = pageSum(1, testPage(1));

/** A literal run, then a match, then literals up to 512 bytes; for blocks wrong in one place. */
const matchBlock = (offset: number): Buffer => {
  const end = literalBlock(Buffer.alloc(512 - 16 - 4, 1));
  return Buffer.concat([Buffer.of(0xf0, 1), Buffer.alloc(16, 7), Buffer.of(offset & 255, offset >> 8), end]);
};

interface Row {
  readonly row: number | string;
  readonly what: string;
  readonly file: Buffer;
  readonly code: ErrorCode;
  readonly says: RegExp;
}
const rows: Row[] = [];
const add = (row: number, what: string, file: Buffer, code: ErrorCode, says: RegExp): void => {
  rows.push({ row, what, file, code, says });
};

add(1, 'empty', Buffer.alloc(0), 'LTX_TRUNCATED', /header: 100 bytes wanted, 0 got/);
add(2, '99 bytes', good.subarray(0, 99), 'LTX_TRUNCATED', /header: 100 bytes wanted, 99 got/);
add(3, 'header only', good.subarray(0, 100), 'LTX_TRUNCATED', /page header.*byte 100/);
add(4, 'LTX2', header({ magic: 'LTX2' }), 'LTX_BAD_MAGIC', /4c545832/);
add(4, 'ltx1', header({ magic: 'ltx1' }), 'LTX_BAD_MAGIC', /6c747831/);
add(5, 'flags 3', header({ flags: 3 }), 'LTX_BAD_FLAGS', /0x00000003/);
add(6, 'flags 4', header({ flags: 4 }), 'LTX_BAD_FLAGS', /0x00000004/);
for (const pageSize of [0, 256, 1000, 131072]) {
  add(7, `page size ${pageSize}`, header({ pageSize }), 'LTX_BAD_PAGE_SIZE', new RegExp(`page size ${pageSize} `));
}
add(8, 'min 0', header({ min: 0n, max: 2n }), 'LTX_BAD_TXID', /min TXID is zero/);
add(9, 'max 0', header({ min: 2n, max: 0n }), 'LTX_BAD_TXID', /max TXID is zero/);
add(10, 'min > max', header({ min: 9n, max: 8n }), 'LTX_BAD_TXID', /0000000000000009.*0000000000000008/);
add(11, 'WAL offset < 0', header({ walOffset: -32n }), 'LTX_BAD_WAL_FIELDS', /WAL offset is negative: -32/);
add(12, 'WAL size < 0', header({ walOffset: 32n, walSize: -1n }), 'LTX_BAD_WAL_FIELDS', /WAL size is negative: -1/);
add(13, 'salt 1 alone', header({ salt1: 1 }), 'LTX_BAD_WAL_FIELDS', /salt 0x00000001 .*without/);
add(13, 'salt 2 alone', header({ salt2: 1 }), 'LTX_BAD_WAL_FIELDS', /salt .*0x00000001 without/);
add(14, 'size alone', header({ walSize: 8n }), 'LTX_BAD_WAL_FIELDS', /WAL size 8 without/);
const pre = (fields: HeaderFields, says: RegExp, row: number, what: string): void =>
  add(row, what, header(fields), 'LTX_BAD_PRE_CHECKSUM', says);
pre({ min: 1n, flags: 0, pre: FLAG | 1n }, /in a snapshot/, 15, 'pre in a snapshot');
pre({ pre: FLAG | 1n }, /not allowed/, 16, 'pre without checksums');
pre({ flags: 0 }, /required/, 17, 'no pre in a tracked file');
pre({ flags: 0, pre: 5n }, /0000000000000005 lacks bit 63/, 18, 'pre without bit 63');
for (const cut of [1, 5]) {
  add(19, `cut in a page header by ${cut}`, good.subarray(0, 100 + cut), 'LTX_TRUNCATED', /page header.*byte 100/);
}
const rawHeader = (pgno: number, flags: number): Buffer =>
  ltxFile({
    frames: [{ pgno, bytes: Buffer.concat([u32(pgno), u16(flags), u32(4)]), covered: Buffer.alloc(0) }],
  });
add(20, 'page 0', rawHeader(0, 1), 'LTX_BAD_PAGE_HEADER', /page number zero.*byte 100/);
add(21, 'flags 3', rawHeader(2, 3), 'LTX_BAD_PAGE_HEADER', /page 2 .*0x0003/);
add(21, 'flags 8001', rawHeader(2, 0x8001), 'LTX_BAD_PAGE_HEADER', /page 2 .*0x8001/);
add(
  22,
  'cut in the size prefix',
  good.subarray(0, 108),
  'LTX_TRUNCATED',
  /size prefix of page 2: 4 bytes wanted, 2 got/,
);
add(23, 'cut in the payload', good.subarray(0, 200), 'LTX_TRUNCATED', /payload of page 2: 515 bytes wanted, 90 got/);
add(24, 'size 0', withBlock(Buffer.alloc(0)), 'LTX_BAD_PAGE_DATA', /page 2 .*size of 0/);
add(25, 'size 2^31', withBlock(literalBlock(page), 0x7fffffff), 'LTX_BAD_PAGE_DATA', /2147483647, not 1 to 530/);
add(25, 'size one above', withBlock(Buffer.alloc(531), 531), 'LTX_BAD_PAGE_DATA', /531, not 1 to 530/);
add(26, 'offset 0', withBlock(matchBlock(0)), 'LTX_BAD_PAGE_DATA', /page 2: .*offset 0/);
add(27, 'offset too far', withBlock(matchBlock(17)), 'LTX_BAD_PAGE_DATA', /page 2: .*offset 17 after only 16/);
add(28, 'ends in a match', withBlock(matchBlock(1).subarray(0, 20)), 'LTX_BAD_PAGE_DATA', /page 2: .*ends in a match/);
add(28, 'ends mid-literal', withBlock(literalBlock(page).subarray(0, -1)), 'LTX_BAD_PAGE_DATA', /inside a literal run/);
add(29, 'short', withBlock(literalBlock(page.subarray(0, 500))), 'LTX_BAD_PAGE_DATA', /to 500 bytes, expected 512/);
add(30, 'long', withBlock(literalBlock(Buffer.alloc(513))), 'LTX_BAD_PAGE_DATA', /page 2: .*513 bytes, expected 512/);
const zeroTail = Buffer.concat([Buffer.alloc(256, 9), Buffer.alloc(256)]);
const shortFrame = blockFrame(2, zeroTail, { block: literalBlock(zeroTail.subarray(0, 256)) });
add(29, 'missing tail is zeros', ltxFile({ frames: [shortFrame] }), 'LTX_BAD_PAGE_DATA', /256 bytes, expected 512/);
add(31, 'LZ4 magic', legacy(changed(lz4Page(), 0, 5)), 'LTX_BAD_PAGE_DATA', /page 2: .*magic/);
add(32, 'header check', legacy(changed(lz4Page(), 6, 0)), 'LTX_BAD_PAGE_DATA', /page 2: .*header check/);
const lastByte = lz4Page().at(-1) ?? 0;
add(33, 'content checksum', legacy(changed(lz4Page(), -1, lastByte ^ 1)), 'LTX_BAD_PAGE_DATA', /content checksum/);
add(33, 'no EndMark', legacy(lz4Page().subarray(0, -8)), 'LTX_BAD_PAGE_DATA', /page 2/);
add(33, 'EndMark not zero', legacy(changed(lz4Page(), -8, 1)), 'LTX_BAD_PAGE_DATA', /page 2/);
add(34, 'short', legacy(lz4Page({}, page.subarray(0, 511))), 'LTX_BAD_PAGE_DATA', /511 bytes, expected 512/);
add(34, 'long', legacy(lz4Page({}, Buffer.alloc(513))), 'LTX_BAD_PAGE_DATA', /page 2: .*512/);
add(35, 'beyond commit', withFrames(4, [5]), 'LTX_PAGE_RANGE', /page 5 .*4 pages/);
add(35, 'commit 0', withFrames(0, [1]), 'LTX_PAGE_RANGE', /page 1 .*0 pages/);
add(36, 'repeated', withFrames(4, [2, 2]), 'LTX_PAGE_ORDER', /page 2 follows page 2/);
add(37, 'descending', withFrames(4, [3, 2]), 'LTX_PAGE_ORDER', /page 2 follows page 3/);
for (const pageSize of [512, 1024, 2048, 4096, 8192, 16384, 32768, 65536]) {
  const lock = 0x40000000 / pageSize + 1;
  const file = withFrames(lock + 1, [lock], { pageSize });
  add(38, `lock page of ${pageSize}`, file, 'LTX_LOCK_PAGE', new RegExp(`page ${lock}`));
}
add(39, 'from page 2', withFrames(3, [2, 3], { min: 1n }), 'LTX_SNAPSHOT_INCOMPLETE', /page 1 expected, page 2 found/);
add(39, 'hole', withFrames(3, [1, 3], { min: 1n }), 'LTX_SNAPSHOT_INCOMPLETE', /page 2 expected, page 3 found/);
add(40, 'ends early', withFrames(3, [1, 2], { min: 1n }), 'LTX_SNAPSHOT_INCOMPLETE', /after page 2.*3 pages/);
add(40, 'no pages', withFrames(3, [], { min: 1n }), 'LTX_SNAPSHOT_INCOMPLETE', /after page 0.*3 pages/);
add(41, 'no marker', ltxFile({ frames, marker: Buffer.alloc(0) }), 'LTX_BAD_PAGE_HEADER', new RegExp(`byte ${marker}`));
for (const got of [0, 1, 7]) {
  add(42, `${got} bytes after the marker`, good.subarray(0, marker + 6 + got), 'LTX_TRUNCATED', /page index/);
}
add(43, 'cut in the index', good.subarray(0, marker + 8), 'LTX_TRUNCATED', /page index: 7 bytes wanted, 2 got/);
add(43, 'cut in the index size', good.subarray(0, -20), 'LTX_TRUNCATED', /page index size: 8 bytes wanted, 4 got/);
add(43, 'cut in the trailer', good.subarray(0, -10), 'LTX_TRUNCATED', /trailer: 16 bytes wanted, 6 got/);
add(44, 'last byte', good.subarray(0, -1), 'LTX_TRUNCATED', /trailer: 16 bytes wanted, 15 got/);
const firstEntry = Buffer.concat(first.map((value) => varint(value)));
const overlong = Buffer.concat([firstEntry, Buffer.alloc(10, 0x83), Buffer.of(1, 0)]);
add(45, 'varint of 65 bits', withIndex(overlong), 'LTX_BAD_INDEX', /entry 2/);
add(
  45,
  'pgno 2^32',
  withIndex(indexBytes([[2 ** 32 + 2, first[1], first[2]], second])),
  'LTX_BAD_INDEX',
  /entry 1.*4294967298/,
);
// The first byte of the size field ends the index; then the file is one byte short.
add(46, 'not terminated', withIndex(indexBytes(entries).subarray(0, -1)), 'LTX_TRUNCATED', /trailer/);
const badIndex = (what: string, list: readonly (readonly [number, number, number])[], says: RegExp): void =>
  add(47, what, withIndex(indexBytes(list)), 'LTX_BAD_INDEX', says);
badIndex('missing entry', [first], /after 1 entries, expected 2/);
badIndex('none', [], /after 0 entries, expected 2/);
badIndex('extra entry', [first, second, [4, 9, 9]], /extra entry 3.*page 4 at 9, 9 bytes/);
badIndex('reordered', [second, first], /entry 1: expected page 2 .*found page 3/);
badIndex(
  'wrong offset',
  [first, [3, second[1] + 1, second[2]]],
  /entry 2: expected page 3 at 625.*found page 3 at 626/,
);
badIndex('wrong size', [[2, first[1], first[2] + 1], second], /entry 1: expected .*525 bytes, found .*526 bytes/);
add(
  47,
  'wrong size field',
  withIndex(indexBytes(entries), 99n),
  'LTX_BAD_INDEX',
  /index size: expected \d+ .*found 99/,
);
add(48, '1 byte more', Buffer.concat([good, Buffer.of(0)]), 'LTX_TRAILING_DATA', /1 bytes/);
add(48, '16 zeros more', Buffer.concat([good, Buffer.alloc(16)]), 'LTX_TRAILING_DATA', /16 bytes/);
add(48, 'a second file', Buffer.concat([good, good]), 'LTX_TRAILING_DATA', new RegExp(`${good.length} bytes`));
const rightSum = good.readBigUInt64BE(good.length - 8);
for (const checksum of [rightSum ^ 1n, 0n, rightSum & ~FLAG]) {
  const says = new RegExp(`${checksum.toString(16).padStart(16, '0')} stored, ${rightSum.toString(16)} computed`);
  add(49, `checksum ${checksum}`, ltxFile({ frames, checksum }), 'LTX_FILE_CHECKSUM', says);
}
add(50, 'post without checksums', ltxFile({ post: FLAG | 7n }), 'LTX_BAD_TRAILER', /8000000000000007 is not allowed/);
const trackedHeader = headerBytes(tracked);
add(51, 'no post', ltxFile({ header: trackedHeader }), 'LTX_BAD_TRAILER', /required/);
add(51, 'post without bit 63', ltxFile({ header: trackedHeader, post: 7n }), 'LTX_BAD_TRAILER', /07 lacks bit 63/);
const deletion = headerBytes({ ...tracked, commit: 0 });
add(52, 'deletion', ltxFile({ header: deletion, post: FLAG | 7n }), 'LTX_BAD_TRAILER', /8000000000000007 of a deleted/);
const snapshot = { header: headerBytes({ flags: 0, min: 1n, commit: 1 }), frames: [blockFrame(1, testPage(1))] };
const wrongPost = ltxFile({ ...snapshot, post: sum1 ^ 1n });
add(53, 'wrong database checksum', wrongPost, 'LTX_DB_CHECKSUM', new RegExp(`stored, ${sum1.toString(16)} computed`));

describe('a malformed file', () => {
  it.each(rows)('$row ($what): $code', ({ file, code, says }) => {
    for (const chunkBytes of [file.length || 1, 1, 37]) {
      const error = thrownBy(() => decodeAll(file, chunkBytes, 'ltx/0/some.ltx'));
      expect(error).toBeInstanceOf(ReplicationError);
      expect(error).toMatchObject({ code, retryable: false, message: expect.stringMatching(says) });
      expect(error).toMatchObject({ message: expect.stringContaining('ltx/0/some.ltx') });
    }
  });

  it('54 (another name): LTX_NAME_MISMATCH, naming both ranges', async () => {
    async function* source(): AsyncGenerator<Buffer> {
      yield await Promise.resolve(good);
    }
    const verified = (maxTxid: bigint) =>
      verifyLtx(source(), { kernel, name: 'n.ltx', expected: { minTxid: 2n, maxTxid } });
    await expect(verified(3n)).rejects.toMatchObject({
      code: 'LTX_NAME_MISMATCH',
      message: expect.stringMatching(/0000000000000002-0000000000000002.*0000000000000002-0000000000000003/),
    });
    await expect(verified(2n)).resolves.toMatchObject({ pageCount: 2, sizeBytes: good.length });
  });
});

describe('a file cut short or changed', () => {
  const mixed: Frame[] = [
    blockFrame(1, testPage(1)),
    legacyFrame(2, testPage(2), lz4Page({}, testPage(2))),
    blockFrame(4, testPage(4)),
  ];
  const file = ltxFile({ frames: mixed });
  const whole = decodeAll(file);

  it('is LTX_TRUNCATED at every length', () => {
    for (let length = 0; length < file.length; length++) {
      expect(
        thrownBy(() => decodeAll(file.subarray(0, length))),
        `${length} bytes`,
      ).toMatchObject({
        code: 'LTX_TRUNCATED',
      });
    }
  });

  it('is noticed after any single-bit flip, or no page differs', () => {
    for (let bit = 0; bit < 8 * file.length; bit++) {
      const flipped = Buffer.from(file);
      flipped.writeUInt8(flipped.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
      const error = thrownBy(() => {
        const decoded = decodeAll(flipped);
        expect({ header: decoded.header, pages: decoded.pages }).toEqual({ header: whole.header, pages: whole.pages });
      });
      if (error !== undefined) expect(error, `bit ${bit}`).toMatchObject({ code: expect.stringMatching(/^LTX_/) });
    }
  });
});

describe('what must be accepted', () => {
  const frameForms = [
    {},
    { hasContentChecksum: false },
    { blockSizeCode: 5 },
    { blockSizeCode: 7, hasBlockChecksums: true },
    { hasContentSize: true },
    { isLinked: true },
  ] as const;

  it.each(frameForms)('frame form with %o', (options) => {
    const legacyFile = legacy(lz4Page(options));
    expect([...decodeAll(legacyFile, 13).pages]).toEqual([[2, page]]);
  });

  it('forms mixed within a file, padded varints, no pages at all, a WAL offset without a size', () => {
    const padded = Buffer.concat([...entries.flat().map((value) => varint(value, 6)), Buffer.of(0)]);
    expect(decodeAll(withIndex(padded), 5).pageCount).toBe(2);
    const mixed = [frame, legacyFrame(3, testPage(3), lz4Page({}, testPage(3))), blockFrame(4, testPage(4))];
    expect([...decodeAll(ltxFile({ frames: mixed }), 11).pages.keys()]).toEqual([2, 3, 4]);
    expect(decodeAll(ltxFile()).pageCount).toBe(0);
    expect(decodeAll(header({ walOffset: 4096n, salt1: 9 })).header.walOffset).toBe(4096n);
  });

  it('database checksums that are right', () => {
    expect(decodeAll(ltxFile({ ...snapshot, post: sum1 })).trailer.postApplyChecksum).toBe(sum1);
  });

  it('TXIDs above 2^53 and the largest there is', () => {
    const range = { min: (1n << 60n) + 1n, max: (1n << 64n) - 1n };
    expect(decodeAll(header(range)).header).toMatchObject({ minTxid: range.min, maxTxid: range.max });
  });
});
