/**
 * Writes pages while the next ones are being decoded: pages gather in a slot of 2 MiB, full slots are written by the thread
 * pool, and every 32 MiB the disk is asked to begin, so that the last sync finds little to do.
 */
import type { OutputFile } from '#ports/output-files';

const SLOT_BYTES = 2 * 1024 * 1024;
const SLOTS = 4;
const FLUSH_EVERY_BYTES = 32 * 1024 * 1024;

/** Takes pages in any order between two {@link PageWriter.settle}; a page twice in between is last written wins only after it. */
export interface PageWriter {
  /** Copies the pages before it resolves; `pages` are `pageNumbers.length` images one after the other. */
  write(pages: Uint8Array, pageNumbers: Uint32Array): Promise<void>;
  /** Everything given so far is in the file. The first failed write is thrown here or by the next call. */
  settle(): Promise<void>;
}

interface Slot {
  readonly bytes: Uint8Array;
  readonly pageNumbers: Uint32Array;
  count: number;
  pending: Promise<void> | undefined;
}

/** A writer of pages of one size into one file. */
export const createPageWriter = (file: OutputFile, pageSize: number): PageWriter => {
  const capacity = Math.max(1, Math.floor(SLOT_BYTES / pageSize));
  const slots: Slot[] = [];
  let failure: { readonly error: unknown } | undefined;
  let flushing: Promise<void> | undefined;
  let unflushedBytes = 0;
  let current = 0;

  const keepFailure = (work: Promise<void>): Promise<void> =>
    work.catch((error: unknown) => {
      failure ??= { error };
    });

  const slotAt = (index: number): Slot => {
    const known = slots[index];
    if (known !== undefined) return known;
    // Made on first use: a chain of small files needs one.
    const made: Slot = {
      bytes: file.allocate(capacity * pageSize),
      pageNumbers: new Uint32Array(capacity),
      count: 0,
      pending: undefined,
    };
    slots[index] = made;
    return made;
  };

  const send = (slot: Slot): void => {
    const { bytes, count } = slot;
    const pages = {
      bytes: bytes.subarray(0, count * pageSize),
      pageSize,
      pageNumbers: slot.pageNumbers.subarray(0, count),
    };
    slot.pending = keepFailure(file.writePages(pages));
    unflushedBytes += count * pageSize;
    slot.count = 0;
    current = (current + 1) % SLOTS;
    if (unflushedBytes < FLUSH_EVERY_BYTES || flushing !== undefined) return;
    unflushedBytes = 0;
    flushing = keepFailure(file.flush()).finally(() => {
      flushing = undefined;
    });
  };

  const throwFailure = (): void => {
    if (failure !== undefined) throw failure.error;
  };

  return {
    write: async (pages, pageNumbers) => {
      for (let done = 0; done < pageNumbers.length; ) {
        const slot = slotAt(current);
        if (slot.pending !== undefined) {
          await slot.pending;
          slot.pending = undefined;
          throwFailure();
        }
        const count = Math.min(capacity - slot.count, pageNumbers.length - done);
        slot.bytes.set(pages.subarray(done * pageSize, (done + count) * pageSize), slot.count * pageSize);
        slot.pageNumbers.set(pageNumbers.subarray(done, done + count), slot.count);
        slot.count += count;
        done += count;
        if (slot.count === capacity) send(slot);
      }
    },
    settle: async () => {
      const slot = slots[current];
      if (slot !== undefined && slot.count > 0) send(slot);
      for (const { pending } of slots) await pending;
      throwFailure();
    },
  };
};
