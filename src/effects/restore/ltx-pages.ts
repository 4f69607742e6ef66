/** An LTX file as its header and its pages, in the batches the kernel decodes them in. */
import type { TxidRange } from '#domain/txid';
import { InvariantViolation } from '#errors/replication-error';
import type { Kernel } from '#format/kernel/kernel';
import { createKernel } from '#format/kernel/load';
import { LtxDecoder, type PageBatch } from '#format/ltx/decoder';
import { wholeArena } from '#format/ltx/memory-region';
import type { ByteStream } from '#ports/storage';

/** What a restore needs of a header. */
export interface LtxImageHeader extends TxidRange {
  readonly pageSize: number;
  /** Pages of the database after the file. */
  readonly commit: number;
}

/** First the header, then pages; the bytes of pages are good until the next part is asked for. */
export type LtxPart =
  | { readonly kind: 'header'; readonly header: LtxImageHeader }
  | { readonly kind: 'pages'; readonly pages: Uint8Array; readonly pageNumbers: Uint32Array };

/**
 * Input given to the decoder at a time. LZ4 cannot expand it more than 255 times, which the larger part of the arena takes:
 * so each piece gives one batch of pages, whose memory is not touched before the next piece.
 */
const PIECE_BYTES = 128 * 1024;
const ARENA_BYTES = 64 * 1024 * 1024;

/** Kernels not in use; a restore decodes one file at a time, so there are as many as restores under way. */
const idleKernels: Kernel[] = [];

/** Ends only after the trailer was verified. `LTX_*` errors name the place. */
export async function* readLtxPages(stream: ByteStream, name?: string): AsyncGenerator<LtxPart, void, undefined> {
  const kernel = idleKernels.pop() ?? createKernel({ arenaBytes: ARENA_BYTES });
  try {
    let batch: PageBatch | undefined;
    let isHeaderTold = false;
    const decoder = new LtxDecoder({
      kernel,
      region: wholeArena(kernel),
      ...(name === undefined ? {} : { name }),
      onPages: (pages) => {
        if (batch !== undefined) throw new InvariantViolation('an LTX decoder gave two batches for one piece');
        batch = pages;
      },
    });
    for await (const chunk of stream) {
      for (let at = 0; at < chunk.length; at += PIECE_BYTES) {
        decoder.push(chunk.subarray(at, at + PIECE_BYTES));
        if (!isHeaderTold && decoder.header !== undefined) {
          isHeaderTold = true;
          yield { kind: 'header', header: decoder.header };
        }
        if (batch === undefined) continue;
        const { pages, pageNumbers } = batch;
        batch = undefined;
        yield { kind: 'pages', pages, pageNumbers };
      }
    }
    decoder.finish();
  } finally {
    idleKernels.push(kernel);
  }
}
