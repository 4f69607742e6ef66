/** Page and database checksums. */
import { describe, expect, it } from 'vitest';
import { EMPTY_DATABASE_CHECKSUM, pageChecksum, replacePage, togglePage } from '#format/ltx/checksum';
import { testPage } from './build.ts';
import { kernel } from './decoded.ts';

const at = kernel.arenaStart + 16;
const sumOf = (pgno: number, page: Uint8Array): bigint => {
  kernel.bytes.set(page, at);
  return pageChecksum(kernel, { pgno, at, pageSize: page.length, scratchAt: kernel.arenaStart });
};

describe('checksums', () => {
  it.each([
    [512, 0xefb1f44fecd99000n, 0xef63e89fecd99000n, 0x80d21cd000000000n],
    [4096, 0xd9328f592d9e733dn, 0xf7901e47304ca33fn, 0xaea2911e1dd2d002n],
    [65536, 0xd5c47f5c6d11f7f2n, 0xfa5e2a4dfdf12cb0n, 0xaf9a551190e0db42n],
  ])('of zero pages of %i bytes are the known ones', (pageSize, first, second, both) => {
    const zeros = Buffer.alloc(pageSize);
    expect([sumOf(1, zeros), sumOf(2, zeros)]).toEqual([first, second]);
    expect(togglePage(togglePage(0n, first), second)).toBe(both);
  });

  it('follow a database through changes in any order, down to nothing', () => {
    const [a, b, c] = [sumOf(1, testPage(1)), sumOf(2, testPage(2)), sumOf(2, testPage(9))];
    const both = togglePage(togglePage(0n, b), a);
    expect(both).toBe(togglePage(togglePage(0n, a), b));
    expect(replacePage(both, { before: b, after: c })).toBe(togglePage(togglePage(0n, a), c));
    expect(togglePage(togglePage(both, a), b)).toBe(EMPTY_DATABASE_CHECKSUM);
  });
});
