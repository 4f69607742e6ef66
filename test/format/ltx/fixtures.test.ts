/** Every LTX file of the real releases, against what an independent parser read from it. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { formatLtxName } from '#domain/txid';
import { errorCodeOf } from '#errors/replication-error';
import { compactLtx } from '#format/ltx/compactor';
import { LtxDecoder } from '#format/ltx/decoder';
import { wholeArena } from '#format/ltx/memory-region';
import { decodePageFrame, INDEX_TAIL_BYTES, parsePageIndexTail } from '#format/ltx/page-index';
import { decodeAll, encodeAll, kernel, thrownBy } from './decoded.ts';
import { collect, inputOf } from './merge-inputs.ts';

const fixtures = new URL('../../../fixtures/v0.5/', import.meta.url);

interface ExpectedFile {
  readonly level: number;
  readonly name: string;
  readonly size: number;
  readonly form: readonly string[];
  readonly header: Readonly<Record<string, string | number>>;
  readonly trailer: Readonly<Record<string, string>>;
  readonly page_numbers: string;
}
interface Expected {
  readonly files: readonly ExpectedFile[];
  readonly cases?: readonly { readonly name: string; readonly txid: number }[];
}
const expectedOf = (name: string): Expected =>
  JSON.parse(readFileSync(new URL(`${name}/expected.json`, fixtures), 'utf8'));

const cases = readdirSync(fixtures).filter((name) => !['cli', 'wal'].includes(name));
const hex = (value: bigint): string => value.toString(16).padStart(16, '0');

/** Of all pages with their numbers. */
const digest = (pages: ReadonlyMap<number, Buffer>): string => {
  const hash = createHash('sha256');
  for (const [pgno, page] of pages) hash.update(`${pgno}:`).update(page);
  return hash.digest('hex');
};

/** `1-19` or `1-2,5`. */
const rangesOf = (pgnos: readonly number[]): string => {
  const runs: [number, number][] = [];
  for (const pgno of pgnos) {
    const run = runs.at(-1);
    if (run !== undefined && run[1] === pgno - 1) run[1] = pgno;
    else runs.push([pgno, pgno]);
  }
  return runs.map(([first, last]) => (first === last ? `${first}` : `${first}-${last}`)).join(',');
};

describe.each(cases)('the files of %s', (name) => {
  const folder = name === 'damaged' ? 'base' : 'replica';
  const files = expectedOf(name).files.map((expected) => ({
    expected,
    bytes: readFileSync(new URL(`${name}/${folder}/ltx/${expected.level}/${expected.name}`, fixtures)),
  }));

  it('are there', () => {
    expect(files.length).toBeGreaterThan(0);
  });

  it('have the headers, trailers, page numbers and page forms that are known of them', () => {
    for (const { expected, bytes } of files) {
      const { header, trailer, pages, sizeBytes } = decodeAll(bytes, 10_000, expected.name);
      const isBlockForm = pages.size === 0 ? undefined : bytes.readUInt16BE(104) === 1;
      expect({
        size: sizeBytes,
        header: {
          flags: header.flags,
          page_size: header.pageSize,
          commit: header.commit,
          min_txid: hex(header.minTxid),
          max_txid: hex(header.maxTxid),
          timestamp: header.timestampMs,
          pre_apply_checksum: hex(header.preApplyChecksum),
          wal_offset: Number(header.walOffset),
          wal_size: Number(header.walSize),
          wal_salt1: header.walSalt1.toString(16).padStart(8, '0'),
          wal_salt2: header.walSalt2.toString(16).padStart(8, '0'),
          node_id: Number(header.nodeId),
        },
        trailer: {
          post_apply_checksum: hex(trailer.postApplyChecksum),
          file_checksum: hex(trailer.fileChecksum),
        },
        page_numbers: rangesOf([...pages.keys()]),
        form: isBlockForm === undefined ? [] : [isBlockForm ? 'block' : 'frame'],
      }).toEqual({
        size: expected.size,
        header: expected.header,
        trailer: expected.trailer,
        page_numbers: expected.page_numbers,
        form: expected.form,
      });
    }
  });

  it('survive our encoder, and give the same pages one by one through the index', () => {
    for (const { expected, bytes } of files) {
      const { header, pages } = decodeAll(bytes);
      const again = decodeAll(encodeAll(header, pages).file);
      expect(again.header).toEqual(header);
      expect(digest(again.pages)).toBe(digest(pages));
      const tail = parsePageIndexTail(bytes.subarray(-INDEX_TAIL_BYTES), bytes.length, expected.name);
      if (tail.kind !== 'index') throw new Error('the index of a small file fits into the first read');
      expect([...tail.index.pageNumbers]).toEqual([...pages.keys()]);
      for (const [pgno, page] of pages) {
        const { offset = 0, size = 0 } = tail.index.find(pgno) ?? {};
        const place = { name: expected.name, offset };
        const { pageSize } = header;
        const frame = bytes.subarray(offset, offset + size);
        expect(decodePageFrame(frame, { kernel, pgno, pageSize, place }).equals(page), `page ${pgno}`).toBe(true);
      }
    }
  });
});

