/** An open temporary file of a restore. */
import { write as writeCallback, writeSync } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import type { OutputFile, ScatteredPages } from '#ports/output-files';
import { onOutput } from './errors.ts';

/**
 * Runs of pages up to this size are written in the calling thread: a trip through the thread pool costs more than a copy
 * into the page cache.
 */
const DIRECT_RUN_BYTES = 64 * 1024;

/** Wraps a handle opened for writing. */
export const createOutputFile = (path: string, handle: FileHandle): OutputFile => {
  const inFlight = new Set<Promise<unknown>>();
  let isClosed = false;
  const track = async <T>(verb: string, call: () => Promise<T>): Promise<T> => {
    const work = onOutput(verb, path, call);
    inFlight.add(work);
    try {
      return await work;
    } finally {
      inFlight.delete(work);
    }
  };
  const writeAll = (bytes: Uint8Array, at: number): Promise<void> =>
    track('write', () => writeFully(handle.fd, bytes, at));
  return {
    path,
    write: writeAll,
    writePages: (pages) =>
      track('write', async () => {
        for (const { start, end, at } of runsOf(pages)) {
          const bytes = pages.bytes.subarray(start, end);
          if (bytes.length <= DIRECT_RUN_BYTES) writeFullySync(handle.fd, bytes, at);
          else await writeFully(handle.fd, bytes, at);
        }
      }),
    read: (at, length) =>
      track('read', async () => {
        const buffer = Buffer.alloc(length);
        const { bytesRead } = await handle.read(buffer, 0, length, at);
        return buffer.subarray(0, bytesRead);
      }),
    flush: () => track('flush', () => handle.datasync()),
    truncate: (sizeBytes) => track('set the length of', () => handle.truncate(sizeBytes)),
    sync: () => track('sync', () => handle.sync()),
    close: async () => {
      if (isClosed) return;
      isClosed = true;
      // A descriptor closed under a pending write could be another file's by the time the write runs.
      await Promise.allSettled([...inFlight]);
      await handle.close();
    },
  };
};

const writeFully = (fd: number, bytes: Uint8Array, at: number): Promise<void> =>
  new Promise((resolve, reject) => {
    let done = 0;
    const next = (): void => {
      writeCallback(fd, bytes, done, bytes.length - done, at + done, (error, written) => {
        if (error !== null) return reject(error);
        done += written;
        return done >= bytes.length ? resolve() : next();
      });
    };
    if (bytes.length === 0) resolve();
    else next();
  });

const writeFullySync = (fd: number, bytes: Uint8Array, at: number): void => {
  for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done, bytes.length - done, at + done);
};

interface Run {
  /** Place in memory. */
  readonly start: number;
  readonly end: number;
  /** Place in the file. */
  readonly at: number;
}

function* runsOf({ pageNumbers, pageSize }: ScatteredPages): Generator<Run, void, undefined> {
  let first = 0;
  for (let index = 1; index <= pageNumbers.length; index += 1) {
    const pageNumber = pageNumbers[first] ?? 1;
    if (index < pageNumbers.length && pageNumbers[index] === pageNumber + (index - first)) continue;
    yield { start: first * pageSize, end: index * pageSize, at: (pageNumber - 1) * pageSize };
    first = index;
  }
}
