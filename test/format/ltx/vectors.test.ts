/** Byte-exact files of the format. */
import { describe, expect, it } from 'vitest';
import { decodeLtxHeader, type LtxHeader, untrackedHeader } from '#format/ltx/header';
import { blockFrame, headerBytes, ltxFile, u64 } from './build.ts';
import { decodeAll, encodeAll } from './decoded.ts';
import { VECTOR_A, VECTOR_B, VECTOR_B_LEGACY } from './vectors.ts';

const pagesOf = (file: Buffer): [number, Buffer][] => [...decodeAll(file).pages];
const checksumOf = (file: Buffer): string => file.subarray(-8).toString('hex');
const literalOnly = (file: Buffer): Buffer =>
  ltxFile({ header: file.subarray(0, 100), frames: pagesOf(file).map(([pgno, page]) => blockFrame(pgno, page)) });

describe('the golden files', () => {
  it('are decoded: header, pages, trailer', () => {
    const { header, trailer, pages, pageCount, sizeBytes } = decodeAll(VECTOR_A);
    expect(header).toEqual({
      flags: 2,
      pageSize: 512,
      commit: 2,
      minTxid: 1n,
      maxTxid: 1n,
      timestampMs: 1700000000000,
      preApplyChecksum: 0n,
      walOffset: 32n,
      walSize: 1072n,
      walSalt1: 0x03478e3c,
      walSalt2: 0x1df319b7,
      nodeId: 0n,
    });
    expect(trailer).toEqual({ postApplyChecksum: 0n, fileChecksum: 0xa7c36e9e995964a3n });
    expect({ pageCount, sizeBytes }).toEqual({ pageCount: 2, sizeBytes: 300 });
    expect(pages.get(1)?.toString('latin1', 0, 15)).toBe('SQLite format 3');
    expect(pages.get(2)?.readUInt8(0)).toBe(0x0d);
  });

  it('give the same pages in block form and in the frame form of old releases', () => {
    expect(pagesOf(VECTOR_B_LEGACY)).toEqual(pagesOf(VECTOR_B));
    expect(decodeAll(VECTOR_B_LEGACY).trailer.fileChecksum).toBe(0x8f93d0f3f2343724n);
    expect(decodeAll(VECTOR_B).trailer.fileChecksum).toBe(0xd5ec4d9eeb7d2b18n);
  });

  it.each([1, 2, 3, 7, 99, 100, 101, 299])('are decoded alike from pieces of %i bytes', (chunkBytes) => {
    const { batches: _, ...whole } = decodeAll(VECTOR_A);
    expect(decodeAll(VECTOR_A, chunkBytes)).toMatchObject(whole);
    expect(decodeAll(VECTOR_B_LEGACY, chunkBytes).pages).toEqual(decodeAll(VECTOR_B_LEGACY).pages);
  });

  it('come back from the encoder with the same header, index layout and pages', () => {
    for (const vector of [VECTOR_A, VECTOR_B, VECTOR_B_LEGACY]) {
      const { file, sizeBytes, fileChecksum, pageCount } = encodeAll(decodeAll(vector).header, pagesOf(vector));
      expect(file.subarray(0, 100)).toEqual(vector.subarray(0, 100));
      const decoded = decodeAll(file);
      expect(decoded).toMatchObject({ sizeBytes, pageCount, trailer: { fileChecksum } });
      expect([...decoded.pages]).toEqual(pagesOf(vector));
    }
  });

  it('have the checksums of an encoder that writes literals only', () => {
    expect(literalOnly(VECTOR_A).length).toBe(1190);
    expect(checksumOf(literalOnly(VECTOR_A))).toBe('8b865a08af4bca21');
    expect(checksumOf(literalOnly(VECTOR_B))).toBe('fcf6478fdda8c853');
    expect(pagesOf(literalOnly(VECTOR_A))).toEqual(pagesOf(VECTOR_A));
    expect(pagesOf(literalOnly(VECTOR_B))).toEqual(pagesOf(VECTOR_B));
  });

  it('carry right database checksums when they are tracked, up to the deletion of the database', () => {
    const tracked = (vector: Buffer, pre: bigint): LtxHeader => ({
      ...decodeAll(vector).header,
      flags: 0,
      preApplyChecksum: pre,
    });
    const postA = 0xe771e9fd5f817727n;
    const postB = 0xeb202abaa07f519en;
    const withFlags0 = (vector: Buffer, pre: bigint, post: bigint): string => {
      const header = Buffer.from(vector.subarray(0, 100));
      header.writeUInt32BE(0, 4);
      header.writeBigUInt64BE(pre, 40);
      const size = (offset: number): number => vector.readUInt32BE(offset + 6);
      const frames = pagesOf(vector).map(([pgno, page], i) => {
        const at = i === 0 ? 100 : 110 + size(100);
        const block = vector.subarray(at + 10, at + 10 + size(at));
        return blockFrame(pgno, page, { block });
      });
      const file = ltxFile({ header, frames, post });
      expect(decodeAll(file).trailer.postApplyChecksum).toBe(post);
      return checksumOf(file);
    };
    expect(withFlags0(VECTOR_A, 0n, postA)).toBe('c7a01a6e8e271703');
    expect(withFlags0(VECTOR_B, postA, postB)).toBe('98f13a3e141b4522');
    expect(encodeAll(tracked(VECTOR_A, 0n), pagesOf(VECTOR_A), postA).pageCount).toBe(2);
    expect(encodeAll(tracked(VECTOR_B, postA), pagesOf(VECTOR_B), postB).pageCount).toBe(1);

    const deletion = {
      ...untrackedHeader({ pageSize: 512, commit: 0, minTxid: 3n, maxTxid: 3n, timestampMs: 1700000002000 }),
      flags: 0,
      preApplyChecksum: postB,
    };
    const { file } = encodeAll(deletion, [], 1n << 63n);
    expect(file.length).toBe(131);
    expect(checksumOf(file)).toBe('8eb3d7d1d4354ed3');
    expect(decodeAll(file).header).toEqual(deletion);
  });

  it('put every header field where it belongs', () => {
    const header: LtxHeader = {
      flags: 2,
      pageSize: 65536,
      commit: 0xfffffffe,
      minTxid: 0x1122334455667788n,
      maxTxid: 0x1122334455667789n,
      timestampMs: -1,
      preApplyChecksum: 0n,
      walOffset: 0x0102030405060708n,
      walSize: 0x1112131415161718n,
      walSalt1: 0x21222324,
      walSalt2: 0x31323334,
      nodeId: 0x4142434445464748n,
    };
    const { file, fileChecksum } = encodeAll(header, []);
    expect(file.length).toBe(131);
    expect(fileChecksum).toBe(0xc3e8387e8d96e78bn);
    expect(file.subarray(-8)).toEqual(u64(fileChecksum));
    expect(decodeLtxHeader(file)).toEqual(header);
    expect(decodeAll(file).header).toEqual(header);
  });

  it('are refused by nobody for what readers must accept', () => {
    const reserved = Buffer.alloc(20, 0xa5);
    const file = ltxFile({ header: headerBytes({ reserved, timestamp: -5n, nodeId: 7n }) });
    expect(decodeAll(file)).toMatchObject({ pageCount: 0, header: { timestampMs: -5, nodeId: 7n } });
  });
});
