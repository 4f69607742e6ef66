/** One compressed file of a v0.3 backup into a place of an output file. */
import { errorCodeOf, isRetryableError, messageOf, ReplicationError } from '#errors/replication-error';
import { decodeLz4Stream } from '#format/lz4-frame';
import type { OutputFile } from '#ports/output-files';
import type { ByteStream } from '#ports/storage';

import { READ_RETRY_DELAY_MS, type ReaderServices } from '../resuming-reader.ts';
import { sleep } from '../waiting.ts';

/** First bytes of a file encrypted by age (age file format, "Header"). */
const AGE_PREFIX = Buffer.from('age-encryption.org/v1\n');
const TRIES_MAX = 8;
const WRITE_BYTES = 1024 * 1024;

/** What to read, and where to put it. */
export interface CompressedRead {
  /** For messages. */
  readonly name: string;
  readonly open: () => Promise<ByteStream>;
  readonly sink: OutputFile;
  /** Where the first decompressed byte goes. */
  readonly at: number;
  readonly signal: AbortSignal;
}

/**
 * Bytes written, decompressed. The layout has no reading from an offset, so a broken transfer starts again from the
 * beginning of the file. `LZ4_FRAME_INVALID`, `AGE_NOT_SUPPORTED`, `STORAGE_*`, `ABORTED`.
 */
export const readCompressed = async (services: ReaderServices, read: CompressedRead): Promise<number> => {
  for (let tries = 1; ; tries += 1) {
    try {
      return await readOnce(read);
    } catch (error) {
      const isFinal = !isRetryableError(error) || errorCodeOf(error) === 'DISK_FULL' || tries >= TRIES_MAX;
      if (isFinal || read.signal.aborted) throw withName(error, read.name);
      services.log.write('debug', 'repeating read', { file: read.name, tries, error: messageOf(error) });
      const delayMs = services.random.next() * READ_RETRY_DELAY_MS * 2 ** tries;
      await sleep(services.clock, delayMs, read.signal, `reading ${read.name}`);
    }
  }
};

const readOnce = async ({ open, sink, at }: CompressedRead): Promise<number> => {
  let position = at;
  for await (const bytes of decodeLz4Stream(refuseAge(await open()))) {
    for (let start = 0; start < bytes.length; start += WRITE_BYTES) {
      const piece = bytes.subarray(start, start + WRITE_BYTES);
      await sink.write(piece, position);
      position += piece.length;
    }
  }
  return position - at;
};

/** The bytes unchanged, unless they begin as an encrypted file does. */
async function* refuseAge(stream: ByteStream): AsyncGenerator<Uint8Array, void, undefined> {
  let head: Buffer | undefined = Buffer.alloc(0);
  for await (const chunk of stream) {
    if (head === undefined) {
      yield chunk;
      continue;
    }
    head = Buffer.concat([head, chunk]);
    if (head.length < AGE_PREFIX.length) continue;
    if (head.subarray(0, AGE_PREFIX.length).equals(AGE_PREFIX)) throw ageNotSupported();
    yield head;
    head = undefined;
  }
  if (head !== undefined && head.length > 0) yield head;
}

const ageNotSupported = (): ReplicationError =>
  new ReplicationError(
    'AGE_NOT_SUPPORTED',
    'age encryption is not currently supported: this backup is encrypted with age',
    {
      retryable: false,
      hint: 'Restore it with Litestream v0.3.x and the identity it was encrypted for.',
    },
  );

const withName = (error: unknown, name: string): unknown => {
  if (!(error instanceof ReplicationError) || error.code === 'ABORTED' || error.code === 'AGE_NOT_SUPPORTED')
    return error;
  const { code, retryable, hint, details } = error;
  return new ReplicationError(code, `${name}: ${error.message}`, {
    retryable,
    details,
    cause: error,
    ...(hint === undefined ? {} : { hint }),
  });
};
