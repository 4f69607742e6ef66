/** What the encoder refuses, and that it works in little memory. */
import { describe, expect, it } from 'vitest';
import { PAGE_SIZES } from '#domain/page';
import { errorCodeOf } from '#errors/replication-error';
import { decoderRegionBytesMin, LtxDecoder, type PageBatch } from '#format/ltx/decoder';
import { encoderRegionBytesMin, LtxEncoder, PAGE_TABLE_ENTRY_BYTES } from '#format/ltx/encoder';
import { encodeLtxHeader, type LtxHeader, untrackedHeader } from '#format/ltx/header';
import { splitRegion, wholeArena, wordsOf } from '#format/ltx/memory-region';
import { FLAG, pageSum, testPage } from './build.ts';
import { decodeAll, encodeAll, kernel, thrownBy } from './decoded.ts';

const headerOf = (fields: Partial<LtxHeader> = {}): LtxHeader => ({
  ...untrackedHeader({ pageSize: 512, commit: 4, minTxid: 2n, maxTxid: 2n, timestampMs: 0 }),
  ...fields,
});
const encoderOf = (header = headerOf()): LtxEncoder =>
  new LtxEncoder({ kernel, region: wholeArena(kernel), header, write: () => undefined });
const codeOf = (header: LtxHeader, pgnos: readonly number[], post?: bigint): string =>
  errorCodeOf(
    thrownBy(() =>
      encodeAll(
        header,
        pgnos.map((pgno) => [pgno, testPage(pgno)]),
        post,
      ),
    ),
  );
const violation = { name: 'InvariantViolation' };

