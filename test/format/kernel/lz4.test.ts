/** LZ4 blocks of the kernel against another implementation, and against input made to break it. */
import { compressSync, uncompressSync } from 'lz4-napi';
import { describe, expect, test } from 'vitest';
import { lz4BlockSizeMax } from '../../../src/format/kernel/kernel.ts';
import { createKernel } from '../../../src/format/kernel/load.ts';
import { randomFrom } from '../../support/seed.ts';
import { pageKinds, samplePage } from './sample-pages.ts';

const kernel = createKernel({ arenaBytes: 1 << 20 });
const from = kernel.arenaStart;
const to = from + 0x40000;
const CANARY = 0xa5;
const CANARY_BYTES = 64;

/** The other implementation puts the size of the content in front of the block, four bytes little-endian. */
const otherEncode = (content: Buffer): Buffer => compressSync(content).subarray(4);
function otherDecode(block: Buffer, size: number): Buffer {
  const prefix = Buffer.alloc(4);
  prefix.writeUInt32LE(size);
  return uncompressSync(Buffer.concat([prefix, block]));
}

/** Encodes with exactly the capacity of the bound and checks that nothing beyond it was touched. */
function encode(content: Buffer, at = from): Buffer {
  const capacity = lz4BlockSizeMax(content.length);
  kernel.bytes.set(content, at);
  kernel.bytes.fill(CANARY, to - CANARY_BYTES, to + capacity + CANARY_BYTES);
  const size = kernel.lz4Encode(at, content.length, to, capacity);
  expectCanaries(capacity);
  return Buffer.from(kernel.bytes.subarray(to, to + size));
}

/** Decodes and checks that nothing but the output was touched; undefined when the block was refused. */
function decode(block: Uint8Array, size: number): Buffer | undefined {
  kernel.bytes.set(block, from);
  kernel.bytes.fill(CANARY, to - CANARY_BYTES, to + size + CANARY_BYTES);
  const result = kernel.lz4Decode(from, block.length, to, size);
  expectCanaries(size);
  if (result === -1) return undefined;
  expect(result).toBe(size);
  return Buffer.from(kernel.bytes.subarray(to, to + size));
}

function expectCanaries(size: number): void {
  const around = [
    ...kernel.bytes.subarray(to - CANARY_BYTES, to),
    ...kernel.bytes.subarray(to + size, to + size + CANARY_BYTES),
  ];
  if (around.some((byte) => byte !== CANARY)) throw new Error(`bytes beside an output of ${size} were written`);
}

/** The decoding rules of the format, word by word; undefined for a block that breaks them. */
function decodeByTheBook(block: Uint8Array, size: number): Buffer | undefined {
  const out: number[] = [];
  let ip = 0;
  const lengthFrom = (nibble: number): number | undefined => {
    let length = nibble;
    for (let more = 255; nibble === 15 && more === 255; length += more) {
      const byte = block[ip++];
      if (byte === undefined) return undefined;
      more = byte;
    }
    return length;
  };
  while (ip < block.length) {
    const token = block[ip++] ?? 0;
    const literals = lengthFrom(token >> 4);
    if (literals === undefined || ip + literals > block.length || out.length + literals > size) return undefined;
    out.push(...block.subarray(ip, ip + literals));
    ip += literals;
    if (ip === block.length) return out.length === size ? Buffer.from(out) : undefined;
    if (ip + 2 > block.length) return undefined;
    const offset = (block[ip] ?? 0) + 256 * (block[ip + 1] ?? 0);
    ip += 2;
    const match = lengthFrom(token & 15);
    if (match === undefined || offset === 0 || offset > out.length || out.length + match + 4 > size) return undefined;
    for (let i = 0; i < match + 4; i += 1) out.push(out[out.length - offset] ?? 0);
  }
  return undefined;
}

