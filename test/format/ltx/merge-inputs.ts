/** Files in memory as inputs of a merge, with a record of what was opened and closed. */
import type { TxidRange } from '#domain/txid';
import type { LtxInput } from '#format/ltx/merge-input';

/** An input over a file's bytes, handed out in pieces of `chunkBytes`. */
export interface RecordedInput extends LtxInput {
  /** `opened`, then `closed` once the stream was read to its end or given back. */
  readonly log: string[];
}

/** The TXIDs of the header. */
export const rangeOf = (file: Buffer): TxidRange => ({
  minTxid: file.readBigUInt64BE(16),
  maxTxid: file.readBigUInt64BE(24),
});

export const inputOf = (
  file: Buffer,
  { chunkBytes = 4096, range = rangeOf(file) }: { chunkBytes?: number; range?: TxidRange } = {},
): RecordedInput => {
  const name = `${range.minTxid}-${range.maxTxid}.ltx`;
  const log: string[] = [];
  async function* stream(): AsyncGenerator<Buffer, void, undefined> {
    try {
      for (let at = 0; at < file.length; at += chunkBytes) {
        // A view that is overwritten afterwards: nobody may rely on a chunk after asking for the next.
        const chunk = Buffer.from(file.subarray(at, at + chunkBytes));
        yield chunk;
        chunk.fill(0xee);
      }
    } finally {
      log.push('closed');
    }
  }
  return {
    name,
    range,
    log,
    open: () => {
      log.push('opened');
      return Promise.resolve(stream());
    },
  };
};

/** All chunks as one. */
export const collect = async (chunks: AsyncIterable<Uint8Array>): Promise<Buffer> => {
  const all: Uint8Array[] = [];
  for await (const chunk of chunks) all.push(chunk);
  return Buffer.concat(all);
};
