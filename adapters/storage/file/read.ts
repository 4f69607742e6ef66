/** Reading a file of the replica as a stream that owns one descriptor. */
import { type FileHandle, open } from 'node:fs/promises';
import { ReplicationError, throwIfAborted } from '#errors/replication-error';
import type { Clock } from '#ports/clock';
import type { ByteStream, ReadRange } from '#ports/storage';
import { withGrace } from '../abort.ts';
import { onDisk } from './errors.ts';

const CHUNK_BYTES = 256 * 1024;

/**
 * Opens the file at once (`STORAGE_NOT_FOUND` when it is not there) and reads it chunk by chunk. The descriptor is
 * closed at the end, after an error and when the consumer stops. The size is the one at opening: a file that gets
 * shorter while it is read fails the stream.
 */
export const openFileStream = async (
  path: string,
  { offset = 0, lengthBytes }: ReadRange,
  signal: AbortSignal,
  clock?: Clock,
): Promise<ByteStream> => {
  throwIfAborted(signal, `reading ${path}`);
  const work = { verb: 'read', path };
  const handle = await onDisk(work, () => open(path, 'r'));
  let sizeBytes: number;
  try {
    // The caller may have gone away while the system hung in `open`.
    throwIfAborted(signal, `reading ${path}`);
    const stats = await onDisk(work, () => handle.stat());
    if (stats.isDirectory()) throw notAFile(path);
    sizeBytes = stats.size;
  } catch (error) {
    await handle.close();
    throw error;
  }
  const end = lengthBytes === undefined ? sizeBytes : Math.min(sizeBytes, offset + lengthBytes);
  return { [Symbol.asyncIterator]: () => iterate({ handle, path, start: offset, end, signal, clock }) };
};

interface Reading {
  readonly handle: FileHandle;
  readonly path: string;
  readonly start: number;
  readonly end: number;
  readonly signal: AbortSignal;
  readonly clock: Clock | undefined;
}

// Not a generator: `return` of a generator that was never started would leave the descriptor open.
const iterate = ({ handle, path, start, end, signal, clock }: Reading): AsyncIterator<Uint8Array> => {
  let position = start;
  let isClosed = false;
  const close = async (): Promise<IteratorResult<Uint8Array>> => {
    if (!isClosed) {
      isClosed = true;
      await handle.close();
    }
    return { done: true, value: undefined };
  };
  return {
    next: async () => {
      if (isClosed || position >= end) return close();
      try {
        throwIfAborted(signal, `reading ${path}`);
        const buffer = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, end - position));
        const reading = onDisk({ verb: 'read', path }, () => handle.read(buffer, 0, buffer.length, position));
        const { bytesRead } = await withGrace(reading, { signal, clock, what: `reading ${path}` });
        if (bytesRead === 0) throw endedEarly(path, position, end);
        position += bytesRead;
        return { done: false, value: buffer.subarray(0, bytesRead) };
      } catch (error) {
        const closing = close();
        // A read that hangs holds the descriptor; whoever aborted does not wait for it.
        if (signal.aborted) closing.catch(() => undefined);
        else await closing;
        throw error;
      }
    },
    return: close,
  };
};

const notAFile = (path: string): ReplicationError =>
  new ReplicationError('STORAGE_UNAVAILABLE', `cannot read ${path}: expected a file, found a directory`, {
    retryable: true,
    hint: 'Move the directory away.',
    details: { path },
  });

const endedEarly = (path: string, position: number, end: number): ReplicationError =>
  new ReplicationError('STORAGE_UNAVAILABLE', `${path} ended at byte ${position}, expected ${end}`, {
    retryable: true,
    hint: 'Something shortened the file while it was read: look for another program writing into the replica.',
    details: { path, position, end },
  });

/** The first `lengthBytes` bytes, fewer when the file is shorter. Errors are those of the file system, untranslated. */
export const readHead = async (path: string, lengthBytes: number): Promise<Uint8Array> => {
  const handle = await open(path, 'r');
  try {
    const buffer = Buffer.alloc(lengthBytes);
    let length = 0;
    while (length < lengthBytes) {
      const { bytesRead } = await handle.read(buffer, length, lengthBytes - length, length);
      if (bytesRead === 0) break;
      length += bytesRead;
    }
    return buffer.subarray(0, length);
  } finally {
    await handle.close();
  }
};
