/**
 * Kernel memory of one thread, shared by all sources of that thread: every call uses it from the start and leaves nothing in
 * it, so it may only be used within one synchronous stretch of work.
 */
import type { Kernel } from '#format/kernel/kernel';
import { createKernel } from '#format/kernel/load';
import { type MemoryRegion, splitRegion, wholeArena, wordsOf } from '#format/ltx/memory-region';
import { PAGE_TABLE_ENTRY_BYTES } from '#format/ltx/page-table';
import { SCAN_TABLE_ENTRY_BYTES } from '#format/wal/scanner';

const MIB = 1024 * 1024;

/** All of it; pages of it count only once they were used. */
const ARENA_BYTES = 64 * MIB;
/** Output of the encoder between two writes. */
const ENCODER_BYTES = 4 * MIB;
/** Pages read by offset, for one batch. */
const SLOT_BYTES = 4 * MIB;
/** Entries of the page table: pages of one batch. */
const TABLE_ENTRIES = 8192;
/** Entries of the scan table: frames of one read. */
const SCAN_ENTRIES = 4096;
const PADDING = 4096;

export interface Workspace {
  readonly kernel: Kernel;
  readonly words: Uint32Array;
  /** WAL frames of a batch, one after the other. */
  readonly frames: MemoryRegion;
  readonly slots: MemoryRegion;
  readonly encoder: MemoryRegion;
  readonly pageTableAt: number;
  readonly pageTableEntries: number;
  readonly scanTable: MemoryRegion;
}

/** One for each thread. `arenaBytes` at least 16 MiB. */
export const createWorkspace = ({ arenaBytes = ARENA_BYTES }: { readonly arenaBytes?: number } = {}): Workspace =>
  layOut(arenaBytes);

const layOut = (arenaBytes: number): Workspace => {
  const kernel = createKernel({ arenaBytes });
  const [pageTable, afterPageTable] = splitRegion(wholeArena(kernel), TABLE_ENTRIES * PAGE_TABLE_ENTRY_BYTES);
  const [scanTable, afterScanTable] = splitRegion(afterPageTable, SCAN_ENTRIES * SCAN_TABLE_ENTRY_BYTES);
  const [encoder, afterEncoder] = splitRegion(afterScanTable, ENCODER_BYTES);
  const [slots, afterSlots] = splitRegion(afterEncoder, SLOT_BYTES);
  return {
    kernel,
    words: wordsOf(kernel),
    frames: { at: afterSlots.at, length: afterSlots.length - PADDING },
    slots: { at: slots.at, length: slots.length - PADDING },
    encoder,
    pageTableAt: pageTable.at,
    pageTableEntries: TABLE_ENTRIES,
    scanTable,
  };
};
