/** The WAL file by path: it carries no locks, so it is opened for each piece of work and closed again (H10). */
import type { ChecksumPair } from '#format/wal/checksum';
import { FRAME_HEADER_BYTES, parseFrameHeader, type WalFrameHeader } from '#format/wal/frame';
import { parseWalHeader, WAL_HEADER_BYTES, type WalHeader } from '#format/wal/header';
import { isAbsent, toSourceError } from './errors.ts';
import { readFully, type SourceFiles } from './source-files.ts';

/** The first 32 bytes (fewer when there are not as many), and what they mean; undefined when SQLite would ignore them. */
export interface HeaderReading {
  readonly bytes: Buffer;
  readonly header: WalHeader | undefined;
}

/** Runs `work` with the WAL open; a missing file is descriptor `undefined`. */
export const withWal = <T>(files: SourceFiles, path: string, work: (fd: number | undefined) => T): T => {
  let fd: number | undefined;
  try {
    fd = files.open(path, 'r');
  } catch (error) {
    if (!isAbsent(error)) throw toSourceError(error, 'open', path);
  }
  try {
    return work(fd);
  } finally {
    if (fd !== undefined) files.close(fd);
  }
};

/** `length` bytes from an offset, or fewer at the end of the file. */
export const readWal = (fd: number | undefined, from: number, length: number): Buffer => {
  const bytes = Buffer.allocUnsafe(length);
  if (fd === undefined) return bytes.subarray(0, 0);
  return bytes.subarray(0, readFully(fd, { into: bytes, at: 0, length, from }));
};

/** The header as it stands now. `WAL_INVALID` for a format that SQLite refuses as well. */
export const readWalHeader = (fd: number | undefined): HeaderReading => {
  const bytes = readWal(fd, 0, WAL_HEADER_BYTES);
  const header = parseWalHeader(bytes);
  return { bytes, header: header.kind === 'valid' ? header : undefined };
};

/** The head of the frame at an offset; undefined past the end of the file. */
export const readFrameHeader = (fd: number | undefined, offset: number): WalFrameHeader | undefined => {
  const bytes = readWal(fd, offset, FRAME_HEADER_BYTES);
  return bytes.length < FRAME_HEADER_BYTES ? undefined : parseFrameHeader(bytes);
};

/** True when the frame ending at an offset carries this checksum and these salts. */
export const isFrameIntact = (
  fd: number | undefined,
  frameAt: number,
  expected: ChecksumPair & { readonly salt1: number; readonly salt2: number },
): boolean => {
  const frame = readFrameHeader(fd, frameAt);
  return (
    frame !== undefined &&
    frame.salt1 === expected.salt1 &&
    frame.salt2 === expected.salt2 &&
    frame.checksum1 === expected.checksum1 &&
    frame.checksum2 === expected.checksum2
  );
};