/** Checks the end-of-block rules that other decoders rely on. */
function endOf(block: Buffer, size: number): { lastLiterals: number; lastMatchStart: number } {
  let ip = 0;
  let op = 0;
  let lastMatchStart = -1;
  const length = (nibble: number): number => {
    let sum = nibble;
    if (nibble === 15) {
      let more: number;
      do {
        more = block[ip++] ?? 0;
        sum += more;
      } while (more === 255);
    }
    return sum;
  };
  for (;;) {
    const token = block[ip++] ?? 0;
    const literals = length(token >> 4);
    ip += literals;
    op += literals;
    if (ip >= block.length) {
      expect(op).toBe(size);
      return { lastLiterals: literals, lastMatchStart };
    }
    ip += 2;
    lastMatchStart = op;
    op += length(token & 15) + 4;
  }
}

describe.each([512, 1024, 4096, 65536])('pages of %i bytes', (pageSize) => {
  test.each(pageKinds)('%s: what we encode the other implementation and we decode, and the reverse', (kind) => {
    for (let seed = 1; seed <= 20; seed += 1) {
      const page = samplePage(kind, pageSize, seed);
      const block = encode(page);
      expect(otherDecode(block, pageSize).equals(page)).toBe(true);
      expect(decode(block, pageSize)?.equals(page)).toBe(true);
      expect(decode(otherEncode(page), pageSize)?.equals(page)).toBe(true);
    }
  });

  test('no match starts in the last 12 bytes, and the last 5 are literals', () => {
    for (const kind of pageKinds) {
      for (let seed = 1; seed <= 20; seed += 1) {
        const { lastLiterals, lastMatchStart } = endOf(encode(samplePage(kind, pageSize, seed)), pageSize);
        expect(lastLiterals).toBeGreaterThanOrEqual(5);
        expect(lastMatchStart).toBeLessThanOrEqual(pageSize - 12);
      }
    }
  });
});

describe('encoding', () => {
  test('content of every small length comes back', () => {
    for (const kind of ['zeros', 'text', 'noise'] as const) {
      for (let length = 0; length <= 100; length += 1) {
        const content = samplePage(kind, 512, length).subarray(0, length);
        expect(decode(encode(content), length)?.equals(content)).toBe(true);
      }
    }
  });

  test('content longer than the farthest match comes back', () => {
    const page = samplePage('noise', 65536, 5);
    const content = Buffer.concat([page, page, samplePage('text', 65536, 6)]);
    const block = encode(content);
    expect(otherDecode(block, content.length).equals(content)).toBe(true);
    expect(decode(block, content.length)?.equals(content)).toBe(true);
  });

  test('the same page gives the same bytes wherever it lies and whatever was encoded before', () => {
    const page = samplePage('sqlite-like', 4096, 1);
    const first = encode(page, from);
    for (const [index, address] of [0x8000, 0x100, 0x20000, 0x7, 0x8000].entries()) {
      encode(samplePage('text', 4096, index), from + 0x10000);
      expect(encode(page, from + address).equals(first)).toBe(true);
    }
  });

  test('pages of zeros and of text shrink, noise grows by no more than the format says', () => {
    expect(encode(samplePage('zeros', 4096, 1)).length).toBeLessThanOrEqual(40);
    expect(encode(samplePage('text', 4096, 1)).length).toBeLessThan(3000);
    expect(encode(samplePage('noise', 4096, 1)).length).toBeLessThanOrEqual(4114);
  });
});

