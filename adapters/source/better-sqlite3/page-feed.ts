/**
 * Hands pages to an encoder in batches: from frames that lie in memory, from frames read again by offset (re-checked: salts
 * and page number), or from the database file.
 */
import fs from 'node:fs';
import { InvariantViolation } from '#errors/replication-error';
import type { LtxEncoder } from '#format/ltx/encoder';
import { PAGE_TABLE_WORDS } from '#format/ltx/page-table';
import { FRAME_HEADER_BYTES, parseFrameHeader } from '#format/wal/frame';
import { type Batch, WalMoved } from './capture.ts';
import { frameOf, type NewestCopies } from './newest-copies.ts';
import { readFully } from './source-files.ts';
import type { Workspace } from './workspace.ts';

/** Where the pages of one file come from. */
export interface PageOrigin {
  readonly workspace: Workspace;
  readonly pageSize: number;
  readonly lockPage: number;
  /** The database file; pages beyond its end are zeros, as SQLite reads them. */
  readonly databaseFd: number;
  /** Frames and the WAL they came from; undefined when everything is in the database file. */
  readonly wal: { readonly fd: number; readonly batch: Batch; readonly copies: NewestCopies } | undefined;
}

/** A page table being filled; flushes itself to the encoder. */
const createTable = ({ words, pageTableAt, pageTableEntries }: Workspace, encoder: LtxEncoder) => {
  let used = 0;
  return {
    add: (pageNumber: number, address: number): void => {
      const entry = pageTableAt / 4 + used * PAGE_TABLE_WORDS;
      words[entry] = pageNumber;
      words[entry + 1] = address;
      used += 1;
    },
    isFull: () => used === pageTableEntries,
    flush: (): void => {
      if (used > 0) encoder.addPages(pageTableAt, used);
      used = 0;
    },
  };
};

/** Reads consecutive frames of a batch again to `at`, checking that they are still the ones that were verified. */
const rereadFrames = (
  origin: PageOrigin,
  { frame, count, at }: { readonly frame: number; readonly count: number; readonly at: number },
): void => {
  const { wal, workspace, pageSize } = origin;
  if (wal === undefined) throw new InvariantViolation('frames of no WAL were asked for');
  const { batch, fd } = wal;
  const frameBytes = FRAME_HEADER_BYTES + pageSize;
  const { bytes } = workspace.kernel;
  const length = count * frameBytes;
  const read = readFully(fd, { into: bytes, at, length, from: batch.from + frame * frameBytes });
  if (read < length) throw new WalMoved('a frame is gone');
  for (let i = 0; i < count; i++) {
    const found = parseFrameHeader(bytes, at + i * frameBytes);
    const isSame =
      found.salt1 === batch.header.salt1 &&
      found.salt2 === batch.header.salt2 &&
      found.pageNumber === batch.pageNumbers[frame + i];
    if (!isSame) throw new WalMoved('a frame is another one than before');
  }
};

/** Reads pages of the database file to `at`; beyond its end there are zeros. */
const readDatabase = (origin: PageOrigin, first: number, count: number, at: number): void => {
  const { bytes } = origin.workspace.kernel;
  const length = count * origin.pageSize;
  const from = (first - 1) * origin.pageSize;
  const read = readFully(origin.databaseFd, { into: bytes, at, length, from });
  bytes.fill(0, at + read, at + length);
};

/**
 * The newest copies of a batch, and the pages of `fill` (ascending, none of them in the batch) from the database file: what
 * an incremental file holds.
 */
