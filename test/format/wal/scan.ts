/** Scans bytes of a WAL with a small kernel, as an engine would. */
import { createKernel } from '#format/kernel/load';
import type { ChecksumPair } from '#format/wal/checksum';
import { frameBytes } from '#format/wal/frame';
import { parseWalHeader, type WalHeader } from '#format/wal/header';
import { scanWal, type WalScan } from '#format/wal/scanner';

/** One kernel for all tests: they run one after the other. */
const kernel = createKernel({ arenaBytes: 4 * 1024 * 1024 });
const TABLE_BYTES = 8 * 1024;

export interface ScanOptions {
  readonly from?: number;
  readonly chain?: ChecksumPair;
  readonly maxBytes?: number;
  readonly framesMax?: number;
  /** Frames the room takes; small values make a scan go over it. */
  readonly roomFrames?: number;
  /** Replaces the header of the bytes. */
  readonly header?: WalHeader;
}

export const validHeader = (wal: Uint8Array): WalHeader => {
  const header = parseWalHeader(wal);
  if (header.kind !== 'valid') throw new Error(`the header is ${header.reason}`);
  return header;
};

/** The scan, and the bytes of its frames when they lie in the room. */
export const scanBytes = (wal: Uint8Array, options: ScanOptions = {}): WalScan & { readonly frames: Buffer } => {
  const header = options.header ?? validHeader(wal);
  const { from = 32, chain = header, roomFrames = 40, maxBytes, framesMax } = options;
  const size = frameBytes(header.pageSize);
  const table = { at: kernel.arenaStart, length: TABLE_BYTES };
  const room = { at: kernel.arenaStart + TABLE_BYTES, length: roomFrames * size };
  const scan = scanWal({
    kernel,
    header,
    from,
    chain: { checksum1: chain.checksum1, checksum2: chain.checksum2 },
    room,
    table,
    read: (at, length, into) =>
      Buffer.from(wal.buffer, wal.byteOffset, wal.length).copy(kernel.bytes, into, at, at + length),
    ...(maxBytes === undefined ? {} : { maxBytes }),
    ...(framesMax === undefined ? {} : { framesMax }),
  });
  return { ...scan, frames: Buffer.from(kernel.bytes.subarray(room.at, room.at + scan.frameCount * size)) };
};
