/**
 * The kernel in MiB/s of page data: checksums, encoding and decoding, against `lz4-napi` page by page on the same pages.
 *
 *   npx tsx -C source bench/kernel.ts [rounds=7] [database]
 *
 * Without a database the pages are made: half text, half noise. Medians over the rounds; ends with a line of JSON.
 */
import { readFileSync } from 'node:fs';
import { compressSync, uncompressSync } from 'lz4-napi';
import { createKernel } from '../src/format/kernel/load.ts';

const [roundsText = '7', database] = process.argv.slice(2);
const rounds = Number(roundsText);
const pageSize = 4096;
const pageCount = 2000;
const dataBytes = pageSize * pageCount;

/** Mixed pages: rows of text and of noise, as small tables with blobs have them. */
function makePages(): Buffer {
  const pages = Buffer.alloc(dataBytes);
  let state = 12345;
  const next = (): number => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return state >>> 16;
  };
  for (let at = 0; at < dataBytes; ) {
    at += pages.write(`row ${next()} customer ${next() % 100} status pending `.repeat(3), at, dataBytes - at, 'latin1');
    for (let stop = Math.min(at + 120, dataBytes); at < stop; at += 1) pages[at] = next();
  }
  return pages;
}

/** Whole pages of a database, repeated to the size of the arena. */
function readPages(path: string): Buffer {
  const file = readFileSync(path);
  const whole = file.subarray(0, file.length - (file.length % pageSize));
  const pages = Buffer.alloc(dataBytes);
  for (let at = 0; at < dataBytes; at += whole.length) whole.copy(pages, at);
  return pages;
}

const kernel = createKernel({ arenaBytes: 4 * dataBytes });
const pagesAt = kernel.arenaStart;
const framesAt = pagesAt + dataBytes;
const framesCapacity = dataBytes + dataBytes / 8;
const decodedAt = framesAt + framesCapacity;
const tableAt = kernel.arenaEnd - pageCount * 12 - (kernel.arenaEnd % 4);
const decodedTableAt = tableAt - pageCount * 12;
const pages = database === undefined ? makePages() : readPages(database);
const table = new Uint32Array(kernel.bytes.buffer, tableAt, pageCount * 3);
kernel.bytes.set(pages, pagesAt);
for (let page = 0; page < pageCount; page += 1) table.set([page + 1, pagesAt + page * pageSize, 0], page * 3);

const singlePages = Array.from({ length: pageCount }, (_, page) =>
  pages.subarray(page * pageSize, (page + 1) * pageSize),
);
const singleBlocks = singlePages.map((page) => compressSync(page));
let frameBytes = 0;

const encodeInput = { tableAt, count: pageCount, pageSize, to: framesAt, capacity: framesCapacity, crc: 0n };
const work: Readonly<Record<string, () => void>> = {
  crc64: () => kernel.crc64(0n, pagesAt, dataBytes),
  'walChecksum little': () => kernel.walChecksum({ checksum1: 0, checksum2: 0 }, pagesAt, dataBytes, false),
  'walChecksum big': () => kernel.walChecksum({ checksum1: 0, checksum2: 0 }, pagesAt, dataBytes, true),
  encodePages: () => {
    frameBytes = kernel.encodePages(encodeInput).bytes;
  },
  decodePages: () => {
    const input = { at: framesAt, length: frameBytes, pageSize, to: decodedAt, pagesMax: pageCount, crc: 0n };
    const { pages: count } = kernel.decodePages({ ...input, tableAt: decodedTableAt });
    if (count !== pageCount) throw new Error(`decoded ${count} of ${pageCount} pages`);
  },
  'lz4-napi encode': () => {
    for (const page of singlePages) compressSync(page);
  },
  'lz4-napi decode': () => {
    for (const block of singleBlocks) uncompressSync(block);
  },
};

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;

const results = Object.fromEntries(
  Object.entries(work).map(([name, run]) => {
    for (let warmUp = 0; warmUp < 3; warmUp += 1) run();
    const speeds = Array.from({ length: rounds }, () => {
      const start = performance.now();
      run();
      return dataBytes / 1024 / 1024 / ((performance.now() - start) / 1000);
    });
    return [name, Math.round(median(speeds))];
  }),
);
const otherBytes = singleBlocks.reduce((sum, block) => sum + block.length - 4, 0);
const ratio = { kernel: frameBytes / dataBytes, 'lz4-napi': otherBytes / dataBytes };

for (const [name, speed] of Object.entries(results))
  console.info(`${name.padEnd(20)} ${String(speed).padStart(7)} MiB/s`);
console.info(`size after / before  kernel ${ratio.kernel.toFixed(3)}, lz4-napi ${ratio['lz4-napi'].toFixed(3)}`);
console.info(JSON.stringify({ pageSize, pageCount, rounds, mibPerSecond: results, ratio }));
