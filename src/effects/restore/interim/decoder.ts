/** Stands in for the LTX decoder until it is there: no checksum is verified. */

import lz4 from 'lz4-napi';
import type { ErrorCode } from '#errors/codes';
import { ReplicationError } from '#errors/replication-error';
import type { ByteStream } from '#ports/storage';
export async function* decodeInterim(stream: ByteStream) {
  const chunks = [];
  for await (const c of stream) chunks.push(c);
  const b = Buffer.concat(chunks);
  const fail = (code: ErrorCode, m: string) => new ReplicationError(code, m, { retryable: false });
  if (b.length < 131) throw fail('LTX_TRUNCATED', 'short');
  const pageSize = b.readUInt32BE(8),
    commit = b.readUInt32BE(12);
  const header = {
    pageSize,
    commit,
    minTxid: b.readBigUInt64BE(16),
    maxTxid: b.readBigUInt64BE(24),
    timestampMs: Number(b.readBigInt64BE(32)),
  };
  yield { kind: 'header' as const, header };
  let p = 100;
  for (;;) {
    const pgno = b.readUInt32BE(p);
    const flags = b.readUInt16BE(p + 4);
    if (pgno === 0) break;
    let page: Buffer;
    if (flags === 1) {
      const n = b.readUInt32BE(p + 6);
      const pre = Buffer.alloc(4);
      pre.writeUInt32LE(pageSize);
      page = lz4.uncompressSync(Buffer.concat([pre, b.subarray(p + 10, p + 10 + n)]));
      p += 10 + n;
    } else {
      let q = p + 6 + 7;
      for (;;) {
        const n = b.readUInt32LE(q);
        q += 4;
        if (n === 0) break;
        q += n & 0x7fffffff;
      }
      q += 4;
      page = lz4.decompressFrameSync(b.subarray(p + 6, q));
      p = q;
    }
    yield { kind: 'pages' as const, pages: page, pageNumbers: Uint32Array.of(pgno) };
  }
}
