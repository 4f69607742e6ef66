/** Pages of the kinds databases hold, from a seed. */
import { randomFrom } from '../../support/seed.ts';

/** Kinds of pages, from the most to the least compressible. */
export const pageKinds = ['zeros', 'sqlite-like', 'text', 'short period', 'half noise', 'noise'] as const;
export type PageKind = (typeof pageKinds)[number];

const words = [
  'select',
  'from',
  'where',
  'customer',
  'order',
  'created_at',
  '2026-01-01',
  'null',
  'pending',
  'shipped',
];

/** One page; the same arguments give the same bytes. */
export function samplePage(kind: PageKind, pageSize: number, seed: number): Buffer {
  const random = randomFrom(seed);
  const below = (limit: number): number => Math.floor(random() * limit);
  const page = Buffer.alloc(pageSize);
  const noise = (from: number, to: number): void => {
    for (let at = from; at < to; at += 1) page[at] = below(256);
  };
  const text = (from: number, to: number): void => {
    for (let at = from; at < to; ) at += page.write(`${words[below(words.length)]} ${below(1000)} `, at, to - at);
  };
  switch (kind) {
    case 'zeros':
      break;
    case 'sqlite-like': {
      // A b-tree leaf: header, cell pointers, a gap of zeros, cells from the end.
      const cells = Math.max(1, below(pageSize / 64));
      page.writeUInt8(0x0d, 0);
      page.writeUInt16BE(cells, 3);
      let at = pageSize;
      for (let cell = 0; cell < cells; cell += 1) {
        const length = 20 + below(20);
        if (at - length < 8 + 2 * cells) break;
        at -= length;
        page.writeUInt16BE(at & 0xffff, 8 + 2 * cell);
        page.writeUInt8(length, at);
        text(at + 1, at + 12);
        noise(at + 12, at + length);
      }
      break;
    }
    case 'text':
      text(0, pageSize);
      break;
    case 'short period': {
      const period = 1 + below(40);
      noise(0, period);
      for (let at = period; at < pageSize; at += 1) page[at] = page[at - period] ?? 0;
      for (let spot = 0; spot < 5; spot += 1) page[below(pageSize)] = below(256);
      break;
    }
    case 'half noise':
      text(0, pageSize / 2);
      noise(pageSize / 2, pageSize);
      break;
    case 'noise':
      noise(0, pageSize);
      break;
  }
  return page;
}
