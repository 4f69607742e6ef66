/**
 * Merges LTX files page by page (LTX format, "Compaction"): of equal pages the latest file's wins, pages beyond the last
 * file's database size are dropped. Every file is verified to its trailer before the merge ends.
 *
 * All files are open at the same time, but for those of at most 64 KiB, which are read whole. Memory: one chunk of its
 * stream and eight bytes a page for each file, and the region. The caller bounds the number of open files by bounding
 * the number of inputs, or by giving streams that open on the first read.
 */
import { formatTxidRange } from '#domain/txid';
import { InvariantViolation, throwIfAborted } from '#errors/replication-error';
import type { Kernel } from '../kernel/kernel.ts';
import type { PageBatch } from './decoder.ts';
import { type LtxHeader, untrackedHeader } from './header.ts';
import { ltxError } from './ltx-error.ts';
import type { MemoryRegion } from './memory-region.ts';
import { wholeArena } from './memory-region.ts';
import { type LtxInput, MergeInput } from './merge-input.ts';
import { layOutMerge, type MergeMemory } from './merge-memory.ts';
import { PageHeap } from './page-heap.ts';
import { PageSequence } from './page-sequence.ts';
import { PAGE_TABLE_WORDS } from './page-table.ts';

/** How many files are opened at a time. */
const OPENINGS_MAX = 8;

/** What a merge needs. */
export interface MergeOptions {
  readonly kernel: Kernel;
  /** Kernel memory of the merge's own until it ends; default: the whole arena. */
  readonly region?: MemoryRegion;
  readonly signal: AbortSignal;
}

/** Pages that won, one after the other in kernel memory. Good until `take` returns. */
export interface MergedRun {
  readonly count: number;
  readonly pagesAt: number;
  readonly tableAt: number;
  /** Their block-form frames as they were; `undefined` when the page came in another form. */
  readonly framesAt: number | undefined;
}

/** What becomes of the pages that win. */
export interface MergeSink {
  /** How many pages at the start of `memory.pagesAt` are still in use; the next run is put behind them. */
  readonly usedSlots: number;
  /** Takes a run; true when something is ready to be handed out. Must keep at least one slot free. */
  take(run: MergedRun): boolean;
}

/** `LTX_NOT_CONTIGUOUS` unless each file begins at most one TXID after its predecessor and ends after it. */
export const checkContiguous = (inputs: readonly LtxInput[]): void => {
  for (const [i, input] of inputs.entries()) {
    const before = inputs[i - 1];
    if (before === undefined) continue;
    const isContiguous = input.range.minTxid <= before.range.maxTxid + 1n && input.range.maxTxid > before.range.maxTxid;
    if (isContiguous) continue;
    const what = `TXID ${formatTxidRange(input.range)} does not continue ${before.name}, TXID ${formatTxidRange(before.range)}`;
    throw ltxError('LTX_NOT_CONTIGUOUS', { name: input.name }, what);
  }
};

/** Opened files, in order, and the header of the file that they make together. */
export interface OpenedMerge {
  readonly inputs: readonly MergeInput[];
  readonly header: LtxHeader;
}

/**
 * Opens every file and reads its header. Throws `LTX_NOT_CONTIGUOUS` before anything is opened, `LTX_NAME_MISMATCH`,
 * `LTX_PAGE_SIZES_DIFFER` and any code of a header. Close with {@link closeMerge} in any case, also after an error.
 */
export const openMerge = async (
  inputs: readonly MergeInput[],
  names: readonly LtxInput[],
  signal: AbortSignal,
): Promise<LtxHeader> => {
  const waiting = inputs.values();
  let failure: { readonly error: unknown } | undefined;
  const openSome = async (): Promise<void> => {
    for (const input of waiting) {
      if (failure !== undefined) return;
      try {
        throwIfAborted(signal, 'merging LTX files');
        await input.open();
      } catch (error) {
        failure ??= { error };
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(OPENINGS_MAX, inputs.length) }, openSome));
  if (failure !== undefined) throw failure.error;
  const first = inputs[0]?.header;
  const last = inputs.at(-1)?.header;
  if (first === undefined || last === undefined) throw new InvariantViolation('a merge of no LTX files');
  for (const [i, { header }] of inputs.entries()) {
    if (header.pageSize === first.pageSize) continue;
    const what = `its pages have ${header.pageSize} bytes, those of ${names[0]?.name} ${first.pageSize}`;
    throw ltxError('LTX_PAGE_SIZES_DIFFER', { name: names[i]?.name ?? '', offset: 8 }, what);
  }
  return untrackedHeader({
    pageSize: first.pageSize,
    commit: last.commit,
    minTxid: first.minTxid,
    maxTxid: last.maxTxid,
    timestampMs: last.timestampMs,
  });
};

/** Closes what is still open. Never throws. */
export const closeMerge = async (inputs: readonly MergeInput[]): Promise<void> => {
  await Promise.all(inputs.map((input) => input.close()));
};

/** One file in the heap. */
interface Contender {
  readonly input: MergeInput;
  readonly order: number;
  readonly pgno: number;
}

