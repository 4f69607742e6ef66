/**
 * Makes one LTX file of several (LTX format, "Compaction"). Compressed pages are taken over as they are; the file checksum
 * covers the pages themselves, so every page is decompressed all the same. Pages in the frame form of old releases are
 * compressed anew: the output is block form throughout.
 */
import { InvariantViolation } from '#errors/replication-error';
import { encoderRegionBytesMin, LtxEncoder } from './encoder.ts';
import type { LtxHeader } from './header.ts';
import { splitRegion, wholeArena } from './memory-region.ts';
import type { MergedRun, MergeOptions, MergeSink } from './merge.ts';
import { checkContiguous, closeMerge, mergeRuns, openMerge } from './merge.ts';
import { type LtxInput, MergeInput } from './merge-input.ts';
import { layOutMerge } from './merge-memory.ts';

/** Part of the region that takes the output, within the bounds that make sense. */
const OUTPUT_SHARE = 0.25;
const OUTPUT_BYTES_MAX = 1024 * 1024;

/** Feeds runs to an encoder and collects what it writes. */
class EncoderSink implements MergeSink {
  readonly usedSlots = 0;
  readonly ready: Buffer[] = [];
  encoder: LtxEncoder | undefined;

  take({ count, tableAt, pagesAt, framesAt }: MergedRun): boolean {
    if (this.encoder === undefined) throw new InvariantViolation('a merge without an encoder');
    if (framesAt === undefined) this.encoder.addPages(tableAt, count);
    else this.encoder.addFrames({ framesAt, tableAt, count, pagesAt });
    return this.ready.length > 0;
  }
}

/** How a file is made from others. */
export interface TransformOptions extends MergeOptions {
  /** The output's header, from that of the plain merge and that of the first file. */
  readonly toHeader: (merged: LtxHeader, first: LtxHeader) => LtxHeader;
}

/**
 * The bytes of the file that `inputs` make together, with a header of the caller's choice. Chunks belong to the receiver.
 * The last chunk comes only after every input was verified.
 */
export async function* transformLtx(
  inputs: readonly LtxInput[],
  { kernel, region = wholeArena(kernel), signal, toHeader }: TransformOptions,
): AsyncGenerator<Buffer, void, undefined> {
  checkContiguous(inputs);
  const opened = inputs.map((input) => new MergeInput(input));
  try {
    const merged = await openMerge(opened, inputs, signal);
    const header = toHeader(merged, opened[0]?.header ?? merged);
    const { pageSize, commit } = header;
    const share = Math.min(OUTPUT_BYTES_MAX, Math.floor(region.length * OUTPUT_SHARE));
    const [forOutput, forMerge] = splitRegion(region, Math.max(encoderRegionBytesMin(pageSize), share));
    const sink = new EncoderSink();
    // The encoder's chunks are views that last only for the call.
    const write = (chunk: Uint8Array): void => void sink.ready.push(Buffer.from(chunk));
    const encoder = new LtxEncoder({ kernel, region: forOutput, header, write, name: 'made by a merge' });
    sink.encoder = encoder;
    const memory = layOutMerge(kernel, forMerge, pageSize);
    for await (const _ of mergeRuns(opened, { memory, commit, sink, signal })) yield* sink.ready.splice(0);
    encoder.finish();
    yield* sink.ready.splice(0);
  } finally {
    await closeMerge(opened);
  }
}

/**
 * Compacts files in TXID order into one: TXIDs from the first to the last, size and time of the last, no WAL position, no
 * database checksums. The last bytes come only after every input was verified; never publish the output of an iteration
 * that did not end by itself. Errors: `LTX_NOT_CONTIGUOUS`, `LTX_NAME_MISMATCH`, `LTX_PAGE_SIZES_DIFFER`,
 * `LTX_SNAPSHOT_INCOMPLETE`, any `LTX_*` code of the file format, `ABORTED`, and those of the streams.
 */
export const compactLtx = (
  inputs: readonly LtxInput[],
  options: MergeOptions,
): AsyncGenerator<Buffer, void, undefined> => transformLtx(inputs, { ...options, toHeader: (merged) => merged });
