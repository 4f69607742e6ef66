/** LZ4 frames: single pages of old LTX files, and whole v0.3 files as streams. */
import { readdirSync, readFileSync } from 'node:fs';
import { compressFrameSync, decompressFrameSync } from 'lz4-napi';
import { describe, expect, test } from 'vitest';
import { decodeLz4Frame, decodeLz4Stream, encodeLz4Frame, type Lz4FrameOptions } from '../../src/format/lz4-frame.ts';
import { xxh32 } from '../../src/format/xxh32.ts';
import { inProject } from '../support/project.ts';
import { randomFrom } from '../support/seed.ts';
import { samplePage } from './kernel/sample-pages.ts';

const invalid = expect.objectContaining({ name: 'ReplicationError', code: 'LZ4_FRAME_INVALID', retryable: false });

/** The bytes in pieces of `size`. */
async function* inPieces(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function decode(bytes: Buffer, pieceSize = 1000): Promise<Buffer> {
  const content: Buffer[] = [];
  for await (const piece of decodeLz4Stream(inPieces(bytes, pieceSize))) content.push(piece);
  return Buffer.concat(content);
}

/** Database-like content of `pages` pages of 4096 bytes. */
const content = (pages: number): Buffer =>
  Buffer.concat(
    Array.from({ length: pages }, (_, index) =>
      samplePage(index % 3 === 0 ? 'half noise' : 'sqlite-like', 4096, index),
    ),
  );

const u32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
};

/** A frame by hand: descriptor with its right check byte, then whatever follows. */
const frame = (descriptor: string, ...rest: readonly Buffer[]): Buffer => {
  const bytes = Buffer.from(descriptor, 'hex');
  return Buffer.concat([Buffer.from('04224d18', 'hex'), bytes, Buffer.of((xxh32(bytes) >>> 8) & 0xff), ...rest]);
};

const everyOption: readonly Lz4FrameOptions[] = ([4, 5, 6, 7] as const).flatMap((blockSizeCode) =>
  [0, 1, 2, 3, 5, 8, 10, 15].map((bits) => ({
    blockSizeCode,
    isLinked: (bits & 1) !== 0,
    hasBlockChecksums: (bits & 2) !== 0,
    hasContentSize: (bits & 4) !== 0,
    hasContentChecksum: (bits & 8) !== 0,
  })),
);

