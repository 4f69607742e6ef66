/**
 * An open temporary file of a restore.
 *
 * Large aligned writes go past the page cache (O_DIRECT) where the file system can: for a 1 GiB image that took 0.5 to 0.8 s
 * against 0.8 to 4 s through the cache, whose pages have to be found first and are not read again soon. Everything else,
 * and every file system that refuses, is written through the cache; Linux keeps the two views of a file in step.
 */
import { constants, write as writeCallback, writeSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import type { OutputFile, ScatteredPages } from '#ports/output-files';
import { errnoOf, onOutput } from './errors.ts';

/**
 * Runs of pages up to this size are written in the calling thread: a trip through the thread pool costs more than a copy
 * into the page cache.
 */
const SYNC_RUN_BYTES = 64 * 1024;
/** Smaller writes gain nothing from going past the cache. */
const DIRECT_BYTES_MIN = 256 * 1024;
/** Satisfies the block size of every common disk. */
const DIRECT_ALIGNMENT = 4096;
/** Less than this in the cache is not worth a flush of the disk. */
const FLUSH_BYTES_MIN = 1024 * 1024;
const WASM_PAGE_BYTES = 64 * 1024;

// Cast: the types of Node 20 know the name but not the value.
const { Memory: WebAssemblyMemory } = (globalThis as unknown as { readonly WebAssembly: WebAssemblyValue }).WebAssembly;

interface WebAssemblyValue {
  readonly Memory: new (limits: {
    readonly initial: number;
    readonly maximum: number;
  }) => { readonly buffer: ArrayBuffer };
}

/** Wraps a handle opened for reading and writing. */
export const createOutputFile = (path: string, handle: FileHandle): OutputFile => {
  const inFlight = new Set<Promise<unknown>>();
  let isClosed = false;
  let cachedBytes = 0;
  let canDirect = true;
  let direct: Promise<FileHandle | undefined> | undefined;

  const track = async <T>(verb: string, call: () => Promise<T>): Promise<T> => {
    const work = onOutput(verb, path, call);
    inFlight.add(work);
    try {
      return await work;
    } finally {
      inFlight.delete(work);
    }
  };

  const writeRun = async (bytes: Uint8Array, at: number): Promise<void> => {
    let done = 0;
    if (canDirect && isFitForDirect(bytes, at)) {
      direct ??= openDirect(path);
      const directHandle = await direct;
      if (directHandle !== undefined) done = await writeDirect(directHandle, bytes, at);
      if (done === 0) canDirect = false;
    }
    if (done === bytes.length) return;
    cachedBytes += bytes.length - done;
    await writeFully(handle.fd, bytes.subarray(done), at + done);
  };

  return {
    path,
    allocate: allocateAligned,
    write: (bytes, at) => track('write', () => writeRun(bytes, at)),
    writePages: (pages) =>
      track('write', async () => {
        for (const { start, end, at } of runsOf(pages)) {
          const bytes = pages.bytes.subarray(start, end);
          if (bytes.length > SYNC_RUN_BYTES) {
            await writeRun(bytes, at);
          } else {
            cachedBytes += bytes.length;
            writeFullySync(handle.fd, bytes, at);
          }
        }
      }),
    read: (at, length) =>
      track('read', async () => {
        const buffer = Buffer.alloc(length);
        const { bytesRead } = await handle.read(buffer, 0, length, at);
        return buffer.subarray(0, bytesRead);
      }),
    flush: () =>
      track('flush', async () => {
        if (cachedBytes < FLUSH_BYTES_MIN) return;
        cachedBytes = 0;
        await handle.datasync();
      }),
    truncate: (sizeBytes) => track('set the length of', () => handle.truncate(sizeBytes)),
    sync: () => track('sync', () => handle.sync()),
    close: async () => {
      if (isClosed) return;
      isClosed = true;
      // A descriptor closed under a pending write could be another file's by the time the write runs.
      await Promise.allSettled([...inFlight]);
      await (await direct)?.close();
      await handle.close();
    },
  };
};

/** The memory of a WebAssembly instance is the only one in JavaScript known to begin at a page of memory. */
const allocateAligned = (sizeBytes: number): Uint8Array => {
  const pages = Math.ceil(sizeBytes / WASM_PAGE_BYTES);
  return new Uint8Array(new WebAssemblyMemory({ initial: pages, maximum: pages }).buffer, 0, sizeBytes);
};

/** The memory's own address cannot be asked for; a wrong guess is refused by the kernel and written through the cache. */
const isFitForDirect = (bytes: Uint8Array, at: number): boolean =>
  constants.O_DIRECT !== undefined &&
  bytes.length >= DIRECT_BYTES_MIN &&
  bytes.length % DIRECT_ALIGNMENT === 0 &&
  at % DIRECT_ALIGNMENT === 0 &&
  bytes.byteOffset % DIRECT_ALIGNMENT === 0;

const openDirect = async (path: string): Promise<FileHandle | undefined> => {
  try {
    return await open(path, constants.O_WRONLY | constants.O_DIRECT);
  } catch {
    // Not every file system can; the cache always can.
    return undefined;
  }
};

/** Bytes written; 0 when the file system refuses this kind of write. */
const writeDirect = async (handle: FileHandle, bytes: Uint8Array, at: number): Promise<number> => {
  try {
    const { bytesWritten } = await handle.write(bytes, 0, bytes.length, at);
    return bytesWritten;
  } catch (error) {
    if (errnoOf(error) === 'EINVAL') return 0;
    throw error;
  }
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
