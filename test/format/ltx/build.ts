/** Builds LTX files, right or wrong in any one place, without the code under test: own CRC, own literal-only LZ4. */

const table = new Uint16Array(256);
for (let i = 0; i < 256; i++) {
  let c = BigInt(i);
  for (let bit = 0; bit < 8; bit++) c = (c & 1n) !== 0n ? (c >> 1n) ^ 0xd800_0000_0000_0000n : c >> 1n;
  table[i] = Number(c >> 48n);
}

/** CRC-64/GO-ISO. */
export const crc64 = (...parts: readonly Uint8Array[]): bigint => {
  let lo = 0xffff_ffff;
  let hi = 0xffff_ffff;
  for (const part of parts) {
    for (const byte of part) {
      const t = table[(lo ^ byte) & 255] ?? 0;
      lo = ((lo >>> 8) | (hi << 24)) >>> 0;
      hi = ((hi >>> 8) ^ (t << 16)) >>> 0;
    }
  }
  return (BigInt(~hi >>> 0) << 32n) | BigInt(~lo >>> 0);
};

/** Bit 63. */
export const FLAG = 1n << 63n;

export const u16 = (value: number): Buffer => {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(value);
  return bytes;
};

export const u32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
};

export const u64 = (value: bigint): Buffer => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt.asUintN(64, value));
  return bytes;
};

/** Checksum of a page as stored. */
export const pageSum = (pgno: number, page: Uint8Array): bigint => crc64(u32(pgno), page) | FLAG;

/** An LZ4 block of one literal run. */
export const literalBlock = (page: Uint8Array): Buffer => {
  if (page.length < 15) return Buffer.concat([Buffer.of(page.length << 4), page]);
  const length: number[] = [];
  let rest = page.length - 15;
  for (; rest >= 255; rest -= 255) length.push(255);
  return Buffer.concat([Buffer.of(0xf0, ...length, rest), page]);
};

/** Minimal LEB128, or padded to `length` bytes. */
export const varint = (value: number | bigint, length = 0): Buffer => {
  const bytes: number[] = [];
  let rest = BigInt(value);
  do {
    bytes.push(Number(rest & 0x7fn) | 0x80);
    rest >>= 7n;
  } while (rest > 0n || bytes.length < length);
  bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) & 0x7f;
  return Buffer.from(bytes);
};

export interface HeaderFields {
  magic?: string;
  flags?: number;
  pageSize?: number;
  commit?: number;
  min?: bigint;
  max?: bigint;
  timestamp?: bigint;
  pre?: bigint;
  walOffset?: bigint;
  walSize?: bigint;
  salt1?: number;
  salt2?: number;
  nodeId?: bigint;
  reserved?: Buffer;
}

/** 100 bytes; by default an untracked level-0 file of TXID 2 for a database of 4 pages of 512 bytes. */
export const headerBytes = (fields: HeaderFields = {}): Buffer =>
  Buffer.concat([
    Buffer.from(fields.magic ?? 'LTX1', 'latin1'),
    u32(fields.flags ?? 2),
    u32(fields.pageSize ?? 512),
    u32(fields.commit ?? 4),
    u64(fields.min ?? 2n),
    u64(fields.max ?? fields.min ?? 2n),
    u64(fields.timestamp ?? 1700000000000n),
    u64(fields.pre ?? 0n),
    u64(fields.walOffset ?? 0n),
    u64(fields.walSize ?? 0n),
    u32(fields.salt1 ?? 0),
    u32(fields.salt2 ?? 0),
    u64(fields.nodeId ?? 0n),
    fields.reserved ?? Buffer.alloc(20),
  ]);

/** One frame: the bytes in the file, and those the file checksum covers. */
export interface Frame {
  readonly pgno: number;
  readonly bytes: Buffer;
  readonly covered: Buffer;
}

/** A block-form frame; by default one literal run. */
export const blockFrame = (
  pgno: number,
  page: Uint8Array,
  {
    flags = 1,
    block = literalBlock(page),
    size = block.length,
  }: { flags?: number; block?: Buffer; size?: number } = {},
): Frame => {
  const header = Buffer.concat([u32(pgno), u16(flags), u32(size)]);
  return { pgno, bytes: Buffer.concat([header, block]), covered: Buffer.concat([header, page]) };
};

/** A frame-form frame around an LZ4 frame made elsewhere. */
export const legacyFrame = (pgno: number, page: Uint8Array, lz4Frame: Uint8Array): Frame => {
  const header = Buffer.concat([u32(pgno), u16(0)]);
  return { pgno, bytes: Buffer.concat([header, lz4Frame]), covered: Buffer.concat([header, page]) };
};

/** A right index entry for each frame, as [pgno, offset, size]. */
export const indexEntries = (frames: readonly Frame[]): [number, number, number][] => {
  let offset = 100;
  return frames.map(({ pgno, bytes }) => {
    const entry: [number, number, number] = [pgno, offset, bytes.length];
    offset += bytes.length;
    return entry;
  });
};

export const indexBytes = (entries: readonly (readonly [number, number, number])[]): Buffer =>
  Buffer.concat([...entries.flatMap((entry) => entry.map((value) => varint(value))), Buffer.of(0)]);

export interface FileParts {
  header?: Buffer;
  frames?: readonly Frame[];
  marker?: Buffer;
  index?: Buffer;
  indexSize?: bigint;
  post?: bigint;
  /** Instead of the right one. */
  checksum?: bigint;
}

/** A whole file; every part that is not given is the right one, above all the file checksum. */
export const ltxFile = (parts: FileParts = {}): Buffer => {
  const { header = headerBytes(), frames = [], marker = Buffer.alloc(6), post = 0n } = parts;
  const index = parts.index ?? indexBytes(indexEntries(frames));
  const end = Buffer.concat([marker, index, u64(parts.indexSize ?? BigInt(index.length)), u64(post)]);
  const checksum = parts.checksum ?? crc64(header, ...frames.map(({ covered }) => covered), end) | FLAG;
  return Buffer.concat([header, ...frames.map(({ bytes }) => bytes), end, u64(checksum)]);
};

/** A page whose bytes depend on its number and a seed. */
export const testPage = (pgno: number, pageSize = 512, seed = 0): Buffer => {
  const page = Buffer.alloc(pageSize);
  for (let i = 0; i < pageSize; i++) page[i] = i % 7 === 0 ? (pgno * 31 + seed * 17 + i) & 255 : (pgno + seed) & 255;
  return page;
};
