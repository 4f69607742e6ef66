/** Tables as commands print them: lower-case header, left-aligned columns, the widest cell + 2, the last column unpadded. */

const widthOf = (text: string): number => [...text].length;

/** The text of a table, each line ended; the header is there even without rows. Missing cells are empty. */
export const formatTable = (header: readonly string[], rows: readonly (readonly string[])[]): string => {
  const lines = [header, ...rows];
  const widths = header.map((_, column) => Math.max(...lines.map((line) => widthOf(line[column] ?? ''))) + 2);
  const last = header.length - 1;
  const formatLine = (line: readonly string[]): string =>
    header
      .map((_, column) => {
        const cell = line[column] ?? '';
        return column === last ? cell : cell + ' '.repeat((widths[column] ?? 0) - widthOf(cell));
      })
      .join('');
  return lines.map((line) => `${formatLine(line)}\n`).join('');
};

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB', 'PB', 'EB'] as const;

/** 16.5 is 16 and 17.5 is 18, as Litestream's printing rounds. */
const roundHalfEven = (value: number): number => {
  const floor = Math.floor(value);
  const isTie = value - floor === 0.5;
  return isTie && floor % 2 === 0 ? floor : Math.round(value);
};

/** Bytes for people, in powers of 1000: `9 B`, `82 B`, `1.0 kB`, `33 kB`, `4.1 MB`. One decimal below 10 of a unit. */
export const formatHumanSize = (bytes: number): string => {
  if (bytes < 10) {
    return `${bytes} B`;
  }
  let exponent = 0;
  while (exponent < UNITS.length - 1 && bytes >= 1000 ** (exponent + 1)) {
    exponent++;
  }
  const value = Math.floor((bytes / 1000 ** exponent) * 10 + 0.5) / 10;
  return `${value < 10 ? value.toFixed(1) : roundHalfEven(value)} ${UNITS[exponent]}`;
};
