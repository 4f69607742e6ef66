/** Errors about LTX files: one shape, never retryable, always naming the file and, where known, the byte. */
import type { ErrorCode } from '#errors/codes';
import { ReplicationError } from '#errors/replication-error';

/** Codes of LTX files. */
export type LtxErrorCode = Extract<ErrorCode, `LTX_${string}`>;

/** Where in which file. */
export interface LtxPlace {
  /** Path or name of the file, for the message. */
  readonly name: string;
  /** Byte offset from the start of the file. */
  readonly offset?: number | undefined;
}

/** An error of the given code; `what` names expected and found values. */
export const ltxError = (
  code: LtxErrorCode,
  { name, offset }: LtxPlace,
  what: string,
  cause?: unknown,
): ReplicationError =>
  new ReplicationError(code, `LTX file ${name}: ${what}${offset === undefined ? '' : ` (at byte ${offset})`}`, {
    retryable: false,
    hint: 'The file is damaged or was not written by a compatible program. Use another level, another replica or an older state.',
    details: offset === undefined ? { path: name } : { path: name, offset },
    cause,
  });

/** `LTX_TRUNCATED`: the file ends inside a section. */
export const truncated = (
  place: LtxPlace,
  { section, wanted, got }: { readonly section: string; readonly wanted: number; readonly got: number },
): ReplicationError => ltxError('LTX_TRUNCATED', place, `ends in the ${section}: ${wanted} bytes wanted, ${got} got`);

/** A checksum or another 64-bit value as 16 hex digits. */
export const hex64 = (value: bigint): string => BigInt.asUintN(64, value).toString(16).padStart(16, '0');

/** Like {@link hex64} for 32 bits, with `0x` in front. */
export const hex32 = (value: number): string => `0x${value.toString(16).padStart(8, '0')}`;
