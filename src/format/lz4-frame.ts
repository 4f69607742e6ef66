/**
 * LZ4 frames: whole files of the v0.3 layout, and single pages in LTX files of old releases (LZ4 frame format 1.6).
 *
 * | size | field | meaning |
 * |---|---|---|
 * | 4 | magic | `04 22 4d 18`; `5? 2a 4d 18` begins a skippable frame: u32 size, then that many bytes |
 * | 1 | FLG | bits 7-6 version 01, 5 independent blocks, 4 block checksums, 3 content size, 2 content checksum, 0 dictionary id |
 * | 1 | BD | bits 6-4 largest block: 4 = 64 KiB, 5 = 256 KiB, 6 = 1 MiB, 7 = 4 MiB |
 * | 8 | content size | only with FLG bit 3 |
 * | 1 | header check | second byte of XXH32 over FLG to here |
 * | 4 + n | block | u32 size (bit 31: stored as is), data, XXH32 of the data with FLG bit 4 |
 * | 4 | end mark | zero |
 * | 4 | content checksum | XXH32 of the content, only with FLG bit 2 |
 *
 * All numbers are little-endian.
 */
import { ReplicationError } from '#errors/replication-error';
import { decodeLz4Block, encodeLz4Block } from './lz4-block.ts';
import { createXxh32, xxh32 } from './xxh32.ts';

const MAGIC = 0x184d2204;
const SKIPPABLE_MAGIC = 0x184d2a50;
const STORED_BIT = 0x8000_0000;
/** How far a match may reach back. */
const WINDOW_BYTES = 65536;
const SKIP_STEP_BYTES = 65536;

const invalid = (what: string): ReplicationError =>
  new ReplicationError('LZ4_FRAME_INVALID', `LZ4 frame: ${what}`, { retryable: false });

/** What a decoder asks of the bytes it is fed with. */
interface Demand {
  readonly bytes: number;
  /** What they are, for the message when they are missing. */
  readonly section: string;
  /** True where the input may end: between frames. */
  readonly isEndAllowed?: boolean;
}

/** Yields what it needs next and gets it; undefined when the input ended where it may. */
type Steps<T> = Generator<Demand, T, Buffer | undefined>;

interface Descriptor {
  readonly isLinked: boolean;
  readonly hasBlockChecksums: boolean;
  readonly hasContentChecksum: boolean;
  readonly contentSize: bigint | undefined;
  readonly blockBytesMax: number;
}

function* take(bytes: number, section: string): Steps<Buffer> {
  const got = yield { bytes, section };
  if (got === undefined) throw invalid(`ends inside the ${section}`);
  return got;
}

function* descriptorSteps(): Steps<Descriptor> {
  const start = Buffer.from(yield* take(2, 'descriptor'));
  const flags = start.readUInt8(0);
  const blockCode = start.readUInt8(1);
  const hex = `FLG ${flags.toString(16)} BD ${blockCode.toString(16)}`;
  if (flags >> 6 !== 1) throw invalid(`unknown version (${hex})`);
  if ((flags & 0x01) !== 0) throw invalid(`needs a dictionary (${hex})`);
  if ((flags & 0x02) !== 0 || (blockCode & 0x8f) !== 0) throw invalid(`reserved bits are set (${hex})`);
  const sizeCode = blockCode >> 4;
  if (sizeCode < 4) throw invalid(`unknown block size (${hex})`);
  const size = (flags & 0x08) === 0 ? Buffer.alloc(0) : Buffer.from(yield* take(8, 'content size'));
  const stored = (yield* take(1, 'header check')).readUInt8(0);
  const computed = (xxh32(Buffer.concat([start, size])) >>> 8) & 0xff;
  if (stored !== computed) throw invalid(`header check is ${stored.toString(16)}, computed ${computed.toString(16)}`);
  return {
    isLinked: (flags & 0x20) === 0,
    hasBlockChecksums: (flags & 0x10) !== 0,
    hasContentChecksum: (flags & 0x04) !== 0,
    contentSize: size.length === 0 ? undefined : size.readBigUInt64LE(0),
    blockBytesMax: 1 << (8 + 2 * sizeCode),
  };
}

/**
 * One frame after its magic. `emit` gets the content block by block, as views that last until it returns.
 * `expected`: the content must have just this many bytes, and no memory beyond that is taken.
 */
