/** Runs the decoder and the encoder over whole files in memory. */
import type { Kernel } from '#format/kernel/kernel';
import { createKernel } from '#format/kernel/load';
import { type DecodedLtx, LtxDecoder } from '#format/ltx/decoder';
import { type EncodedLtx, LtxEncoder } from '#format/ltx/encoder';
import type { LtxHeader } from '#format/ltx/header';
import { splitRegion, wholeArena } from '#format/ltx/memory-region';

/** One kernel for all tests of a file. */
export const kernel: Kernel = createKernel({ arenaBytes: 4 * 1024 * 1024 });

export interface DecodedPages extends DecodedLtx {
  readonly pages: ReadonlyMap<number, Buffer>;
  readonly batches: number;
}

/** Decodes a file handed over in pieces of `chunkBytes`. Throws what the decoder throws. */
export const decodeAll = (file: Uint8Array, chunkBytes = file.length || 1, name = 'x.ltx'): DecodedPages => {
  const pages = new Map<number, Buffer>();
  let batches = 0;
  const decoder = new LtxDecoder({
    kernel,
    region: wholeArena(kernel),
    name,
    onPages: (batch) => {
      batches++;
      const pageSize = batch.pages.length / batch.count;
      batch.pageNumbers.forEach((pgno, i) => {
        pages.set(pgno, Buffer.from(batch.pages.subarray(i * pageSize, (i + 1) * pageSize)));
      });
    },
  });
  for (let at = 0; at < file.length; at += chunkBytes) decoder.push(file.subarray(at, at + chunkBytes));
  return { ...decoder.finish(), pages, batches };
};

/** Encodes pages with the encoder, one by one. */
export const encodeAll = (
  header: LtxHeader,
  pages: Iterable<readonly [number, Uint8Array]>,
  postApplyChecksum = 0n,
): EncodedLtx & { readonly file: Buffer } => {
  const chunks: Buffer[] = [];
  const [region] = splitRegion(wholeArena(kernel), 1024 * 1024);
  const encoder = new LtxEncoder({ kernel, region, header, write: (chunk) => chunks.push(Buffer.from(chunk)) });
  for (const [pgno, page] of pages) encoder.addPage(pgno, page);
  const encoded = encoder.finish({ postApplyChecksum });
  return { ...encoded, file: Buffer.concat(chunks) };
};

/** What a call throws, or `undefined`. */
export const thrownBy = (call: () => unknown): unknown => {
  try {
    call();
    return undefined;
  } catch (error) {
    return error;
  }
};
