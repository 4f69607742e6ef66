/**
 * Files read ahead of their use: up to `parallelism` transfers at once, in the order of the plan, into one shared
 * budget of memory. The file in use may always go on, so a full budget never stops the work; files after it wait.
 */
import { throwIfAborted } from '#errors/replication-error';
import type { ByteStream } from '#ports/storage';

/** What is read ahead. */
export interface PrefetchOptions<File> {
  readonly files: readonly File[];
  readonly open: (file: File, signal: AbortSignal) => ByteStream;
  /** Transfers at once, at least 1. */
  readonly parallelism: number;
  /** Bytes held over all files, give or take one chunk per transfer. */
  readonly budgetBytes: number;
  readonly signal: AbortSignal;
}

/** Files in order; {@link close} ends every transfer and frees what was held. */
export interface Prefetch {
  /** The bytes of file `index`. Take them in order, each once, the one before it drained or given up. */
  take(index: number): ByteStream;
  close(): Promise<void>;
}

interface Transfer {
  readonly chunks: Uint8Array[];
  /** One for each transfer: many listeners on one signal make Node warn. */
  readonly stop: AbortController;
  isEnded: boolean;
  error: { readonly value: unknown } | undefined;
  /** Wakes the consumer of this file. */
  wakeConsumer: (() => void) | undefined;
}

/** Nothing is opened before the first {@link Prefetch.take}. Errors of a file come out of its own stream. */
export const createPrefetch = <File>(options: PrefetchOptions<File>): Prefetch => {
  const { files, open, parallelism, budgetBytes } = options;
  let isStopped = options.signal.aborted;
  const transfers = files.map(
    (): Transfer => ({
      chunks: [],
      stop: new AbortController(),
      isEnded: false,
      error: undefined,
      wakeConsumer: undefined,
    }),
  );
  const running = new Set<Promise<void>>();
  const waiting = new Set<() => void>();
  let heldBytes = 0;
  let started = 0;
  let current = 0;

  const wakeAll = (): void => {
    for (const wake of [...waiting]) wake();
    waiting.clear();
  };

  /** Resolves when file `index` may hold more: there is room, or it is the one in use and holds nothing. */
  const room = async (index: number, transfer: Transfer): Promise<void> => {
    while (!isStopped) {
      if (heldBytes < budgetBytes || (index <= current && transfer.chunks.length === 0)) return;
      await new Promise<void>((resolve) => waiting.add(resolve));
    }
  };

  const run = async (index: number, file: File, transfer: Transfer): Promise<void> => {
    try {
      await room(index, transfer);
      if (isStopped) return;
      for await (const chunk of open(file, transfer.stop.signal)) {
        transfer.chunks.push(chunk);
        heldBytes += chunk.length;
        transfer.wakeConsumer?.();
        await room(index, transfer);
        if (isStopped) return;
      }
    } catch (error) {
      transfer.error = { value: error };
    } finally {
      transfer.isEnded = true;
      transfer.wakeConsumer?.();
    }
  };

  const startMore = (): void => {
    while (started < files.length && started < current + parallelism && !isStopped) {
      const index = started;
      started += 1;
      const file = files[index];
      const transfer = transfers[index];
      if (file === undefined || transfer === undefined) continue;
      const work = run(index, file, transfer).finally(() => {
        running.delete(work);
        startMore();
      });
      running.add(work);
    }
  };

  const stopAll = (): void => {
    isStopped = true;
    for (const transfer of transfers) {
      transfer.stop.abort(options.signal.reason);
      transfer.wakeConsumer?.();
    }
    wakeAll();
  };
  options.signal.addEventListener('abort', stopAll, { once: true });

  return {
    take: async function* (index) {
      const transfer = transfers[index];
      if (transfer === undefined) throw new RangeError(`no file ${index} to take`);
      current = index;
      wakeAll();
      startMore();
      for (;;) {
        const chunk = transfer.chunks.shift();
        if (chunk !== undefined) {
          heldBytes -= chunk.length;
          wakeAll();
          yield chunk;
          continue;
        }
        if (transfer.error !== undefined) throw transfer.error.value;
        if (transfer.isEnded || isStopped) {
          // Ended by the abort of this signal, not by the end of the file.
          throwIfAborted(options.signal, 'restore');
          return;
        }
        await new Promise<void>((resolve) => {
          transfer.wakeConsumer = resolve;
        });
      }
    },
    close: async () => {
      stopAll();
      await Promise.all([...running]);
      for (const transfer of transfers) transfer.chunks.length = 0;
      options.signal.removeEventListener('abort', stopAll);
    },
  };
};