function* frameSteps(emit: (content: Uint8Array) => void, expected?: number): Steps<void> {
  const descriptor = yield* descriptorSteps();
  const { isLinked, contentSize } = descriptor;
  if (expected !== undefined && contentSize !== undefined && contentSize !== BigInt(expected)) {
    throw invalid(`content size is ${contentSize}, expected ${expected}`);
  }
  const blockBytesMax = Math.min(descriptor.blockBytesMax, expected ?? Number.POSITIVE_INFINITY);
  const dataBytesMax = Math.min(descriptor.blockBytesMax, blockBytesMax + Math.floor(blockBytesMax / 255) + 16);
  const historyMax = isLinked ? WINDOW_BYTES : 0;
  const window = Buffer.allocUnsafe(historyMax + blockBytesMax);
  const sum = descriptor.hasContentChecksum ? createXxh32() : undefined;
  let history = 0;
  let total = 0;
  for (let number = 1; ; number += 1) {
    const field = (yield* take(4, `size of block ${number}`)).readUInt32LE(0);
    if (field === 0) break;
    const isStored = field >= STORED_BIT;
    const dataBytes = isStored ? field - STORED_BIT : field;
    if (dataBytes > dataBytesMax)
      throw invalid(`block ${number} has ${dataBytes} bytes, at most ${dataBytesMax} can be`);
    const body = yield* take(dataBytes + (descriptor.hasBlockChecksums ? 4 : 0), `block ${number}`);
    const data = body.subarray(0, dataBytes);
    if (descriptor.hasBlockChecksums && body.readUInt32LE(dataBytes) !== xxh32(data)) {
      throw invalid(`checksum of block ${number} is wrong`);
    }
    // With a known content size the room shrinks block by block: too much content is noticed before it is written.
    const room = Math.min(blockBytesMax, (expected ?? Number.POSITIVE_INFINITY) - total);
    const span = { start: history, end: history + room };
    if (isStored && dataBytes > room) throw invalid(`block ${number} expands to more than ${room} bytes`);
    if (isStored) window.set(data, history);
    const end = isStored ? history + dataBytes : decodeLz4Block(data, window.subarray(0, span.end), span);
    if (end < 0) throw invalid(`block ${number} is malformed or expands to more than ${room} bytes`);
    const content = window.subarray(history, end);
    total += content.length;
    sum?.update(content);
    if (content.length > 0) emit(content);
    if (isLinked) {
      const kept = Math.min(end, historyMax);
      window.copyWithin(0, end - kept, end);
      history = kept;
    }
  }
  if (sum !== undefined) {
    const stored = (yield* take(4, 'content checksum')).readUInt32LE(0);
    const computed = sum.digest();
    if (stored !== computed)
      throw invalid(`content checksum is ${stored.toString(16)}, computed ${computed.toString(16)}`);
  }
  if (contentSize !== undefined && contentSize !== BigInt(total)) {
    throw invalid(`content size is ${contentSize}, found ${total}`);
  }
  if (expected !== undefined && total !== expected)
    throw invalid(`the content has ${total} bytes, expected ${expected}`);
}

/** Frames one after the other up to the end of the input, at least one that is not skippable. */
function* fileSteps(emit: (content: Uint8Array) => void): Steps<void> {
  for (let frames = 0; ; ) {
    const start = yield { bytes: 4, section: 'magic', isEndAllowed: frames > 0 };
    if (start === undefined) return;
    const magic = start.readUInt32LE(0);
    if (magic === MAGIC) {
      yield* frameSteps(emit);
      frames += 1;
    } else if ((magic & 0xffff_fff0) === SKIPPABLE_MAGIC) {
      let rest = (yield* take(4, 'size of a skippable frame')).readUInt32LE(0);
      for (; rest > 0; rest -= Math.min(rest, SKIP_STEP_BYTES)) {
        yield* take(Math.min(rest, SKIP_STEP_BYTES), 'skippable frame');
      }
    } else {
      throw invalid(`begins with ${start.toString('hex')}, not with the magic number`);
    }
  }
}

/**
 * Decodes the one frame `input` begins with into `output`, whose length the content must have. Returns how many bytes of
 * `input` the frame takes, or undefined when the input ends before the frame does. Throws LZ4_FRAME_INVALID; `output` may
 * then hold part of the content.
 */
export function decodeLz4Frame(input: Uint8Array, output: Uint8Array): number | undefined {
  const bytes = Buffer.from(input.buffer, input.byteOffset, input.byteLength);
  if (bytes.length < 4) return undefined;
  if (bytes.readUInt32LE(0) !== MAGIC) {
    throw invalid(`begins with ${bytes.toString('hex', 0, 4)}, not with the magic number`);
  }
  let written = 0;
  const steps = frameSteps((content) => {
    output.set(content, written);
    written += content.length;
  }, output.length);
  let at = 4;
  let step = steps.next();
  while (step.done !== true) {
    const end = at + step.value.bytes;
    if (end > bytes.length) return undefined;
    const piece = bytes.subarray(at, end);
    at = end;
    step = steps.next(piece);
  }
  return at;
}

