/** An LTX file as its header and its pages, in the batches the kernel decodes them in. */
import type { TxidRange } from '#domain/txid';
import type { ByteStream } from '#ports/storage';
import { decodeInterim } from './interim/decoder.ts';

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

/** Ends only after the trailer was verified. `LTX_*` errors name the place. */
export const readLtxPages = (stream: ByteStream): AsyncGenerator<LtxPart, void, undefined> => decodeInterim(stream);
