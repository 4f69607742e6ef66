/** Reads a whole LTX file and keeps nothing: is it good, and what is it? */
import { formatTxidRange, type TxidRange } from '#domain/txid';
import type { Kernel } from '../kernel/kernel.ts';
import { type DecodedLtx, LtxDecoder } from './decoder.ts';
import type { LtxHeader } from './header.ts';
import { ltxError } from './ltx-error.ts';
import { type MemoryRegion, wholeArena } from './memory-region.ts';

/** How to verify a file. */
export interface VerifyOptions {
  readonly kernel: Kernel;
  /** Kernel memory of the verification's own until it ends; default: the whole arena. */
  readonly region?: MemoryRegion;
  /** The file's name, for messages. */
  readonly name: string;
  /** The TXIDs its name promises. */
  readonly expected?: TxidRange;
}

/** `LTX_NAME_MISMATCH` when a header has other TXIDs than the file's name says. */
export const checkNamedRange = (header: LtxHeader, expected: TxidRange, name: string): void => {
  if (header.minTxid === expected.minTxid && header.maxTxid === expected.maxTxid) return;
  const what = `its header says TXID ${formatTxidRange(header)}, its name ${formatTxidRange(expected)}`;
  throw ltxError('LTX_NAME_MISMATCH', { name, offset: 16 }, what);
};

/** Decodes a file to its end. Throws any `LTX_*` code of the file format; errors of `source` pass through. */
export const verifyLtx = async (
  source: AsyncIterable<Uint8Array>,
  { kernel, region = wholeArena(kernel), name, expected }: VerifyOptions,
): Promise<DecodedLtx> => {
  const decoder = new LtxDecoder({
    kernel,
    region,
    name,
    onHeader: (header) => {
      if (expected !== undefined) checkNamedRange(header, expected, name);
    },
  });
  for await (const chunk of source) decoder.push(chunk);
  return decoder.finish();
};
