/** The source of an upload: its first 100 bytes are looked at before anything is created, an abort ends it at once. */
import { ReplicationError, throwIfAborted } from '#errors/replication-error';
import type { ByteStream } from '#ports/storage';
import { untilAborted } from './abort.ts';

/** Size of an LTX header in bytes (LTX format, "Header"). */
export const LTX_HEADER_BYTES = 100;

const LTX_MAGIC = 0x4c54_5831; // 'LTX1'
const TIMESTAMP_OFFSET = 32;

/** An upload whose header was read. */
export interface LtxBody {
  /** The header's time, whole milliseconds since the epoch; the time the stored file must carry. */
  readonly createdAtMs: number;
  /** All bytes, the header included. Ends with `ABORTED` when the signal is aborted; consume once. */
  readonly chunks: ByteStream;
  /** Gives the source up without reading it. Safe to call at any time, never throws, does not wait. */
  release(): void;
}

/**
 * The time in an LTX header (signed big-endian milliseconds at byte 32), or `undefined` when the bytes are shorter than a
 * header or do not begin with `LTX1`. Nothing else is checked: a storage stores what it is given.
 */
export const readLtxCreationTime = (header: Uint8Array): number | undefined => {
  if (header.length < LTX_HEADER_BYTES) return undefined;
  const view = new DataView(header.buffer, header.byteOffset, header.byteLength);
  if (view.getUint32(0) !== LTX_MAGIC) return undefined;
  return Number(view.getBigInt64(TIMESTAMP_OFFSET));
};

const concat = (chunks: readonly Uint8Array[]): Uint8Array => {
  if (chunks.length === 1 && chunks[0] !== undefined) return chunks[0];
  return Buffer.concat(chunks);
};

/**
 * Reads until the header is there. `STORAGE_INVALID_LTX` when the source ends before 100 bytes or has another magic; an
 * error of the source is rethrown as it is. `name` is the file's, for messages.
 */
export const openLtxBody = async (source: ByteStream, name: string, signal: AbortSignal): Promise<LtxBody> => {
  const iterator = source[Symbol.asyncIterator]();
  let isEnded = false;
  const release = (): void => {
    if (isEnded) return;
    isEnded = true;
    // A source that is silent answers `return` only when it wakes up; nobody waits for that.
    iterator.return?.().catch(() => undefined);
  };
  const next = async (): Promise<Uint8Array | undefined> => {
    const result = await untilAborted(iterator.next(), signal, `writing ${name}`);
    if (result.done !== true) return result.value;
    isEnded = true;
    return undefined;
  };
  try {
    // After the iterator was taken: a source may hold a descriptor that only its `return` gives back.
    throwIfAborted(signal, `writing ${name}`);
    const chunks: Uint8Array[] = [];
    let length = 0;
    while (length < LTX_HEADER_BYTES) {
      const chunk = await next();
      if (chunk === undefined) break;
      chunks.push(chunk.length < LTX_HEADER_BYTES ? Uint8Array.from(chunk) : chunk);
      length += chunk.length;
    }
    const head = concat(chunks);
    const createdAtMs = readLtxCreationTime(head);
    if (createdAtMs === undefined) throw invalidLtx(name, head);
    return { createdAtMs, release, chunks: remaining(head, next, release) };
  } catch (error) {
    release();
    throw error;
  }
};

async function* remaining(
  head: Uint8Array,
  next: () => Promise<Uint8Array | undefined>,
  release: () => void,
): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    yield head;
    for (let chunk = await next(); chunk !== undefined; chunk = await next()) yield chunk;
  } finally {
    release();
  }
}

const invalidLtx = (name: string, head: Uint8Array): ReplicationError => {
  const found =
    head.length < LTX_HEADER_BYTES
      ? `${head.length} bytes where a header has ${LTX_HEADER_BYTES}`
      : `first bytes ${Buffer.from(head.subarray(0, 4)).toString('hex')}, expected 4c545831 ("LTX1")`;
  return new ReplicationError('STORAGE_INVALID_LTX', `${name} is not an LTX file: ${found}; nothing was stored`, {
    retryable: false,
    details: { name },
  });
};
