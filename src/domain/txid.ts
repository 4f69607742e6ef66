/**
 * TXIDs: the place of a transaction in the history of one database, 1 to 2^64 - 1; 0 means "nothing yet".
 * As text exactly 16 hex digits, lower case (ltx-format 12).
 */

/** A transaction identifier. Always `bigint`: values above 2^53 are lawful. */
export type Txid = bigint;

/** A closed range of TXIDs, `minTxid <= maxTxid`, both at least 1. */
export interface TxidRange {
  readonly minTxid: Txid;
  readonly maxTxid: Txid;
}

/** The position before the first transaction. */
export const ZERO_TXID: Txid = 0n;

const TXID_MAX = 0xffff_ffff_ffff_ffffn;
const TXID_TEXT = /^[0-9a-fA-F]{16}$/;
const LTX_NAME = /^([0-9a-f]{16})-([0-9a-f]{16})\.ltx$/;

/** Sixteen lower-case hex digits. */
export const formatTxid = (txid: Txid): string => txid.toString(16).padStart(16, '0');

/** The TXID written as exactly 16 hex digits of either case, or `undefined` when the text is anything else. */
export const parseTxid = (text: string): Txid | undefined => (TXID_TEXT.test(text) ? BigInt(`0x${text}`) : undefined);

/** `<min>-<max>`, as in messages. */
export const formatTxidRange = ({ minTxid, maxTxid }: TxidRange): string =>
  `${formatTxid(minTxid)}-${formatTxid(maxTxid)}`;

/** The file name of an LTX file: `<min>-<max>.ltx`. */
export const formatLtxName = (range: TxidRange): string => `${formatTxidRange(range)}.ltx`;

/** The range in a file name, or `undefined` when the name is not one of an LTX file (lower case only, whole name). */
export const parseLtxName = (name: string): TxidRange | undefined => {
  const match = LTX_NAME.exec(name);
  if (match === null) return undefined;
  return { minTxid: BigInt(`0x${match[1]}`), maxTxid: BigInt(`0x${match[2]}`) };
};

/** The next TXID; throws a RangeError at the end of the number space rather than wrap around. */
export const nextTxid = (txid: Txid): Txid => {
  if (txid >= TXID_MAX) throw new RangeError(`TXID ${formatTxid(txid)} has no successor`);
  return txid + 1n;
};

/** Order by minTxid, then maxTxid: the order of every listing. */
export const compareRanges = (a: TxidRange, b: TxidRange): number => {
  if (a.minTxid !== b.minTxid) return a.minTxid < b.minTxid ? -1 : 1;
  if (a.maxTxid !== b.maxTxid) return a.maxTxid < b.maxTxid ? -1 : 1;
  return 0;
};

/** The greater of two TXIDs. */
export const laterTxid = (a: Txid, b: Txid): Txid => (a > b ? a : b);
