/** JSON as commands print it: two spaces, one newline at the end, arrays never null. */

/** The text of a value. A `bigint` becomes a number while it is exact as one, else its decimal digits as text. */
export const formatJson = (value: unknown): string => {
  const text = JSON.stringify(
    value,
    (_key, item: unknown) => {
      if (typeof item !== 'bigint') {
        return item;
      }
      const number = Number(item);
      return Number.isSafeInteger(number) ? number : item.toString();
    },
    2,
  );
  return `${text}\n`;
};
