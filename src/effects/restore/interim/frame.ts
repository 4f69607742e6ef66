/** Stands in until the real one is there. */
import { decompressFrameSync } from 'lz4-napi';
import { ReplicationError } from '#errors/replication-error';
import type { ByteStream } from '#ports/storage';
export async function* decompressInterim(stream: ByteStream) {
  const chunks = [];
  for await (const c of stream) chunks.push(c);
  try {
    yield decompressFrameSync(Buffer.concat(chunks));
  } catch (error) {
    throw new ReplicationError('LZ4_FRAME_INVALID', 'bad frame', { retryable: false, cause: error });
  }
}