export const feedBatch = (origin: PageOrigin, encoder: LtxEncoder, fill: readonly number[]): void => {
  const { workspace, pageSize, wal } = origin;
  if (wal === undefined) return;
  const { batch, copies } = wal;
  const frameBytes = FRAME_HEADER_BYTES + pageSize;
  const slotsEnd = workspace.slots.at + workspace.slots.length;
  const table = createTable(workspace, encoder);
  let slot = workspace.slots.at;
  let filled = 0;
  const makeRoom = (bytes: number): void => {
    if (table.isFull() || slot + bytes > slotsEnd) {
      table.flush();
      slot = workspace.slots.at;
    }
  };
  const fillUpTo = (pageNumber: number): void => {
    for (let next = fill[filled]; next !== undefined && next < pageNumber; next = fill[filled]) {
      makeRoom(pageSize);
      readDatabase(origin, next, 1, slot);
      table.add(next, slot);
      slot += pageSize;
      filled += 1;
    }
  };
  for (let i = 0; i < copies.count; ) {
    const pageNumber = copies.pageNumbers[i] ?? 0;
    const frame = copies.frames[i] ?? 0;
    fillUpTo(pageNumber);
    if (batch.isInRoom) {
      makeRoom(0);
      table.add(pageNumber, workspace.frames.at + frame * frameBytes + FRAME_HEADER_BYTES);
      i += 1;
      continue;
    }
    makeRoom(frameBytes);
    const room = Math.floor((slotsEnd - slot) / frameBytes);
    let run = 1;
    const nextFill = fill[filled] ?? Number.POSITIVE_INFINITY;
    while (
      run < room &&
      run < 256 &&
      i + run < copies.count &&
      copies.frames[i + run] === frame + run &&
      (copies.pageNumbers[i + run] ?? 0) < nextFill
    ) {
      run += 1;
    }
    rereadFrames(origin, { frame, count: run, at: slot });
    for (let k = 0; k < run; k++) {
      makeRoomInTable(table);
      table.add(copies.pageNumbers[i + k] ?? 0, slot + k * frameBytes + FRAME_HEADER_BYTES);
    }
    slot += run * frameBytes;
    i += run;
  }
  fillUpTo(Number.POSITIVE_INFINITY);
  table.flush();
};

const makeRoomInTable = (table: { isFull(): boolean; flush(): void }): void => {
  if (table.isFull()) table.flush();
};

/** Pages `[first, last]` but the lock page: the newest frame where there is one, else the database file. */
export const feedRange = (
  origin: PageOrigin,
  encoder: LtxEncoder,
  { first, last }: { readonly first: number; readonly last: number },
): void => {
  const { workspace, pageSize, lockPage, wal } = origin;
  const perChunk = Math.min(Math.floor(workspace.slots.length / pageSize), workspace.pageTableEntries);
  const table = createTable(workspace, encoder);
  for (let start = first; start <= last; start += perChunk) {
    const count = Math.min(perChunk, last - start + 1);
    readDatabase(origin, start, count, workspace.slots.at);
    for (let i = 0; i < count; i++) {
      const pageNumber = start + i;
      if (pageNumber === lockPage) continue;
      const slot = workspace.slots.at + i * pageSize;
      const frame = wal === undefined ? undefined : frameOf(wal.copies, pageNumber);
      table.add(pageNumber, frame === undefined ? slot : placeFrame(origin, frame, slot));
    }
    table.flush();
  }
};

/** Address of a frame's page: where it lies, or the slot it was read into. */
const placeFrame = (origin: PageOrigin, frame: number, slot: number): number => {
  const { wal, workspace, pageSize } = origin;
  if (wal === undefined) throw new InvariantViolation('frames of no WAL were asked for');
  const { batch, fd } = wal;
  const offset = frame * (FRAME_HEADER_BYTES + pageSize);
  if (batch.isInRoom) return workspace.frames.at + offset + FRAME_HEADER_BYTES;
  const header = Buffer.allocUnsafe(FRAME_HEADER_BYTES);
  const page = workspace.kernel.bytes.subarray(slot, slot + pageSize);
  const read = fs.readvSync(fd, [header, page], batch.from + offset);
  if (read < FRAME_HEADER_BYTES + pageSize) throw new WalMoved('a frame is gone');
  const found = parseFrameHeader(header, 0);
  const isSame =
    found.salt1 === batch.header.salt1 &&
    found.salt2 === batch.header.salt2 &&
    found.pageNumber === batch.pageNumbers[frame];
  if (!isSame) throw new WalMoved('a frame is another one than before');
  return slot;
};