/** Hands out exactly as many bytes of a stream as asked for, as copies or views that nobody else writes to. */
function createPieces(source: AsyncIterable<Uint8Array>): {
  next(bytes: number): Promise<Buffer>;
  close(): Promise<void>;
} {
  const iterator = source[Symbol.asyncIterator]();
  let chunk: Buffer = Buffer.alloc(0);
  let isEnded = false;
  return {
    /** Fewer bytes only when the stream ends. */
    next: async (bytes) => {
      const parts: Buffer[] = [];
      let missing = bytes;
      while (missing > 0) {
        if (chunk.length === 0) {
          const result = await iterator.next();
          if (result.done === true) {
            isEnded = true;
            break;
          }
          chunk = Buffer.from(result.value.buffer, result.value.byteOffset, result.value.byteLength);
          continue;
        }
        const part = chunk.subarray(0, missing);
        chunk = chunk.subarray(part.length);
        missing -= part.length;
        parts.push(part);
      }
      const [only] = parts;
      return only !== undefined && parts.length === 1 ? only : Buffer.concat(parts);
    },
    close: async () => {
      if (!isEnded) await iterator.return?.();
    },
  };
}

/**
 * The content of a file of LZ4 frames (skippable ones are left out), in pieces of at most 4 MiB that belong to the receiver.
 * Memory: one block and its history, 8.1 MiB at most, whatever the size of the file. Throws LZ4_FRAME_INVALID for anything
 * but whole, undamaged frames: content handed out before that is not to be trusted. Errors of `source` pass through.
 */
export async function* decodeLz4Stream(source: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer, void> {
  const ready: Buffer[] = [];
  const steps = fileSteps((content) => ready.push(Buffer.from(content)));
  const pieces = createPieces(source);
  try {
    let step = steps.next();
    while (step.done !== true) {
      const { bytes, section, isEndAllowed } = step.value;
      const piece = await pieces.next(bytes);
      const isEnd = piece.length === 0 && bytes > 0 && isEndAllowed === true;
      if (piece.length < bytes && !isEnd) throw invalid(`ends inside the ${section}`);
      step = steps.next(isEnd ? undefined : piece);
      yield* ready.splice(0);
    }
  } finally {
    await pieces.close();
  }
}

/** How {@link encodeLz4Frame} writes; the defaults are those of v0.3 releases: independent blocks of 4 MiB, content checksum. */
export interface Lz4FrameOptions {
  /** 4 = 64 KiB, 5 = 256 KiB, 6 = 1 MiB, 7 = 4 MiB. */
  readonly blockSizeCode?: 4 | 5 | 6 | 7;
  readonly isLinked?: boolean;
  readonly hasBlockChecksums?: boolean;
  readonly hasContentSize?: boolean;
  readonly hasContentChecksum?: boolean;
}

const u32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
};

/** One frame with all of `content`. Meant for tools and tests: the whole of it is held in memory. */
export function encodeLz4Frame(content: Uint8Array, options: Lz4FrameOptions = {}): Buffer {
  const { blockSizeCode = 7, isLinked = false, hasBlockChecksums = false } = options;
  const { hasContentSize = false, hasContentChecksum = true } = options;
  const flags =
    0x40 |
    (isLinked ? 0 : 0x20) |
    (hasBlockChecksums ? 0x10 : 0) |
    (hasContentSize ? 0x08 : 0) |
    (hasContentChecksum ? 0x04 : 0);
  const size = Buffer.alloc(hasContentSize ? 8 : 0);
  if (hasContentSize) size.writeBigUInt64LE(BigInt(content.length));
  const descriptor = Buffer.concat([Buffer.of(flags, blockSizeCode << 4), size]);
  const parts: Uint8Array[] = [u32(MAGIC), descriptor, Buffer.of((xxh32(descriptor) >>> 8) & 0xff)];
  const blockBytes = 1 << (8 + 2 * blockSizeCode);
  for (let start = 0; start < content.length; start += blockBytes) {
    const end = Math.min(start + blockBytes, content.length);
    const block = encodeLz4Block(content, { history: isLinked ? 0 : start, start, end });
    const isStored = block.length >= end - start;
    const data = isStored ? content.subarray(start, end) : block;
    parts.push(u32(data.length + (isStored ? STORED_BIT : 0)), data);
    if (hasBlockChecksums) parts.push(u32(xxh32(data)));
  }
  parts.push(u32(0));
  if (hasContentChecksum) parts.push(u32(xxh32(content)));
  return Buffer.concat(parts);
}
