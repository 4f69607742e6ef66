/**
 * The file system as the source uses it. Injected, so that a test can break any step, and so that a simulated crash can park
 * the descriptor of the database file instead of closing it (closing drops the locks of the whole process, I-13).
 */
import fs from 'node:fs';

export interface SourceFiles {
  /** A descriptor; `flags` and `mode` as of `fs.openSync`. */
  open(path: string, flags: string, mode?: number): number;
  close(fd: number): void;
  /** Closes the long-lived descriptor of a database file. */
  closeDatabase(fd: number): void;
  /** Writes all bytes at the current end. */
  write(fd: number, bytes: Uint8Array): void;
  fsync(fd: number): void;
  rename(from: string, to: string): void;
  unlink(path: string): void;
  /** Makes one directory. */
  mkdir(path: string, mode: number): void;
  /** Names in the directory are durable when this returns. */
  syncDirectory(path: string): void;
}

/** Node's own. */
export const nodeSourceFiles: SourceFiles = {
  open: (path, flags, mode) => fs.openSync(path, flags, mode),
  close: (fd) => fs.closeSync(fd),
  closeDatabase: (fd) => fs.closeSync(fd),
  write: (fd, bytes) => {
    let done = 0;
    while (done < bytes.length) done += fs.writeSync(fd, bytes, done, bytes.length - done);
  },
  fsync: (fd) => fs.fsyncSync(fd),
  rename: (from, to) => fs.renameSync(from, to),
  unlink: (path) => fs.unlinkSync(path),
  mkdir: (path, mode) => fs.mkdirSync(path, { mode }),
  syncDirectory: (path) => {
    const fd = fs.openSync(path, 'r');
    try {
      fs.fsyncSync(fd);
    } finally {
      fs.closeSync(fd);
    }
  },
};

/** Reads into memory until `length` bytes are there or the file ends; the number of bytes read. */
export const readFully = (
  fd: number,
  {
    into,
    at,
    length,
    from,
  }: { readonly into: Buffer; readonly at: number; readonly length: number; readonly from: number },
): number => {
  let done = 0;
  while (done < length) {
    const count = fs.readSync(fd, into, at + done, length - done, from + done);
    if (count === 0) break;
    done += count;
  }
  return done;
};