/** What the decoder, and a merge with the files around it, say of a damaged file; the others are refused by both. */
const outcomes: Readonly<Record<string, readonly [decoder: string, merge: string]>> = {
  'flip-header-max-txid': ['LTX_FILE_CHECKSUM', 'LTX_NAME_MISMATCH'],
  'made-same-content': ['good', 'good'],
  'made-frame-form': ['good', 'good'],
  'made-page-above-commit': ['LTX_PAGE_RANGE', 'LTX_PAGE_RANGE'],
  'made-lock-page': ['LTX_LOCK_PAGE', 'LTX_LOCK_PAGE'],
  'made-snapshot-hole': ['LTX_SNAPSHOT_INCOMPLETE', 'LTX_SNAPSHOT_INCOMPLETE'],
  'made-snapshot-short': ['LTX_SNAPSHOT_INCOMPLETE', 'LTX_SNAPSHOT_INCOMPLETE'],
  'made-no-pages': ['good', 'LTX_SNAPSHOT_INCOMPLETE'],
  'made-page-size': ['good', 'LTX_PAGE_SIZES_DIFFER'],
  'made-txid-mismatch': ['good', 'LTX_NAME_MISMATCH'],
  'made-txid-gap': ['good', 'LTX_NAME_MISMATCH'],
  'made-flags-tracked-zero': ['LTX_BAD_PRE_CHECKSUM', 'LTX_BAD_PRE_CHECKSUM'],
  'made-post-with-nochecksum': ['LTX_BAD_TRAILER', 'LTX_BAD_TRAILER'],
  'made-commit-0': ['good', 'LTX_SNAPSHOT_INCOMPLETE'],
  'made-shrink': ['good', 'LTX_SNAPSHOT_INCOMPLETE'],
};

describe('the damaged files', () => {
  const { cases: damages = [] } = expectedOf('damaged');
  const base = [1n, 2n, 3n].map((txid) => {
    const range = { minTxid: txid, maxTxid: txid };
    return { range, bytes: readFileSync(new URL(`damaged/base/ltx/0/${formatLtxName(range)}`, fixtures)) };
  });

  it.each(damages)('$name: refused with a code, by the decoder and in a merge', async ({ name, txid }) => {
    const bytes = readFileSync(new URL(`damaged/files/${name}.ltx`, fixtures));
    const error = thrownBy(() => decodeAll(bytes));
    const decoded = error === undefined ? 'good' : errorCodeOf(error);
    const inputs = base.map((file) =>
      inputOf(file.range.minTxid === BigInt(txid) ? bytes : file.bytes, { range: file.range }),
    );
    const merged = await collect(compactLtx(inputs, { kernel, signal: new AbortController().signal })).then(
      () => 'good',
      errorCodeOf,
    );
    const known = outcomes[name];
    if (known === undefined) {
      expect(decoded).toMatch(/^LTX_/);
      expect(merged).toBe(decoded);
    } else {
      expect([decoded, merged]).toEqual(known);
    }
  });

  it('are all there', () => {
    expect(damages.length).toBe(68);
  });
});

it('a decoder in a wrong state is a bug of ours', () => {
  const decoder = new LtxDecoder({ kernel, region: wholeArena(kernel) });
  expect(thrownBy(() => decoder.finish())).toMatchObject({ code: 'LTX_TRUNCATED' });
  for (const call of [() => decoder.finish(), () => decoder.push(Buffer.alloc(1)), () => decoder.inputWindow()]) {
    expect(thrownBy(call)).toMatchObject({ name: 'InvariantViolation' });
  }
});
