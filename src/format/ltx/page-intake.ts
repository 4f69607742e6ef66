/** What is kept of the pages of a file while it is read: their order, their frames, and the database checksum. */
import type { PageNumber } from '#domain/page';
import type { Kernel } from '../kernel/kernel.ts';
import { pageChecksum, togglePage } from './checksum.ts';
import { FrameList } from './frame-list.ts';
import { CHECKSUM_FLAG, isSnapshotHeader, isTrackedHeader, LTX_HEADER_BYTES, type LtxHeader } from './header.ts';
import { PageSequence } from './page-sequence.ts';

/** What a {@link PageIntake} needs. */
export interface PageIntakeOptions {
  readonly kernel: Kernel;
  readonly header: LtxHeader;
  readonly name: string;
  /** `PAGE_CHECKSUM_SCRATCH_BYTES` of kernel memory. */
  readonly scratchAt: number;
}

/** Takes the pages of one file in order. */
export class PageIntake {
  readonly frames = new FrameList();
  readonly #kernel: Kernel;
  readonly #pageSize: number;
  readonly #scratchAt: number;
  readonly #sequence: PageSequence;
  readonly #hasDatabaseChecksum: boolean;
  #databaseChecksum = 0n;
  #offset = LTX_HEADER_BYTES;

  constructor({ kernel, header, name, scratchAt }: PageIntakeOptions) {
    this.#kernel = kernel;
    this.#pageSize = header.pageSize;
    this.#scratchAt = scratchAt;
    this.#sequence = new PageSequence(header, name);
    this.#hasDatabaseChecksum = isTrackedHeader(header) && isSnapshotHeader(header);
  }

  /** Where in the file the next frame begins. */
  get offset(): number {
    return this.#offset;
  }

  /** The database checksum of the pages of a snapshot that carries one, else `undefined`. */
  get databaseChecksum(): bigint | undefined {
    return this.#hasDatabaseChecksum ? this.#databaseChecksum | CHECKSUM_FLAG : undefined;
  }

  /** A page that lies decoded at `at`, from a frame of `frameBytes`; throws as {@link PageSequence}. */
  add(pgno: PageNumber, frameBytes: number, at: number): void {
    this.#sequence.accept(pgno, this.#offset);
    this.frames.add(pgno, frameBytes);
    this.#offset += frameBytes;
    if (!this.#hasDatabaseChecksum) return;
    const page = pageChecksum(this.#kernel, { pgno, at, pageSize: this.#pageSize, scratchAt: this.#scratchAt });
    this.#databaseChecksum = togglePage(this.#databaseChecksum, page);
  }

  /** At the end-of-pages marker: `LTX_SNAPSHOT_INCOMPLETE`. */
  complete(): void {
    this.#sequence.complete(this.#offset);
  }
}
