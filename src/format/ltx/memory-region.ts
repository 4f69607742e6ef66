/** Parts of kernel memory: who uses which is agreed by the callers, nothing here allocates. */
import { InvariantViolation } from '#errors/replication-error';
import type { Kernel } from '../kernel/kernel.ts';

/** `[at, at + length)` of kernel memory, used by one owner at a time. */
export interface MemoryRegion {
  readonly at: number;
  readonly length: number;
}

/** The kernel's copies may run up to this far past the end of what they write; kept free behind each buffer. */
export const SLACK_BYTES = 64;

/** The next multiple of 16. */
export const alignUp = (address: number): number => Math.ceil(address / 16) * 16;

/** All of a kernel's arena. */
export const wholeArena = ({ arenaStart, arenaEnd }: Kernel): MemoryRegion => ({
  at: arenaStart,
  length: arenaEnd - arenaStart,
});

/** The region cut in two, the first of `firstBytes` (rounded up to a multiple of 16). */
export const splitRegion = (region: MemoryRegion, firstBytes: number): readonly [MemoryRegion, MemoryRegion] => {
  const middle = alignUp(region.at + firstBytes);
  const end = region.at + region.length;
  if (middle > end) throw new InvariantViolation(`a region of ${region.length} bytes cannot give ${firstBytes}`);
  return [
    { at: region.at, length: middle - region.at },
    { at: middle, length: end - middle },
  ];
};

/** Kernel memory as u32 in native order; index = address / 4. */
export const wordsOf = ({ bytes }: Kernel): Uint32Array =>
  new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength >>> 2);
