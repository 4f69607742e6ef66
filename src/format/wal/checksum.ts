/** The checksum of WAL headers and frames, for the few bytes of a header. Page images go through the kernel. */

/** Running sums, both u32. */
export interface ChecksumPair {
  readonly checksum1: number;
  readonly checksum2: number;
}

/**
 * Sums continued over `length` bytes, a multiple of 8. Words are big- or little-endian as the WAL's magic says; the stored
 * result is big-endian in both (SQLite file format, "Checksum Algorithm").
 */
export const walChecksum = (
  bytes: Uint8Array,
  { at, length, isBigEndian }: { readonly at: number; readonly length: number; readonly isBigEndian: boolean },
  seed: ChecksumPair = { checksum1: 0, checksum2: 0 },
): ChecksumPair => {
  if (length % 8 !== 0) throw new RangeError(`checksum over ${length} bytes, not a multiple of 8`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let { checksum1, checksum2 } = seed;
  for (let offset = at; offset < at + length; offset += 8) {
    checksum1 = (checksum1 + view.getUint32(offset, !isBigEndian) + checksum2) >>> 0;
    checksum2 = (checksum2 + view.getUint32(offset + 4, !isBigEndian) + checksum1) >>> 0;
  }
  return { checksum1, checksum2 };
};
