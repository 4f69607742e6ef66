/** Stands in for the LTX decoder until it is there: whole files in memory, libraries of the tests. */
import { createCRC64 } from 'hash-wasm';
import lz4 from 'lz4-napi';
import { isPageSize, lockPageNumber } from '#domain/page';
import type { ErrorCode } from '#errors/codes';
import { ReplicationError } from '#errors/replication-error';
import type { ByteStream } from '#ports/storage';
import type { LtxPart } from '../ltx-pages.ts';

const fail = (code: ErrorCode, message: string): ReplicationError =>
  new ReplicationError(code, message, { retryable: false });

const need = (b: Buffer, at: number, length: number, what: string): void => {
  if (at + length > b.length) throw fail('LTX_TRUNCATED', `truncated: ${what} at ${at} wants ${length} bytes`);
};

export async function* decodeInterim(stream: ByteStream): AsyncGenerator<LtxPart, void, undefined> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  const b = Buffer.concat(chunks);
  const crc = await createCRC64('d800000000000000');
  need(b, 0, 100, 'header');
  if (b.toString('latin1', 0, 4) !== 'LTX1') throw fail('LTX_BAD_MAGIC', 'bad magic');
  const flags = b.readUInt32BE(4);
  const pageSize = b.readUInt32BE(8);
  const commit = b.readUInt32BE(12);
  const minTxid = b.readBigUInt64BE(16);
  const maxTxid = b.readBigUInt64BE(24);
  if ((flags & ~2) !== 0) throw fail('LTX_BAD_FLAGS', `invalid flags: ${flags}`);
  if (!isPageSize(pageSize)) throw fail('LTX_BAD_PAGE_SIZE', `invalid page size: ${pageSize}`);
  if (minTxid === 0n || minTxid > maxTxid) throw fail('LTX_BAD_TXID', 'bad txid');
  const isPreSet = b.readBigUInt64BE(40) !== 0n;
  if (isPreSet === (flags === 2 || minTxid === 1n) && (isPreSet || minTxid !== 1n) && flags !== 2)
    throw fail('LTX_BAD_PRE_CHECKSUM', 'pre-apply');
  if (flags === 2 && isPreSet) throw fail('LTX_BAD_PRE_CHECKSUM', 'pre-apply');
  crc.update(b.subarray(0, 100));
  yield { kind: 'header', header: { pageSize, commit, minTxid, maxTxid } };
  const lock = lockPageNumber(pageSize);
  const index: number[] = [];
  const varint = (value: number): void => {
    let rest = value;
    for (; rest >= 128; rest = Math.floor(rest / 128)) index.push((rest % 128) + 128);
    index.push(rest);
  };
  let p = 100;
  let last = 0;
  for (;;) {
    need(b, p, 6, 'page header');
    const start = p;
    const pgno = b.readUInt32BE(p);
    const form = b.readUInt16BE(p + 4);
    crc.update(b.subarray(p, p + 6));
    p += 6;
    if (pgno === 0) {
      if (form !== 0) throw fail('LTX_BAD_PAGE_HEADER', 'page number zero');
      break;
    }
    if (form > 1) throw fail('LTX_BAD_PAGE_HEADER', `flags ${form}`);
    if (pgno <= last) throw fail('LTX_PAGE_ORDER', `${last},${pgno}`);
    if (pgno > commit) throw fail('LTX_PAGE_RANGE', `${pgno} > ${commit}`);
    if (pgno === lock) throw fail('LTX_LOCK_PAGE', `${pgno}`);
    if (minTxid === 1n && pgno !== last + (last + 1 === lock ? 2 : 1))
      throw fail('LTX_SNAPSHOT_INCOMPLETE', `nonsequential ${last},${pgno}`);
    let page: Buffer;
    try {
      if (form === 1) {
        need(b, p, 4, 'size prefix');
        const size = b.readUInt32BE(p);
        crc.update(b.subarray(p, p + 4));
        p += 4;
        if (size === 0 || size > pageSize + pageSize / 255 + 16) throw fail('LTX_BAD_PAGE_DATA', `size ${size}`);
        need(b, p, size, 'payload');
        const prefix = Buffer.alloc(4);
        prefix.writeUInt32LE(pageSize);
        page = lz4.uncompressSync(Buffer.concat([prefix, b.subarray(p, p + size)]));
        p += size;
      } else {
        let q = p + 7;
        for (;;) {
          need(b, q, 4, 'block');
          const size = b.readUInt32LE(q);
          q += 4;
          if (size === 0) break;
          q += size & 0x7fffffff;
        }
        q += 4;
        page = lz4.decompressFrameSync(b.subarray(p, q));
        p = q;
      }
    } catch (error) {
      if (error instanceof ReplicationError) throw error;
      throw fail('LTX_BAD_PAGE_DATA', `page ${pgno}: ${(error as Error).message}`);
    }
    if (page.length !== pageSize) throw fail('LTX_BAD_PAGE_DATA', `page ${pgno}: ${page.length} bytes`);
    crc.update(page);
    varint(pgno);
    varint(start);
    varint(p - start);
    last = pgno;
    yield { kind: 'pages', pages: page, pageNumbers: Uint32Array.of(pgno) };
  }
  if (minTxid === 1n && last !== (commit === lock ? commit - 1 : commit))
    throw fail('LTX_SNAPSHOT_INCOMPLETE', `nonsequential ${last},${commit}`);
  index.push(0);
  need(b, p, index.length + 24, 'index');
  crc.update(b.subarray(p, p + index.length + 16));
  const post = b.readBigUInt64BE(p + index.length + 8);
  const stored = b.readBigUInt64BE(p + index.length + 16);
  const computed = BigInt(`0x${crc.digest('hex')}`) | (1n << 63n);
  if (computed !== stored) throw fail('LTX_FILE_CHECKSUM', 'file checksum mismatch');
  if (b.length !== p + index.length + 24) throw fail('LTX_TRAILING_DATA', 'trailing data');
  if (!b.subarray(p, p + index.length).equals(Buffer.from(index))) throw fail('LTX_BAD_INDEX', 'index');
  if (flags === 2 && post !== 0n) throw fail('LTX_BAD_TRAILER', 'post-apply');
}
