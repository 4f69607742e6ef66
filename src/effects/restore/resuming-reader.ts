/**
 * A file of a replica as one unbroken stream over connections that break. Bytes already handed out stay handed out; a
 * broken transfer goes on at its offset. Failures in a row are bounded and each byte of progress starts the count anew,
 * so that a transfer of hours survives as many cuts as it meets, and a dead storage is given up in about a minute.
 */

import type { Level } from '#domain/level';
import { formatTxidRange, type TxidRange } from '#domain/txid';
import {
  errorCodeOf,
  InvariantViolation,
  isReplicationError,
  messageOf,
  ReplicationError,
  throwIfAborted,
} from '#errors/replication-error';
import type { Clock } from '#ports/clock';
import type { Log } from '#ports/log';
import type { Random } from '#ports/random';
import type { ByteStream, ReplicaStorage } from '#ports/storage';
import { sleep, within } from './waiting.ts';

/** Failures in a row after which a transfer is given up. */
export const READ_FAILURES_MAX = 8;
/** First wait; doubled each time, drawn from [0, wait). */
export const READ_RETRY_DELAY_MS = 250;

/** Longest wait between two attempts. */
export const READ_RETRY_DELAY_MS_MAX = 20_000;
/** A pending read that brings nothing for this long is a broken connection. */
export const READ_IDLE_MS_MAX = 60_000;

/** What a reader works with. */
export interface ReaderServices {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/** The file to read. `sizeBytes` as listed; 0 when unknown: then the end of the stream is the end of the file. */
export interface ReadableFile extends TxidRange {
  readonly level: Level;
  readonly sizeBytes: number;
}

/**
 * The bytes of the file, opened when the first is asked for. Final at once: `STORAGE_NOT_FOUND`, an abort, and errors
 * marked not retryable. After {@link READ_FAILURES_MAX} failures in a row `STORAGE_UNAVAILABLE`, naming level, range
 * and offset, with the last failure as cause.
 */
export async function* readResuming(
  services: ReaderServices,
  storage: ReplicaStorage,
  file: ReadableFile,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void, undefined> {
  const name = `level=${file.level} ${formatTxidRange(file)}`;
  let offset = 0;
  let failures = 0;
  for (;;) {
    let iterator: AsyncIterator<Uint8Array> | undefined;
    let isDrained = false;
    try {
      throwIfAborted(signal, `reading ${name}`);
      iterator = (await openAt(services, storage, file, offset, signal))[Symbol.asyncIterator]();
      for (;;) {
        const result = await within(services.clock, READ_IDLE_MS_MAX, () => stalled(name, offset), iterator.next());
        if (result.done === true) {
          isDrained = true;
          break;
        }
        if (result.value.length === 0) continue;
        offset += result.value.length;
        failures = 0;
        if (file.sizeBytes > 0 && offset > file.sizeBytes) throw tooLong(name, file.sizeBytes, offset);
        yield result.value;
      }
      if (file.sizeBytes === 0 || offset >= file.sizeBytes) return;
      throw endedEarly(name, offset, file.sizeBytes);
    } catch (error) {
      // Whatever a cut-off call ends with, the abort is the reason.
      throwIfAborted(signal, `reading ${name}`);
      if (!isWorthRetrying(error)) throw error;
      failures += 1;
      if (failures >= READ_FAILURES_MAX) throw givenUp(name, offset, failures, error);
      services.log.write('debug', 'resuming read', { file: name, offset, failures, error: messageOf(error) });
    } finally {
      // A silent source answers `return` only when it wakes up; nobody waits for that.
      if (!isDrained) iterator?.return?.()?.catch(() => undefined);
    }
    await sleep(services.clock, delayMs(failures, services.random), signal, `reading ${name}`);
  }
}

const openAt = (
  { clock }: ReaderServices,
  storage: ReplicaStorage,
  file: ReadableFile,
  offset: number,
  signal: AbortSignal,
): Promise<ByteStream> => {
  const opening = storage.openLtxFile(file.level, file, offset === 0 ? {} : { offset }, signal);
  return within(clock, READ_IDLE_MS_MAX, () => stalled(formatTxidRange(file), offset), opening);
};

/** Errors of other programs' libraries count as broken connections; bugs and decisions do not. */
const isWorthRetrying = (error: unknown): boolean => {
  if (errorCodeOf(error) === 'STORAGE_NOT_FOUND' || errorCodeOf(error) === 'ABORTED') return false;
  if (isReplicationError(error)) return error.retryable;
  return !(error instanceof InvariantViolation || error instanceof TypeError || error instanceof RangeError);
};

/** Full jitter: many readers cut at once do not come back at once. */
const delayMs = (failures: number, random: Random): number =>
  random.next() * Math.min(READ_RETRY_DELAY_MS_MAX, READ_RETRY_DELAY_MS * 2 ** (failures - 1));

const stalled = (name: string, offset: number): ReplicationError =>
  new ReplicationError('STORAGE_UNAVAILABLE', `reading ${name} at byte ${offset}: nothing for ${READ_IDLE_MS_MAX} ms`, {
    retryable: true,
  });

const endedEarly = (name: string, offset: number, sizeBytes: number): ReplicationError =>
  new ReplicationError('STORAGE_UNAVAILABLE', `${name} ended at byte ${offset}, expected ${sizeBytes}`, {
    retryable: true,
  });

const tooLong = (name: string, sizeBytes: number, offset: number): ReplicationError =>
  new ReplicationError('STORAGE_UNAVAILABLE', `${name} has more than the ${sizeBytes} bytes listed (${offset} read)`, {
    retryable: false,
    hint: 'The file was replaced while it was read: run the restore again.',
  });

const givenUp = (name: string, offset: number, failures: number, cause: unknown): ReplicationError =>
  new ReplicationError(
    'STORAGE_UNAVAILABLE',
    `cannot read ${name} beyond byte ${offset}: ${failures} failures in a row, the last: ${messageOf(cause)}`,
    { retryable: true, hint: 'Check the connection to the replica and run the restore again.', cause },
  );
