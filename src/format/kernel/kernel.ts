/**
 * The kernel: checksums and LZ4 over memory the pages already lie in. One instance per thread; memory is fixed in size and
 * never grows, so views stay valid for the life of the instance. Every input outside the arena is a `KERNEL_INPUT` error.
 */

/** Result of scanning WAL frames: how many are valid, and the chain after the last valid one. */
export interface WalScanResult {
  readonly validFrames: number;
  readonly checksum1: number;
  readonly checksum2: number;
}

/** Result of encoding pages: how many fitted, the bytes written, the CRC after them. */
export interface EncodePagesResult {
  readonly pages: number;
  readonly bytes: number;
  readonly crc: bigint;
}

/** Why a batch decode stopped. */
export type DecodeStop =
  /** the input holds no further whole frame */
  | 'needInput'
  /** the output or the table is full */
  | 'outputFull'
  /** the end-of-pages marker is next (not consumed) */
  | 'marker'
  /** a page of another form, or a malformed one, is next (not consumed); decode it singly to learn more */
  | 'other';

/** Result of decoding pages: how many, the CRC after them, and why there are not more. */
export interface DecodePagesResult {
  readonly pages: number;
  /** Input bytes consumed by whole frames. */
  readonly consumed: number;
  readonly crc: bigint;
  readonly stop: DecodeStop;
}

export interface Kernel {
  /** All memory; `bytes.subarray(p, p + n)` is a view, `fs.readSync(fd, bytes, p, n, at)` reads straight into it. */
  readonly bytes: Buffer;
  /** First and one past the last usable address. At least 32 bytes of slack follow `arenaEnd`. */
  readonly arenaStart: number;
  readonly arenaEnd: number;
  /** CRC-64/GO-ISO over memory, continuing from a finalised value (0n at the start), as ltx-format 8. */
  crc64(crc: bigint, at: number, length: number): bigint;
  /** WAL checksum over memory; length is a multiple of 8. Words little- or big-endian as the WAL's magic says. */
  walChecksum(
    sums: { readonly checksum1: number; readonly checksum2: number },
    at: number,
    length: number,
    isBigEndian: boolean,
  ): { checksum1: number; checksum2: number };
  /**
   * Scans up to `frames` whole frames that lie one after the other at `at`: salts, page number >= 1 and checksum chain.
   * For each valid frame two u32 (native order) go to `tableAt`: page number and commit. Stops at the first bad frame.
   */
  scanWalFrames(input: {
    readonly at: number;
    readonly frames: number;
    readonly pageSize: number;
    readonly salt1: number;
    readonly salt2: number;
    readonly checksum1: number;
    readonly checksum2: number;
    readonly isBigEndian: boolean;
    readonly tableAt: number;
  }): WalScanResult;
  /** LZ4 block of `length` bytes at `from` written to `to`; returns its size. `capacity` must be at least the bound. */
  lz4Encode(from: number, length: number, to: number, capacity: number): number;
  /** Decodes one LZ4 block; the result must be exactly `expected` bytes. Returns -1 when the block is malformed or has another size. */
  lz4Decode(from: number, length: number, to: number, expected: number): number;
  /**
   * Encodes `count` pages of the table at `tableAt` — three u32 each: page number, address of the page, and room where the
   * frame's size is written back — as block-form page frames at `to` (6-byte header, 4-byte size, block), continuing the
   * LTX file checksum. Pages should ascend in memory. Stops before the first frame that may not fit into `capacity`.
   */
  encodePages(input: {
    readonly tableAt: number;
    readonly count: number;
    readonly pageSize: number;
    readonly to: number;
    readonly capacity: number;
    readonly crc: bigint;
  }): EncodePagesResult;
  /**
   * Decodes whole block-form page frames from `at`, pages one after the other to `to`; three u32 per page go to `tableAt`:
   * page number, frame size, 0. Continues the LTX file checksum. Never reads past `length`, never writes past the limits.
   */
  decodePages(input: {
    readonly at: number;
    readonly length: number;
    readonly pageSize: number;
    readonly to: number;
    readonly pagesMax: number;
    readonly tableAt: number;
    readonly crc: bigint;
  }): DecodePagesResult;
}

/** The largest LZ4 block a page of this size may have (ltx-format 4). */
export const lz4BlockSizeMax = (pageSize: number): number => pageSize + Math.floor(pageSize / 255) + 16;