describe('the encoder', () => {
  it('refuses pages that the format forbids', () => {
    expect(codeOf(headerOf(), [5])).toBe('LTX_PAGE_RANGE');
    expect(codeOf(headerOf(), [2, 2])).toBe('LTX_PAGE_ORDER');
    expect(codeOf(headerOf(), [3, 2])).toBe('LTX_PAGE_ORDER');
    expect(codeOf(headerOf(), [0])).toBe('LTX_PAGE_ORDER');
    expect(codeOf(headerOf({ commit: 3000000 }), [2097153])).toBe('LTX_LOCK_PAGE');
    const snapshot = headerOf({ minTxid: 1n, commit: 3 });
    expect(codeOf(snapshot, [2])).toBe('LTX_SNAPSHOT_INCOMPLETE');
    expect(codeOf(snapshot, [1, 3])).toBe('LTX_SNAPSHOT_INCOMPLETE');
    expect(codeOf(snapshot, [1, 2])).toBe('LTX_SNAPSHOT_INCOMPLETE');
  });

  it('refuses headers and database checksums that contradict each other', () => {
    expect(codeOf(headerOf({ flags: 4 }), [])).toBe('LTX_BAD_FLAGS');
    expect(codeOf(headerOf({ commit: 0 }), [])).toBe('LTX_BAD_TRAILER');
    expect(codeOf(headerOf(), [], FLAG)).toBe('LTX_BAD_TRAILER');
    const tracked = headerOf({ flags: 0, preApplyChecksum: FLAG | 1n });
    expect(codeOf(tracked, [])).toBe('LTX_BAD_TRAILER');
    expect(codeOf({ ...tracked, commit: 0 }, [], FLAG | 1n)).toBe('LTX_BAD_TRAILER');
    const snapshot = headerOf({ flags: 0, minTxid: 1n, commit: 2 });
    const sum = pageSum(1, testPage(1)) ^ pageSum(2, testPage(2)) ^ FLAG;
    expect(codeOf(snapshot, [1, 2], sum ^ 1n)).toBe('LTX_DB_CHECKSUM');
    expect(
      encodeAll(
        snapshot,
        [1, 2].map((pgno) => [pgno, testPage(pgno)]),
        sum | FLAG,
      ).pageCount,
    ).toBe(2);
  });

  it('treats wrong use as a bug: wrong sizes, calls after the end or after an error, values that do not fit', () => {
    expect(thrownBy(() => encoderOf().addPage(1, Buffer.alloc(511)))).toMatchObject(violation);
    const finished = encoderOf();
    finished.finish();
    expect(thrownBy(() => finished.finish())).toMatchObject(violation);
    expect(thrownBy(() => finished.addPage(1, Buffer.alloc(512)))).toMatchObject(violation);
    const failed = encoderOf();
    expect(thrownBy(() => failed.addPage(9, Buffer.alloc(512)))).toMatchObject({ code: 'LTX_PAGE_RANGE' });
    expect(thrownBy(() => failed.finish())).toMatchObject(violation);
    expect(thrownBy(() => encodeLtxHeader(headerOf({ commit: 2 ** 32 })))).toMatchObject(violation);
    expect(thrownBy(() => encodeLtxHeader(headerOf({ maxTxid: 1n << 64n })))).toMatchObject(violation);
    expect(thrownBy(() => encodeLtxHeader(headerOf({ timestampMs: 0.5 })))).toMatchObject(violation);
  });

  it('writes the same file whether pages come one by one or by table, whatever the memory', () => {
    const pages = Array.from({ length: 300 }, (_, i) => [i + 1, testPage(i + 1)] as const);
    const header = headerOf({ minTxid: 1n, commit: 300 });
    const { file } = encodeAll(header, pages);
    for (const bytes of [encoderRegionBytesMin(512), 5000, 40_000]) {
      const [region, rest] = splitRegion(wholeArena(kernel), bytes);
      const [table, room] = splitRegion(rest, 300 * PAGE_TABLE_ENTRY_BYTES);
      for (const [i, [pgno, page]] of pages.entries()) {
        kernel.bytes.set(page, room.at + i * 512);
        wordsOf(kernel).set([pgno, room.at + i * 512, 0], table.at / 4 + 3 * i);
      }
      const chunks: Buffer[] = [];
      const encoder = new LtxEncoder({ kernel, region, header, write: (chunk) => chunks.push(Buffer.from(chunk)) });
      encoder.addPages(table.at, 100);
      encoder.addPages(table.at + 100 * PAGE_TABLE_ENTRY_BYTES, 200);
      expect(encoder.finish()).toMatchObject({ sizeBytes: file.length, pageCount: 300 });
      expect(Buffer.concat(chunks).equals(file)).toBe(true);
      // Nothing outside of its region was touched.
      expect(wordsOf(kernel)[table.at / 4]).toBe(1);
    }
  });

  it('writes pages that compress well, which fill the output of a small decoder many times over', () => {
    const header = headerOf({ minTxid: 1n, commit: 500 });
    const { file } = encodeAll(
      header,
      Array.from({ length: 500 }, (_, i) => [i + 1, Buffer.alloc(512, i)]),
    );
    const [region] = splitRegion(wholeArena(kernel), decoderRegionBytesMin(512));
    const seen: number[] = [];
    const onPages = ({ pageNumbers, pages }: PageBatch): void => {
      pageNumbers.forEach((pgno, i) => void seen.push(pgno, pages.readUInt8(i * 512)));
    };
    const decoder = new LtxDecoder({ kernel, region, onPages });
    decoder.push(file);
    expect(decoder.finish().pageCount).toBe(500);
    expect(seen).toEqual(Array.from({ length: 500 }, (_, i) => [i + 1, i & 255]).flat());
  });

  it.each(PAGE_SIZES)('and the decoder work in the least memory they ask for, with pages of %i bytes', (pageSize) => {
    const noise = Buffer.alloc(pageSize);
    for (let i = 0, x = 1; i < pageSize; i++) {
      x = (Math.imul(x, 1664525) + 1013904223) >>> 0;
      noise[i] = x >>> 24;
    }
    const chunks: Buffer[] = [];
    const [forEncoder] = splitRegion(wholeArena(kernel), encoderRegionBytesMin(pageSize));
    const header = headerOf({ pageSize });
    const write = (chunk: Uint8Array): void => void chunks.push(Buffer.from(chunk));
    const encoder = new LtxEncoder({ kernel, region: forEncoder, header, write });
    for (const pgno of [1, 2, 4]) encoder.addPage(pgno, noise);
    encoder.finish();
    const file = Buffer.concat(chunks);
    const seen: number[] = [];
    const [region] = splitRegion(wholeArena(kernel), decoderRegionBytesMin(pageSize));
    const decoder = new LtxDecoder({
      kernel,
      region,
      onPages: ({ pageNumbers, pages }) => {
        seen.push(...pageNumbers);
        expect(pages.subarray(0, pageSize).equals(noise)).toBe(true);
      },
    });
    for (let at = 0; at < file.length; ) {
      const window = decoder.inputWindow();
      const piece = file.subarray(at, at + window.length);
      kernel.bytes.set(piece, window.at);
      decoder.pushed(piece.length);
      at += piece.length;
    }
    expect(decoder.finish().pageCount).toBe(3);
    expect(seen).toEqual([1, 2, 4]);
    expect(decodeAll(file, 1000).pageCount).toBe(3);
  });
});