describe('decoding', () => {
  test('a block of one literal run is a page', () => {
    const page = samplePage('noise', 512, 3);
    expect(decode(Buffer.concat([Buffer.from('f0fff2', 'hex'), page]), 512)?.equals(page)).toBe(true);
  });

  test('matches of every offset from 1 to 40 and every length from 4 to 60 repeat what lies before', () => {
    for (let offset = 1; offset <= 40; offset += 1) {
      for (let match = 4; match <= 60; match += 1) {
        const literals = Buffer.from(Array.from({ length: 40 }, (_, i) => i + 1));
        const extra = match - 4 >= 15 ? Buffer.of(match - 19) : Buffer.alloc(0);
        const block = Buffer.concat([
          Buffer.of(0xf0 | Math.min(match - 4, 15), 25),
          literals,
          Buffer.of(offset, 0),
          extra,
          Buffer.from('50aabbccddee', 'hex'),
        ]);
        for (const tail of [0, 30]) {
          // With a long tail the fast copies are used, without it the exact ones.
          const whole = tail === 0 ? block : Buffer.concat([block.subarray(0, -6), tailBlock(tail)]);
          const size = 40 + match + (tail === 0 ? 5 : tail);
          expect(decode(whole, size)).toEqual(decodeByTheBook(whole, size));
          expect(decode(whole, size)).toBeDefined();
        }
      }
    }
  });

  test.each([
    ['nothing at all', '', 0],
    ['offset 0', '10410000 50 4142434445', 10],
    ['an offset beyond the output so far', '10410200 50 4142434445', 10],
    ['an end after a match', '10410100', 5],
    ['an end inside the literals', '504142', 5],
    ['an end inside the literal length', 'f0ffff', 600],
    ['an end inside the offset', '104101', 5],
    ['an end inside the match length', '1f410100ff', 300],
    ['too little', '4041424344', 5],
    ['too much in literals', '604142434445', 4],
    ['too much in a match', '1f410100ff00 50 4142434445', 100],
  ])('%s is refused', (_, block, size) => {
    expect(decode(Buffer.from(block.replaceAll(' ', ''), 'hex'), size)).toBeUndefined();
  });

  test('lengths that would overflow 32 bits are refused', () => {
    const block = Buffer.alloc(200_000, 0xff);
    expect(decode(block, 4096)).toBeUndefined();
    expect(decode(Buffer.concat([Buffer.from('1f410100', 'hex'), block]), 4096)).toBeUndefined();
  });

  test('a length that comes out right only after overflowing 32 bits is refused', () => {
    // 15 + 255 * 16843009 = 2^32 + 14: a decoder with 32-bit sums would see 14 literals.
    const block = Buffer.concat([
      Buffer.of(0xf0),
      Buffer.alloc(16_843_009, 0xff),
      Buffer.of(0),
      Buffer.alloc(14, 0x61),
    ]);
    const large = createKernel({ arenaBytes: 20 << 20 });
    large.bytes.set(block, large.arenaStart);
    expect(large.lz4Decode(large.arenaStart, block.length, large.arenaEnd - 14, 14)).toBe(-1);
  });

  test('a block at the very end of the arena that claims more bytes than it has is refused, not a trap', () => {
    for (const text of ['f0ffff0041424344', 'f00041', '1f410100ffffffff', '10', '1041', '104101']) {
      const block = Buffer.from(text, 'hex');
      kernel.bytes.set(block, kernel.arenaEnd - block.length);
      expect(kernel.lz4Decode(kernel.arenaEnd - block.length, block.length, to, 65536)).toBe(-1);
    }
  });

  test('truncations at every length are refused', () => {
    for (const kind of pageKinds) {
      const block = encode(samplePage(kind, 1024, 9));
      for (let length = 0; length < block.length; length += 1) {
        expect(decode(block.subarray(0, length), 1024)).toBeUndefined();
      }
    }
  });

  test('random bytes and flipped bits give what the rules say, and nothing outside of the output is written', () => {
    const random = randomFrom(777);
    const below = (limit: number): number => Math.floor(random() * limit);
    for (let round = 0; round < 3000; round += 1) {
      const size = 1 + below(700);
      const kind = pageKinds[below(pageKinds.length)] ?? 'text';
      const block =
        round % 3 === 0
          ? Buffer.from(Array.from({ length: 1 + below(300) }, () => (random() < 0.3 ? 255 : below(256))))
          : encode(samplePage(kind, 1024, round).subarray(0, size));
      if (round % 3 === 1) block[below(block.length)] = below(256);
      if (round % 3 === 2) {
        const spot = below(block.length);
        block[spot] = (block[spot] ?? 0) ^ (1 << below(8));
      }
      expect(decode(block, size)).toEqual(decodeByTheBook(block, size));
    }
  });
});

/** A last sequence of `length` literals, 15 or more. */
const tailBlock = (length: number): Buffer => Buffer.concat([Buffer.of(0xf0, length - 15), Buffer.alloc(length, 0x61)]);
