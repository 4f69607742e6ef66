/** Bounded parallel work over a list, in the order of the list. */

/** Results of `work` in the order of `items`, at most `limit` running at once. The first error ends it; nothing new is started. */
export const mapBounded = async <T, R>(
  items: readonly T[],
  limit: number,
  work: (item: T) => Promise<R>,
): Promise<R[]> => {
  const results: R[] = new Array(items.length);
  let next = 0;
  let isFailed = false;
  const lane = async (): Promise<void> => {
    while (next < items.length && !isFailed) {
      const index = next;
      next += 1;
      try {
        // The index is below the length, so the item is there.
        results[index] = await work(items[index] as T);
      } catch (error) {
        isFailed = true;
        throw error;
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, lane));
  return results;
};
