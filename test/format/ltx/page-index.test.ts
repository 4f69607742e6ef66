/** The page index read on its own: layouts larger than any test file, and indexes that lie. */
import { describe, expect, it } from 'vitest';
import { lockPageNumber, PAGE_SIZES, snapshotPageCount } from '#domain/page';
import { errorCodeOf } from '#errors/replication-error';
import { untrackedHeader } from '#format/ltx/header';
import { decodePageFrame, type PageIndex, parsePageIndexTail } from '#format/ltx/page-index';
import { PageSequence } from '#format/ltx/page-sequence';
import { encodeLz4Frame } from '#format/lz4-frame';
import { blockFrame, indexBytes, legacyFrame, testPage, u64, varint } from './build.ts';
import { kernel, thrownBy } from './decoded.ts';

type Entries = readonly (readonly [number, number, number])[];

/** The end of a file whose frames end at `framesEnd`. */
const tailOf = (index: Buffer, framesEnd: number, size = BigInt(index.length)) => ({
  bytes: Buffer.concat([index, u64(size), Buffer.alloc(16)]),
  fileSize: framesEnd + 6 + index.length + 24,
});
const parse = (index: Buffer, framesEnd: number, size?: bigint): PageIndex => {
  const { bytes, fileSize } = tailOf(index, framesEnd, size);
  const tail = parsePageIndexTail(bytes, fileSize, 'x.ltx');
  if (tail.kind !== 'index') throw new Error(`needs ${tail.tailBytes} bytes`);
  return tail.index;
};
const refusal = (index: Buffer, framesEnd: number, size?: bigint): string =>
  errorCodeOf(thrownBy(() => parse(index, framesEnd, size)));

describe('parsePageIndexTail', () => {
  it('finds pages at offsets above 4 GiB', () => {
    const entries: [number, number, number][] = [];
    let offset = 100;
    // A frame of any size is taken for granted here: three of 3 GiB.
    for (const pgno of [7, 9, 4294967295]) {
      entries.push([pgno, offset, 3 * 2 ** 30]);
      offset += 3 * 2 ** 30;
    }
    const index = parse(indexBytes(entries), offset);
    expect(index.find(7)).toEqual({ offset: 100, size: 3 * 2 ** 30 });
    expect(index.find(4294967295)).toEqual({ offset: 100 + 6 * 2 ** 30, size: 3 * 2 ** 30 });
    expect([1, 8, 10].map((pgno) => index.find(pgno))).toEqual([undefined, undefined, undefined]);
  });

  it('says how much it needs when the index is longer than what it was given', () => {
    const entries = Array.from({ length: 300 }, (_, i): [number, number, number] => [i + 1, 100 + i * 20, 20]);
    const { bytes, fileSize } = tailOf(indexBytes(entries), 6100);
    const short = parsePageIndexTail(bytes.subarray(-100), fileSize);
    expect(short).toEqual({ kind: 'needsMore', tailBytes: bytes.length });
    expect(parsePageIndexTail(bytes, fileSize).kind).toBe('index');
    expect(parsePageIndexTail(bytes.subarray(-10), fileSize)).toEqual({ kind: 'needsMore', tailBytes: fileSize });
  });

  it('accepts padded varints and an index of no pages', () => {
    const padded = Buffer.concat([varint(1, 5), varint(100, 10), varint(20, 2), Buffer.of(0)]);
    expect(parse(padded, 120).find(1)).toEqual({ offset: 100, size: 20 });
    expect([...parse(Buffer.of(0), 100).pageNumbers]).toEqual([]);
  });

  it('refuses an index that does not describe the file', () => {
    const bad = (entries: Entries, framesEnd = 140): void =>
      expect(refusal(indexBytes(entries), framesEnd), JSON.stringify(entries)).toBe('LTX_BAD_INDEX');
    bad([[1, 101, 39]]);
    bad([[1, 100, 41]]);
    bad([
      [2, 100, 20],
      [1, 120, 20],
    ]);
    bad([
      [1, 100, 20],
      [2, 121, 19],
    ]);
    bad([[2 ** 32, 100, 40]]);
    bad([[1, 100, 6]], 106);
    expect(refusal(Buffer.concat([varint(1), varint(100), Buffer.of(0)]), 140)).toBe('LTX_BAD_INDEX');
    expect(refusal(Buffer.concat([varint(1), varint(100), Buffer.alloc(11, 0x80), Buffer.of(0)]), 140)).toBe(
      'LTX_BAD_INDEX',
    );
    expect(refusal(Buffer.of(1, 100, 40), 140)).toBe('LTX_BAD_INDEX');
    for (const size of [0n, 1n << 63n, 400n]) expect(refusal(Buffer.of(0), 100, size)).toBe('LTX_BAD_INDEX');
    expect(errorCodeOf(thrownBy(() => parsePageIndexTail(Buffer.alloc(130), 130)))).toBe('LTX_TRUNCATED');
  });
});

describe('decodePageFrame', () => {
  const page = testPage(3);
  const block = blockFrame(3, page).bytes;
  const legacy = legacyFrame(3, page, encodeLz4Frame(page, { blockSizeCode: 4 })).bytes;
  const options = { kernel, pgno: 3, pageSize: 512, place: { name: 'x.ltx', offset: 100 } };
  const refused = (bytes: Buffer, fields = {}): string =>
    errorCodeOf(thrownBy(() => decodePageFrame(bytes, { ...options, ...fields })));

  it('gives the page of a frame of either form', () => {
    expect(decodePageFrame(block, options)).toEqual(page);
    expect(decodePageFrame(legacy, options)).toEqual(page);
  });

  it('refuses another page, another length, and damage', () => {
    expect(refused(block, { pgno: 4 })).toBe('LTX_BAD_INDEX');
    for (const frame of [block, legacy]) {
      expect(refused(Buffer.concat([frame, Buffer.of(0)]))).toBe('LTX_BAD_INDEX');
      expect(refused(frame.subarray(0, -1))).toBe('LTX_BAD_INDEX');
    }
    expect(refused(block.subarray(0, 9))).toBe('LTX_TRUNCATED');
    expect(refused(block, { pageSize: 1024 })).toBe('LTX_BAD_PAGE_DATA');
    expect(refused(blockFrame(3, page, { block: Buffer.of(0xf0, 1) }).bytes)).toBe('LTX_BAD_PAGE_DATA');
  });
});

describe('the lock page at 1 GiB', () => {
  it.each(PAGE_SIZES)('is the only page a snapshot lacks, with pages of %i bytes', (pageSize) => {
    const lock = lockPageNumber(pageSize);
    for (const commit of [lock - 1, lock, lock + 1]) {
      const fields = { pageSize, commit, minTxid: 1n, maxTxid: 1n, timestampMs: 0 };
      const sequence = new PageSequence(untrackedHeader(fields), 'x.ltx');
      let count = 0;
      for (let pgno = 1; pgno <= commit; pgno++) {
        if (pgno === lock) continue;
        sequence.accept(pgno);
        count++;
      }
      sequence.complete();
      expect(count).toBe(snapshotPageCount(commit, pageSize));
    }
    const fields = { pageSize, commit: lock + 1, minTxid: 1n, maxTxid: 1n, timestampMs: 0 };
    const short = new PageSequence(untrackedHeader(fields), 'x.ltx');
    for (let pgno = 1; pgno < lock; pgno++) short.accept(pgno);
    expect(errorCodeOf(thrownBy(() => short.complete()))).toBe('LTX_SNAPSHOT_INCOMPLETE');
    expect(errorCodeOf(thrownBy(() => short.accept(lock)))).toBe('LTX_LOCK_PAGE');
  });
});
