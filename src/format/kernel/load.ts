/**
 * Loads the kernel and checks every argument in front of it. The module is compiled once per thread; each kernel has its
 * own memory of a fixed size. A trap inside WASM becomes a `KERNEL_INPUT` error like any other bad argument.
 */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { isPageSize } from '#domain/page';
import { ReplicationError } from '#errors/replication-error';
import { type DecodeStop, type Kernel, lz4BlockSizeMax } from './kernel.ts';

interface WasmGlobal<T> {
  readonly value: T;
}

/** A compiled module says nothing about itself here; the field only tells its type from others. */
interface WasmModule {
  readonly kind?: 'module';
}

/** The part of the WebAssembly API used here: it is declared in the library `dom`, which is not loaded. */
declare const WebAssembly: {
  readonly Module: new (bytes: Uint8Array) => WasmModule;
  readonly Memory: new (limits: { initial: number; maximum: number }) => { readonly buffer: ArrayBuffer };
  readonly Instance: new (module: WasmModule, imports: object) => { readonly exports: unknown };
};

/** Exports of the module as compiled from `assembly/`; u32 comes back signed. */
interface KernelExports {
  readonly walChecksum1: WasmGlobal<number>;
  readonly walChecksum2: WasmGlobal<number>;
  readonly batchBytes: WasmGlobal<number>;
  readonly batchCrc: WasmGlobal<bigint>;
  readonly batchStop: WasmGlobal<number>;
  crc64(crc: bigint, at: number, length: number): bigint;
  walChecksum(checksum1: number, checksum2: number, at: number, length: number, isBigEndian: number): void;
  scanWalFrames(
    at: number,
    frames: number,
    pageSize: number,
    salt1: number,
    salt2: number,
    checksum1: number,
    checksum2: number,
    isBigEndian: number,
    tableAt: number,
  ): number;
  lz4Encode(from: number, length: number, to: number): number;
  lz4Decode(from: number, length: number, to: number, expected: number): number;
  encodePages(
    tableAt: number,
    count: number,
    pageSize: number,
    to: number,
    capacity: number,
    crc: bigint,
    arenaStart: number,
    arenaEnd: number,
  ): number;
  decodePages(
    at: number,
    length: number,
    pageSize: number,
    to: number,
    pagesMax: number,
    tableAt: number,
    crc: bigint,
  ): number;
}

const WASM_PAGE_BYTES = 65536;
/** `ARENA_START` of `assembly/memory.ts`. */
const ARENA_START = 65536;
/** Loads and stores of 16 bytes may run past the end of what they are for. */
const SLACK_BYTES = 64;
/** Keeps every address, and sums of a few, far inside 31 bits. */
const ARENA_BYTES_MAX = 1024 * 1024 * 1024;
const FRAME_HEADER_BYTES = 24;
const WAL_TABLE_ENTRY_BYTES = 8;
const PAGE_TABLE_ENTRY_BYTES = 12;

const decodeStops: readonly DecodeStop[] = ['needInput', 'outputFull', 'marker', 'other'];

/** Beside this file when built or run from source; in the source folder when only that one was built. */
const moduleFiles = ['./kernel.wasm', '../../../../src/format/kernel/kernel.wasm'] as const;

let compiled: WasmModule | undefined;

function compiledModule(): WasmModule {
  if (compiled === undefined) {
    const path = moduleFiles
      .map((file) => fileURLToPath(new URL(file, import.meta.url)))
      .find((file) => existsSync(file));
    if (path === undefined) {
      throw new ReplicationError('KERNEL_INPUT', 'the compiled kernel (kernel.wasm) is not where it belongs', {
        retryable: false,
        hint: 'Run "npm run build", or install the package again.',
      });
    }
    compiled = new WebAssembly.Module(readFileSync(path));
  }
  return compiled;
}

function refuse(what: string, cause?: unknown): ReplicationError {
  return new ReplicationError('KERNEL_INPUT', `kernel: ${what}`, { retryable: false, cause });
}

/** Throws unless `value` is a whole number of `min` to `max`. */
function checkNumber(name: string, value: number, min: number, max: number): void {
  if (!Number.isInteger(value) || value < min || value > max) {
    throw refuse(`${name} is ${value}, not within ${min} to ${max}`);
  }
}

function checkU32(name: string, value: number): void {
  checkNumber(name, value, 0, 0xffff_ffff);
}

function checkCrc(crc: bigint): void {
  if (typeof crc !== 'bigint' || crc < 0n || crc > 0xffff_ffff_ffff_ffffn) throw refuse(`crc is ${crc}, not 64 bits`);
}

function checkPageSize(pageSize: number): void {
  if (!isPageSize(pageSize)) throw refuse(`page size is ${pageSize}`);
}

/** A region of memory by name, `[at, at + length)`. */
interface Region {
  readonly name: string;
  readonly at: number;
  readonly length: number;
}

/** What is written must not be what is read. */
function checkDisjoint(a: Region, b: Region): void {
  if (a.length > 0 && b.length > 0 && a.at < b.at + b.length && b.at < a.at + a.length) {
    throw refuse(`${a.name} and ${b.name} overlap`);
  }
}

/** Runs a call into WASM; a trap is our error. */
function guarded<T>(call: () => T): T {
  try {
    return call();
  } catch (cause) {
    throw refuse('the call trapped', cause);
  }
}

/**
 * A kernel with an arena of at least `arenaBytes` (1 byte to 1 GiB) that never grows. One per thread, not to be shared.
 * Throws KERNEL_INPUT when the size is out of range, memory cannot be had, or the compiled kernel is missing.
 */
