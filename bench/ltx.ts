/**
 * Encoding, decoding and merging LTX files, all checksums included, against LZ4 alone page by page with `lz4-napi`.
 * `npx tsx --conditions=source bench/ltx.ts [MiB]`; MB/s of page data, the best of several rounds.
 */
import lz4 from 'lz4-napi';
import { createKernel } from '#format/kernel/load';
import { compactLtx } from '#format/ltx/compactor';
import { LtxDecoder } from '#format/ltx/decoder';
import { LtxEncoder, PAGE_TABLE_ENTRY_BYTES } from '#format/ltx/encoder';
import { untrackedHeader } from '#format/ltx/header';
import { splitRegion, wholeArena, wordsOf } from '#format/ltx/memory-region';
import type { LtxInput } from '#format/ltx/merge-input';

const PAGE_SIZE = 4096;
const ROUNDS = 4;
const BATCH_PAGES = 512;
const pageCount = (Number(process.argv[2] ?? 64) * 1024 * 1024) / PAGE_SIZE;
const kernel = createKernel({ arenaBytes: 16 * 1024 * 1024 });

/** Pages that look like those of a table with text, numbers and some random bytes. */
const makePages = (): Buffer => {
  const pages = Buffer.alloc(pageCount * PAGE_SIZE);
  let seed = 42;
  const next = (): number => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return seed >>> 8;
  };
  for (let at = 0; at < pages.length; at += 64) {
    pages.write(`user-${next() % 100000}@example.com`, at, 'latin1');
    for (let i = 28; i < 56; i++) pages[at + i] = next();
  }
  return pages;
};

const report = async (what: string, run: () => unknown): Promise<void> => {
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < ROUNDS; round++) {
    const start = performance.now();
    await run();
    best = Math.min(best, performance.now() - start);
  }
  const mbPerSecond = Math.round((pageCount * PAGE_SIZE) / 1e3 / best);
  console.log(`${what.padEnd(58)} ${String(mbPerSecond).padStart(6)} MB/s`);
};

const pages = makePages();
const pageAt = (i: number): Buffer => pages.subarray(i * PAGE_SIZE, (i + 1) * PAGE_SIZE);
const words = wordsOf(kernel);

const encode = (): Buffer => {
  const chunks: Buffer[] = [];
  const [region, rest] = splitRegion(wholeArena(kernel), 1024 * 1024);
  const [table, room] = splitRegion(rest, BATCH_PAGES * PAGE_TABLE_ENTRY_BYTES);
  const header = untrackedHeader({ pageSize: PAGE_SIZE, commit: pageCount, minTxid: 1n, maxTxid: 1n, timestampMs: 0 });
  const encoder = new LtxEncoder({ kernel, region, header, write: (chunk) => chunks.push(Buffer.from(chunk)) });
  for (let first = 0; first < pageCount; first += BATCH_PAGES) {
    const count = Math.min(BATCH_PAGES, pageCount - first);
    kernel.bytes.set(pages.subarray(first * PAGE_SIZE, (first + count) * PAGE_SIZE), room.at);
    for (let i = 0; i < count; i++) words.set([first + i + 1, room.at + i * PAGE_SIZE, 0], table.at / 4 + 3 * i);
    encoder.addPages(table.at, count);
  }
  encoder.finish();
  return Buffer.concat(chunks);
};

const snapshot = encode();
const decode = (file: Buffer): void => {
  const decoder = new LtxDecoder({ kernel, region: wholeArena(kernel), name: 'bench', onPages: () => undefined });
  for (let at = 0; at < file.length; ) {
    const window = decoder.inputWindow();
    const piece = file.subarray(at, at + window.length);
    kernel.bytes.set(piece, window.at);
    decoder.pushed(piece.length);
    at += piece.length;
  }
  decoder.finish();
};

/** Every 1000th page changed in each of `count` files after the snapshot. */
const increments = (count: number): Buffer[] =>
  Array.from({ length: count }, (_, n) => {
    const chunks: Buffer[] = [];
    const txid = BigInt(n + 2);
    const header = untrackedHeader({
      pageSize: PAGE_SIZE,
      commit: pageCount,
      minTxid: txid,
      maxTxid: txid,
      timestampMs: 0,
    });
    const region = wholeArena(kernel);
    const encoder = new LtxEncoder({ kernel, region, header, write: (chunk) => chunks.push(Buffer.from(chunk)) });
    for (let i = n; i < pageCount; i += 1000) encoder.addPage(i + 1, pageAt(i));
    encoder.finish();
    return Buffer.concat(chunks);
  });

const inputOf = (file: Buffer): LtxInput => {
  const range = { minTxid: file.readBigUInt64BE(16), maxTxid: file.readBigUInt64BE(24) };
  async function* stream(): AsyncGenerator<Buffer> {
    for (let at = 0; at < file.length; at += 262144) yield file.subarray(at, at + 262144);
  }
  return { name: 'bench', range, open: () => Promise.resolve(stream()) };
};

const compact = async (files: readonly Buffer[]): Promise<void> => {
  const signal = new AbortController().signal;
  for await (const _ of compactLtx(files.map(inputOf), { kernel, signal }));
};

console.log(`${pageCount} pages of ${PAGE_SIZE} bytes, compressed to ${(snapshot.length / pages.length).toFixed(2)}`);
await report('LTX encode, checksums included', encode);
await report('lz4-napi compress page by page', () => {
  for (let i = 0; i < pageCount; i++) lz4.compressSync(pageAt(i));
});
await report('LTX decode, checksums and index included', () => decode(snapshot));
const compressed = Array.from({ length: pageCount }, (_, i) => lz4.compressSync(pageAt(i)));
await report('lz4-napi uncompress page by page', () => {
  for (const page of compressed) lz4.uncompressSync(page);
});
const few = [snapshot, ...increments(5)];
const many = [snapshot, ...increments(500)];
await report('compact a snapshot and 5 files', () => compact(few));
await report('compact a snapshot and 500 files', () => compact(many));