describe('one page', () => {
  /** Page 2 of a level-0 file by an old release: 512 bytes in frame form, with the page header of the marker behind it. */
  const real = Buffer.from(
    '04224d186440a721000000cf0d0000000101f70001f700000200ffd2000200c00000000701021768656c6c6f00000000ae4e93d2',
    'hex',
  );
  const following = Buffer.from('0000000000000264', 'hex');

  test('of a real file decodes, and what follows is left alone', () => {
    const page = Buffer.alloc(512, 0xee);
    expect(decodeLz4Frame(Buffer.concat([real, following]), page)).toBe(real.length);
    const expected = Buffer.alloc(512);
    expected.write('0d0000000101f70001f7', 0, 'hex');
    expected.write('0701021768656c6c6f', 503, 'hex');
    expect(page.equals(expected)).toBe(true);
  });

  test('cut short anywhere asks for more', () => {
    for (let length = 0; length < real.length; length += 1) {
      expect(decodeLz4Frame(real.subarray(0, length), Buffer.alloc(512))).toBeUndefined();
    }
  });

  test('with any flipped bit is refused or incomplete, but for flips that change no content', () => {
    const good = Buffer.alloc(512);
    decodeLz4Frame(real, good);
    for (let bit = 0; bit < real.length * 8; bit += 1) {
      const damaged = Buffer.from(real);
      damaged[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      const page = Buffer.alloc(512);
      try {
        if (decodeLz4Frame(damaged, page) !== undefined) expect(page.equals(good)).toBe(true);
      } catch (error) {
        expect(error).toEqual(invalid);
      }
    }
  });

  test('of another size than expected is refused', () => {
    for (const size of [0, 511, 513, 1024]) {
      expect(() => decodeLz4Frame(real, Buffer.alloc(size)), `${size}`).toThrow(invalid);
    }
  });

  test.each(everyOption)('written with %o comes back', (options) => {
    for (const kind of ['sqlite-like', 'zeros', 'noise'] as const) {
      const page = samplePage(kind, 65536, 3);
      const bytes = encodeLz4Frame(page, options);
      const output = Buffer.alloc(page.length);
      expect(decodeLz4Frame(Buffer.concat([bytes, following]), output)).toBe(bytes.length);
      expect(output.equals(page)).toBe(true);
    }
  });

  test('a block size far beyond the page is refused before its data is asked for', () => {
    const bytes = frame('6070', u32(4_000_000));
    expect(() => decodeLz4Frame(bytes, Buffer.alloc(4096))).toThrow(invalid);
  });
});

describe('streams', () => {
  test.each(everyOption)('written with %o come back', async (options) => {
    const data = content(70);
    const bytes = encodeLz4Frame(data, options);
    expect((await decode(bytes, 7777)).equals(data)).toBe(true);
  });

  test('we read what another implementation writes, and the reverse', async () => {
    for (const pages of [0, 1, 20, 300]) {
      const data = content(pages);
      for (const flags of [{}, { contentChecksum: true, blockChecksums: true }]) {
        expect((await decode(compressFrameSync(data, flags))).equals(data)).toBe(true);
      }
    }
    const data = content(300);
    for (const options of everyOption) {
      expect(decompressFrameSync(encodeLz4Frame(data, options)).equals(data)).toBe(true);
    }
  });

  test('linked blocks refer to blocks before them', async () => {
    const page = samplePage('noise', 40_000, 1);
    const data = Buffer.concat([page, page, page, page, page]);
    const linked = encodeLz4Frame(data, { blockSizeCode: 4, isLinked: true });
    expect(linked.length).toBeLessThan(encodeLz4Frame(data, { blockSizeCode: 4 }).length - 40_000);
    expect((await decode(linked)).equals(data)).toBe(true);
  });

  test('a block of a frame without links may not refer to the block before', async () => {
    // Block 2: one literal, a match 70 back; block 1 has 100 bytes.
    const first = Buffer.concat([u32(0x8000_0000 + 100), Buffer.alloc(100, 1)]);
    const block = Buffer.from('1041460050aabbccddee', 'hex');
    const second = Buffer.concat([u32(block.length), block, u32(0)]);
    expect((await decode(frame('4040', first, second))).length).toBe(110);
    await expect(decode(frame('6040', first, second))).rejects.toEqual(invalid);
  });

  test('frames one after the other, with skippable ones between, are one content', async () => {
    const skippable = Buffer.concat([Buffer.from('5a2a4d18', 'hex'), u32(200_000), Buffer.alloc(200_000, 9)]);
    const empty = Buffer.concat([Buffer.from('502a4d18', 'hex'), u32(0)]);
    const [one, two] = [content(3), content(40)];
    const bytes = Buffer.concat([skippable, encodeLz4Frame(one), empty, skippable, encodeLz4Frame(two), empty]);
    for (const size of [1, 4096, bytes.length]) {
      expect((await decode(bytes, size)).equals(Buffer.concat([one, two]))).toBe(true);
    }
  });

  test('cut anywhere they are refused', async () => {
    const bytes = encodeLz4Frame(content(1), { hasBlockChecksums: true, hasContentSize: true });
    for (let length = 0; length < bytes.length; length += 1) {
      await expect(decode(bytes.subarray(0, length)), `${length}`).rejects.toEqual(invalid);
    }
  });

  test('any single flipped bit is noticed or changes no content', async () => {
    const data = samplePage('sqlite-like', 512, 8);
    const good = encodeLz4Frame(data, { hasBlockChecksums: true, blockSizeCode: 4 });
    const random = randomFrom(99);
    for (let round = 0; round < 600; round += 1) {
      const damaged = Buffer.from(good);
      const spot = round < good.length ? round : Math.floor(random() * good.length);
      damaged[spot] = (damaged[spot] ?? 0) ^ (1 << Math.floor(random() * 8));
      const result = await decode(damaged).catch((error: unknown) => error);
      if (Buffer.isBuffer(result)) expect(result.equals(data)).toBe(true);
      else expect(result).toEqual(invalid);
    }
  });

  test('random bytes never give anything but an error', async () => {
    const random = randomFrom(123);
    for (let round = 0; round < 300; round += 1) {
      const noise = Buffer.from(Array.from({ length: 200 }, () => Math.floor(random() * 256)));
      await expect(decode(noise)).rejects.toEqual(invalid);
      const body = frame('6040', u32(100), noise);
      await expect(decode(body)).rejects.toEqual(invalid);
    }
  });

  test.each([
    ['nothing', Buffer.alloc(0)],
    ['age encryption', Buffer.from('age-encryption.org/v1\n')],
    ['only a skippable frame', Buffer.concat([Buffer.from('502a4d18', 'hex'), u32(0)])],
    ['bytes behind the frame', Buffer.concat([encodeLz4Frame(content(1)), Buffer.of(0, 0, 0, 0)])],
    ['one byte behind the frame', Buffer.concat([encodeLz4Frame(content(1)), Buffer.of(4)])],
    ['a dictionary', frame('614001000000', u32(0))],
    ['another version', frame('a040', u32(0))],
    ['a reserved bit in FLG', frame('6240', u32(0))],
    ['a reserved bit in BD', frame('6041', u32(0))],
    ['an unknown block size', frame('6030', u32(0))],
    ['a wrong header check', Buffer.from('04224d186040aa00000000', 'hex')],
    ['a block beyond the block size', frame('6040', u32(65_537), Buffer.alloc(65_537), u32(0))],
    ['a stored block beyond the block size', frame('6040', u32(0x8000_0000 + 65_537), Buffer.alloc(65_537), u32(0))],
    ['a wrong content size', frame('68400500000000000000', u32(0x8000_0004), Buffer.alloc(4), u32(0))],
    ['a wrong content checksum', frame('6440', u32(0x8000_0004), Buffer.alloc(4), u32(0), u32(1))],
    ['a wrong block checksum', frame('7040', u32(0x8000_0004), Buffer.alloc(4), u32(1), u32(0))],
  ])('%s is refused', async (_, bytes) => {
    await expect(decode(bytes)).rejects.toEqual(invalid);
  });

  test('a block that expands beyond the block size is refused', async () => {
    const bomb = Buffer.concat([
      Buffer.from('1f410100', 'hex'),
      Buffer.alloc(300, 255),
      Buffer.from('0050aabbccddee', 'hex'),
    ]);
    await expect(decode(frame('6040', u32(bomb.length), bomb, u32(0)))).rejects.toEqual(invalid);
  });

  test('a receiver that stops early closes the source', async () => {
    let isClosed = false;
    const bytes = encodeLz4Frame(content(100), { blockSizeCode: 4 });
    async function* source(): AsyncGenerator<Buffer> {
      try {
        yield* inPieces(bytes, 5000);
      } finally {
        isClosed = true;
      }
    }
    for await (const piece of decodeLz4Stream(source())) {
      expect(piece.length).toBe(65536);
      break;
    }
    expect(isClosed).toBe(true);
  });

  test('an error of the source passes through', async () => {
    const failure = new Error('connection lost');
    async function* source(): AsyncGenerator<Buffer> {
      yield encodeLz4Frame(content(1)).subarray(0, 100);
      throw failure;
    }
    const read = async (): Promise<void> => {
      for await (const piece of decodeLz4Stream(source())) expect(piece).toBeDefined();
    };
    await expect(read()).rejects.toBe(failure);
  });
});

describe('files of Litestream v0.3', () => {
  const files = readdirSync(inProject('fixtures/v0.3'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.lz4'))
    .sort();

  test.each(files.filter((name) => !name.startsWith('age/')))('%s decodes', async (name) => {
    const bytes = readFileSync(inProject(`fixtures/v0.3/${name}`));
    const decoded = await decode(bytes, 500);
    expect(decoded.equals(decompressFrameSync(bytes))).toBe(true);
    if (name.endsWith('.snapshot.lz4')) expect(decoded.toString('latin1', 0, 15)).toBe('SQLite format 3');
  });

  test.each(files.filter((name) => name.startsWith('age/')))('%s, encrypted, is refused', async (name) => {
    await expect(decode(readFileSync(inProject(`fixtures/v0.3/${name}`)))).rejects.toEqual(invalid);
  });

  test('are there', () => {
    expect(files.length).toBeGreaterThan(40);
  });
});
