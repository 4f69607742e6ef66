/** Which frame of a batch holds the newest copy of each page, ascending by page number. Typed arrays: no object per page. */
import type { Batch } from './capture.ts';

/** Page numbers and the index of the frame in the batch, both of length `count`. */
export interface NewestCopies {
  readonly count: number;
  readonly pageNumbers: Uint32Array;
  readonly frames: Uint32Array;
}

/** No pages. */
export const noCopies: NewestCopies = { count: 0, pageNumbers: new Uint32Array(0), frames: new Uint32Array(0) };

/** Pages above the last commit are dropped: the database shrank (B-12). The lock page is never in a WAL; it is dropped too. */
export const newestCopies = (batch: Batch, lockPage: number): NewestCopies => {
  const order = sortedFrames(batch);
  const pageNumbers = new Uint32Array(order.length);
  const frames = new Uint32Array(order.length);
  let count = 0;
  for (let i = 0; i < order.length; i++) {
    const frame = order[i] ?? 0;
    const pageNumber = batch.pageNumbers[frame] ?? 0;
    if (pageNumber > batch.commit) break;
    const next = order[i + 1];
    if (pageNumber === lockPage || (next !== undefined && batch.pageNumbers[next] === pageNumber)) continue;
    pageNumbers[count] = pageNumber;
    frames[count] = frame;
    count += 1;
  }
  return { count, pageNumbers, frames };
};

/** Frame indexes by (page number, frame). Both in one double where they fit, which sorts several times faster. */
const sortedFrames = ({ pageNumbers, frameCount: count }: Batch): Uint32Array => {
  const order = new Uint32Array(count);
  if (2 ** 32 * count <= Number.MAX_SAFE_INTEGER) {
    const keys = new Float64Array(count);
    for (let i = 0; i < count; i++) keys[i] = (pageNumbers[i] ?? 0) * count + i;
    keys.sort();
    for (let i = 0; i < count; i++) order[i] = (keys[i] ?? 0) % count;
    return order;
  }
  for (let i = 0; i < count; i++) order[i] = i;
  return order.sort((a, b) => (pageNumbers[a] ?? 0) - (pageNumbers[b] ?? 0) || a - b);
};

/** The frame of a page, or undefined. */
export const frameOf = ({ count, pageNumbers, frames }: NewestCopies, pageNumber: number): number | undefined => {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((pageNumbers[middle] ?? 0) < pageNumber) low = middle + 1;
    else high = middle;
  }
  return low < count && pageNumbers[low] === pageNumber ? frames[low] : undefined;
};