/** Merges opened files into `sink`; yields whenever the sink has something ready, so that it can be handed out. */
export async function* mergeRuns(
  inputs: readonly MergeInput[],
  { memory, commit, sink, signal }: { memory: MergeMemory; commit: number; sink: MergeSink; signal: AbortSignal },
): AsyncGenerator<void, void, undefined> {
  for (const input of inputs) {
    throwIfAborted(signal, 'merging LTX files');
    await input.start(memory);
  }
  const contenders: Contender[] = inputs.map((input, order) => ({
    input,
    order,
    get pgno() {
      return input.pgno;
    },
  }));
  const heap = new PageHeap(contenders.filter(({ pgno }) => pgno !== 0));

  /** Takes pages of the first file; those that lost go where nobody looks. */
  const takeTop = (top: Contender, limit: number, isWinner: boolean): MergedRun => {
    const to = isWinner ? memory.pagesAt + sink.usedSlots * memory.pageSize : memory.lostPagesAt;
    const countMax = isWinner ? memory.pageSlots - sink.usedSlots : 1;
    const { count, isVerbatim } = top.input.takeRun(memory, { limit, countMax, to });
    const framesAt = isVerbatim ? memory.framesAt : undefined;
    return { count, pagesAt: to, tableAt: memory.tableAt, framesAt };
  };
  const advanceTop = (top: Contender): Promise<void> | undefined => {
    const settle = (): void => {
      if (top.input.pgno === 0) heap.removeTop();
      else heap.topGrew();
    };
    const waiting = top.input.toNextPage(memory);
    if (waiting === undefined) settle();
    return waiting?.then(settle);
  };

  for (let top = heap.top; top !== undefined; top = heap.top) {
    throwIfAborted(signal, 'merging LTX files');
    const { pgno } = top;
    const isWinner = pgno <= commit;
    const isContested = heap.secondPgno === pgno;
    const run = takeTop(top, isContested ? pgno + 1 : Math.min(heap.secondPgno, commit + 1), isWinner);
    if (isWinner && sink.take(run)) yield;
    const waiting = advanceTop(top);
    if (waiting !== undefined) await waiting;
    for (let loser = heap.top; loser !== undefined && loser.pgno === pgno; loser = heap.top) {
      takeTop(loser, pgno + 1, false);
      const waitingForLoser = advanceTop(loser);
      if (waitingForLoser !== undefined) await waitingForLoser;
    }
  }
}

/** Collects pages until there is no room. */
class BatchSink implements MergeSink {
  usedSlots = 0;
  readonly #header: LtxHeader;
  readonly #memory: MergeMemory;
  readonly #sequence: PageSequence;
  readonly #pageNumbers: Uint32Array;

  constructor(header: LtxHeader, memory: MergeMemory) {
    this.#header = header;
    this.#memory = memory;
    this.#sequence = new PageSequence(header, `merged from TXID ${formatTxidRange(header)}`);
    this.#pageNumbers = new Uint32Array(memory.pageSlots);
  }

  take({ count, tableAt }: MergedRun): boolean {
    const { words, pageSlots } = this.#memory;
    for (let i = 0; i < count; i++) {
      const pgno = words[tableAt / 4 + i * PAGE_TABLE_WORDS] ?? 0;
      this.#sequence.accept(pgno);
      this.#pageNumbers[this.usedSlots + i] = pgno;
    }
    this.usedSlots += count;
    return this.usedSlots === pageSlots;
  }

  complete(): void {
    this.#sequence.complete();
  }

  /** What was collected, good until the next call of `take`. */
  drain(): MergedBatch {
    const count = this.usedSlots;
    const { kernel, pagesAt, pageSize } = this.#memory;
    const pages = kernel.bytes.subarray(pagesAt, pagesAt + count * pageSize);
    const pageNumbers = this.#pageNumbers.slice(0, count);
    this.usedSlots = 0;
    return { header: this.#header, count, pageNumbers, pages, pagesAt };
  }
}

/** Merged pages in ascending order; `pages` is good until the next batch is asked for. */
export type MergedBatch = Omit<PageBatch, 'tableAt'>;

/** What {@link mergePages} needs. */
export interface MergePagesOptions extends MergeOptions {
  /** Gets the header of the merged file before the first page. */
  readonly onHeader?: (header: LtxHeader) => void;
}

/**
 * The pages of the newest state, ascending, in batches as large as the region allows; with a snapshot among the first
 * files every page but the lock page (`LTX_SNAPSHOT_INCOMPLETE` otherwise). `inputs` is in TXID order, at least one.
 * Pages are provisional until the iteration has ended by itself. Errors: {@link openMerge}, any `LTX_*` code of the file
 * format, `ABORTED`, and those of the streams. Streams are closed whichever way it ends.
 */
export async function* mergePages(
  inputs: readonly LtxInput[],
  { kernel, region = wholeArena(kernel), signal, onHeader }: MergePagesOptions,
): AsyncGenerator<MergedBatch, void, undefined> {
  checkContiguous(inputs);
  const opened = inputs.map((input) => new MergeInput(input));
  try {
    const header = await openMerge(opened, inputs, signal);
    const memory = layOutMerge(kernel, region, header.pageSize);
    onHeader?.(header);
    const sink = new BatchSink(header, memory);
    for await (const _ of mergeRuns(opened, { memory, commit: header.commit, sink, signal })) yield sink.drain();
    sink.complete();
    if (sink.usedSlots > 0) yield sink.drain();
  } finally {
    await closeMerge(opened);
  }
}
