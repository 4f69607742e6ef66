/** Byte sizes: `5MB` (powers of 1000), `5MiB` (powers of 1024), `1,000`, `1.5 GiB`; units in any case. */

const EXPONENTS = 'kmgtpe';
const BYTES_MAX = 2n ** 63n - 1n;

/** What a text is as a size. */
export type ParsedSize =
  | { readonly kind: 'size'; readonly bytes: number }
  | { readonly kind: 'invalid'; readonly reason: 'invalid size format' | 'exceeds maximum' };

const unitBytes = (unit: string): bigint | undefined => {
  const lower = unit.toLowerCase();
  if (lower === '' || lower === 'b') {
    return 1n;
  }
  const match = /^([kmgtpe])(i?)b?$/.exec(lower);
  if (match === null) {
    return undefined;
  }
  return (match[2] === 'i' ? 1024n : 1000n) ** BigInt(EXPONENTS.indexOf(match[1] ?? '') + 1);
};

/** Reads a size; fractions of a byte are cut. Never throws. */
export const parseSize = (text: string): ParsedSize => {
  const match = /^\s*([\d,]*)(?:\.([\d,]*))?\s*([a-z]*)\s*$/i.exec(text.slice(0, 256));
  const whole = (match?.[1] ?? '').replaceAll(',', '');
  const fraction = (match?.[2] ?? '').replaceAll(',', '');
  const unit = unitBytes(match?.[3] ?? '');
  if (match === null || unit === undefined || (whole === '' && fraction === '') || text.length > 256) {
    return { kind: 'invalid', reason: 'invalid size format' };
  }
  const scaled = BigInt(`${whole}${fraction}`) * unit;
  const bytes = scaled / 10n ** BigInt(fraction.length);
  return bytes > BYTES_MAX ? { kind: 'invalid', reason: 'exceeds maximum' } : { kind: 'size', bytes: Number(bytes) };
};