export function createKernel({ arenaBytes }: { readonly arenaBytes: number }): Kernel {
  checkNumber('arenaBytes', arenaBytes, 1, ARENA_BYTES_MAX);
  const pages = Math.ceil((ARENA_START + arenaBytes + SLACK_BYTES) / WASM_PAGE_BYTES);
  const module = compiledModule();
  const { memory, wasm } = guarded(() => {
    const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
    // A cast: what the module exports is known only to the people who wrote it.
    const wasm = new WebAssembly.Instance(module, { env: { memory } }).exports as KernelExports;
    return { memory, wasm };
  });
  const bytes = Buffer.from(memory.buffer);
  const arenaEnd = bytes.length - SLACK_BYTES;

  const checkRegion = ({ name, at, length }: Region): void => {
    checkNumber(`address of ${name}`, at, ARENA_START, arenaEnd);
    checkNumber(`length of ${name}`, length, 0, arenaEnd - at);
  };

  return {
    bytes,
    arenaStart: ARENA_START,
    arenaEnd,

    crc64: (crc, at, length) => {
      checkCrc(crc);
      checkRegion({ name: 'input', at, length });
      return guarded(() => BigInt.asUintN(64, wasm.crc64(crc, at, length)));
    },

    walChecksum: ({ checksum1, checksum2 }, at, length, isBigEndian) => {
      checkU32('checksum1', checksum1);
      checkU32('checksum2', checksum2);
      checkRegion({ name: 'input', at, length });
      if (length % 8 !== 0) throw refuse(`length of input is ${length}, not a multiple of 8`);
      return guarded(() => {
        wasm.walChecksum(checksum1, checksum2, at, length, isBigEndian ? 1 : 0);
        return { checksum1: wasm.walChecksum1.value >>> 0, checksum2: wasm.walChecksum2.value >>> 0 };
      });
    },

    scanWalFrames: ({ at, frames, pageSize, salt1, salt2, checksum1, checksum2, isBigEndian, tableAt }) => {
      checkPageSize(pageSize);
      checkU32('frames', frames);
      checkU32('salt1', salt1);
      checkU32('salt2', salt2);
      checkU32('checksum1', checksum1);
      checkU32('checksum2', checksum2);
      const input = { name: 'frames', at, length: frames * (FRAME_HEADER_BYTES + pageSize) };
      const table = { name: 'table', at: tableAt, length: frames * WAL_TABLE_ENTRY_BYTES };
      checkRegion(input);
      checkRegion(table);
      checkDisjoint(input, table);
      return guarded(() => {
        const validFrames = wasm.scanWalFrames(
          at,
          frames,
          pageSize,
          salt1,
          salt2,
          checksum1,
          checksum2,
          isBigEndian ? 1 : 0,
          tableAt,
        );
        return {
          validFrames,
          checksum1: wasm.walChecksum1.value >>> 0,
          checksum2: wasm.walChecksum2.value >>> 0,
        };
      });
    },

    lz4Encode: (from, length, to, capacity) => {
      const input = { name: 'input', at: from, length };
      const output = { name: 'output', at: to, length: capacity };
      checkRegion(input);
      checkRegion(output);
      const bound = lz4BlockSizeMax(length);
      if (capacity < bound) throw refuse(`length of output is ${capacity}, less than the bound ${bound}`);
      checkDisjoint(input, output);
      return guarded(() => wasm.lz4Encode(from, length, to));
    },

    lz4Decode: (from, length, to, expected) => {
      const input = { name: 'input', at: from, length };
      const output = { name: 'output', at: to, length: expected };
      checkRegion(input);
      checkRegion(output);
      checkDisjoint(input, output);
      return guarded(() => (wasm.lz4Decode(from, length, to, expected) === 0 ? -1 : expected));
    },

    encodePages: ({ tableAt, count, pageSize, to, capacity, crc }) => {
      checkPageSize(pageSize);
      checkCrc(crc);
      checkU32('count', count);
      const table = { name: 'table', at: tableAt, length: count * PAGE_TABLE_ENTRY_BYTES };
      const output = { name: 'output', at: to, length: capacity };
      checkRegion(table);
      checkRegion(output);
      checkDisjoint(table, output);
      const encoded = guarded(() => {
        const done = wasm.encodePages(tableAt, count, pageSize, to, capacity, crc, ARENA_START, arenaEnd);
        return { pages: done, bytes: wasm.batchBytes.value, crc: BigInt.asUintN(64, wasm.batchCrc.value) };
      });
      if (encoded.pages < 0) throw refuse('the table names page 0 or an address where no page can be');
      return encoded;
    },

    decodePages: ({ at, length, pageSize, to, pagesMax, tableAt, crc }) => {
      checkPageSize(pageSize);
      checkCrc(crc);
      checkU32('pagesMax', pagesMax);
      const input = { name: 'input', at, length };
      const output = { name: 'output', at: to, length: pagesMax * pageSize };
      const table = { name: 'table', at: tableAt, length: pagesMax * PAGE_TABLE_ENTRY_BYTES };
      checkRegion(input);
      checkRegion(output);
      checkRegion(table);
      checkDisjoint(input, output);
      checkDisjoint(input, table);
      checkDisjoint(output, table);
      return guarded(() => {
        const done = wasm.decodePages(at, length, pageSize, to, pagesMax, tableAt, crc);
        const stop = decodeStops[wasm.batchStop.value] ?? 'other';
        return { pages: done, consumed: wasm.batchBytes.value, crc: BigInt.asUintN(64, wasm.batchCrc.value), stop };
      });
    },
  };
}
