/** LTX files made by hand, by the letter of the format and without our own encoder: what it gets wrong shows here. */
import { crc64 } from 'hash-wasm';
import type { MemoryBucket } from '#adapters/storage/memory/bucket';
import type { Level } from '#domain/level';
import { isLevel } from '#domain/level';
import type { TxidRange } from '#domain/txid';

const CRC64_ISO = 'd800000000000000';
const CHECKSUM_FLAG = 1n << 63n;
const NO_CHECKSUM = 2;

export interface MadeLtx {
  readonly minTxid: bigint;
  readonly maxTxid: bigint;
  readonly commit: number;
  readonly pageSize?: number;
  readonly timestampMs?: number;
  /** The range in the file's name, where it differs from the header. */
  readonly named?: TxidRange;
  /** Page number and the byte the page is filled with. */
  readonly pages: Readonly<Record<number, number>>;
}

/** A block of one literal run: legal, and needs no compressor. */
const literalBlock = (page: Buffer): Buffer => {
  const lengths: number[] = [];
  let rest = page.length - 15;
  for (; rest >= 255; rest -= 255) lengths.push(255);
  return Buffer.concat([Buffer.from([0xf0, ...lengths, rest]), page]);
};

const varint = (value: number): number[] =>
  value < 128 ? [value] : [(value % 128) + 128, ...varint(Math.floor(value / 128))];

/** The bytes of the file. */
export const makeLtx = async ({
  minTxid,
  maxTxid,
  commit,
  pages,
  pageSize = 512,
  timestampMs = 0,
}: MadeLtx): Promise<Buffer> => {
  const header = Buffer.alloc(100);
  header.write('LTX1');
  header.writeUInt32BE(NO_CHECKSUM, 4);
  header.writeUInt32BE(pageSize, 8);
  header.writeUInt32BE(commit, 12);
  header.writeBigUInt64BE(minTxid, 16);
  header.writeBigUInt64BE(maxTxid, 24);
  header.writeBigInt64BE(BigInt(timestampMs), 32);
  const stored: Buffer[] = [header];
  const summed: Buffer[] = [header];
  const index: number[] = [];
  let offset = header.length;
  for (const [number, fill] of Object.entries(pages)) {
    const page = Buffer.alloc(pageSize, fill);
    const block = literalBlock(page);
    const head = Buffer.alloc(10);
    head.writeUInt32BE(Number(number), 0);
    head.writeUInt16BE(1, 4);
    head.writeUInt32BE(block.length, 6);
    stored.push(head, block);
    summed.push(head, page);
    index.push(...varint(Number(number)), ...varint(offset), ...varint(head.length + block.length));
    offset += head.length + block.length;
  }
  const tail = Buffer.concat([Buffer.alloc(6), Buffer.from([...index, 0]), Buffer.alloc(16)]);
  tail.writeBigUInt64BE(BigInt(index.length + 1), tail.length - 16);
  const crc = BigInt(`0x${await crc64(Buffer.concat([...summed, tail]), CRC64_ISO)}`);
  const checksum = Buffer.alloc(8);
  checksum.writeBigUInt64BE(crc | CHECKSUM_FLAG);
  return Buffer.concat([...stored, tail, checksum]);
};

/** Puts files into a bucket: `{ '9': [file, …], '0': [file, …] }` by level. */
export const putLtx = async (
  bucket: MemoryBucket,
  files: Readonly<Record<string, readonly MadeLtx[]>>,
): Promise<void> => {
  for (const [text, made] of Object.entries(files)) {
    const level: Level | number = Number(text);
    if (!isLevel(level)) throw new Error(`no level ${text}`);
    for (const file of made) {
      const bytes = await makeLtx(file);
      const { timestampMs = 0 } = file;
      const { minTxid, maxTxid } = file.named ?? file;
      bucket.put({ info: { level, minTxid, maxTxid, sizeBytes: bytes.length, createdAtMs: timestampMs }, bytes });
    }
  }
};
