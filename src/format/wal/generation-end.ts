/**
 * What the file still shows of the place where reading stopped: the bytes a proof of continuity stands on (D-1). For a new
 * process and for lost locks; nothing here is needed while a pin holds.
 */
import type { EndView, LastFrameView, SyncedEnd } from '#domain/continuity';
import { type ChecksumPair, walChecksum } from './checksum.ts';
import { FRAME_HEADER_BYTES, frameBytes, parseFrameHeader, type WalFrameHeader } from './frame.ts';
import { WAL_HEADER_BYTES } from './header.ts';

/** What is remembered of the last frame read: its checksums, or (in a new process) its page as the level-0 file holds it. */
export type RememberedFrame =
  | { readonly kind: 'checksums'; readonly chain: ChecksumPair }
  | {
      readonly kind: 'page';
      /** The image of a page in the newest level-0 file; undefined when that file lacks the page. */
      readonly pageImage: (pageNumber: number) => Uint8Array | undefined;
    };

/** Where reading stopped, and the file to look at. */
export interface GenerationEndRequest {
  readonly synced: SyncedEnd;
  readonly remembered: RememberedFrame;
  /** Size of the WAL file, bytes. */
  readonly fileBytes: number;
  /** Bytes of the WAL at an offset; fewer only at the end of the file. The result is used before the next call. */
  readonly read: (at: number, length: number) => Uint8Array;
}

export interface GenerationEnd {
  readonly lastFrame: LastFrameView;
  readonly atEnd: EndView;
  /** Checksums of the frame that ends at E, when it is intact: the seed for reading on. */
  readonly chain: ChecksumPair | undefined;
}

/** Looks at the frame before E and at what stands at E. At most two frames are read. */
export const lookAtGenerationEnd = ({ synced, remembered, fileBytes, read }: GenerationEndRequest): GenerationEnd => {
  const { endOffset, pageSize } = synced;
  const size = frameBytes(pageSize);
  if (endOffset <= WAL_HEADER_BYTES)
    return { lastFrame: 'none', atEnd: lengthAt(fileBytes - endOffset, size), chain: undefined };
  if (fileBytes < endOffset) return { lastFrame: 'missing', atEnd: 'beyondEndOfFile', chain: undefined };
  const last = read(endOffset - size, size);
  if (last.length < size) return { lastFrame: 'missing', atEnd: 'beyondEndOfFile', chain: undefined };
  const head = parseFrameHeader(last);
  if (!hasSalts(head, synced) || !isRemembered(head, last, remembered)) {
    return { lastFrame: 'changed', atEnd: lengthAt(fileBytes - endOffset, size), chain: undefined };
  }
  const chain = { checksum1: head.checksum1, checksum2: head.checksum2 };
  const next = read(endOffset, size);
  const isNext = next.length === size && isNextFrame(next, synced, chain);
  return { lastFrame: 'intact', atEnd: isNext ? 'nextFrame' : lengthAt(next.length, size), chain };
};

/** A judgement by length alone; whole frames count as `otherFrame` until the chain says more. */
const lengthAt = (bytes: number, size: number): EndView => {
  if (bytes < 0) return 'beyondEndOfFile';
  if (bytes === 0) return 'endOfFile';
  return bytes < size ? 'partOfFrame' : 'otherFrame';
};

const hasSalts = (frame: WalFrameHeader, { salt1, salt2 }: SyncedEnd): boolean =>
  frame.salt1 === salt1 && frame.salt2 === salt2;

const isRemembered = (head: WalFrameHeader, frame: Uint8Array, remembered: RememberedFrame): boolean => {
  if (remembered.kind === 'checksums') {
    const { checksum1, checksum2 } = remembered.chain;
    return head.checksum1 === checksum1 && head.checksum2 === checksum2;
  }
  const page = remembered.pageImage(head.pageNumber);
  return page !== undefined && Buffer.compare(frame.subarray(FRAME_HEADER_BYTES), page) === 0;
};

/**
 * Is this a valid frame of the old chain? The old header is gone, and with it the order of words: either order counts, for
 * to overlook a frame is a loss and to see one too many only costs a full copy.
 */
const isNextFrame = (frame: Uint8Array, synced: SyncedEnd, chain: ChecksumPair): boolean => {
  const head = parseFrameHeader(frame);
  if (head.pageNumber === 0 || !hasSalts(head, synced)) return false;
  return [false, true].some((isBigEndian) => {
    const start = walChecksum(frame, { at: 0, length: 8, isBigEndian }, chain);
    const page = { at: FRAME_HEADER_BYTES, length: synced.pageSize, isBigEndian };
    const { checksum1, checksum2 } = walChecksum(frame, page, start);
    return checksum1 === head.checksum1 && checksum2 === head.checksum2;
  });
};
