/** Reading ahead is bounded, in order and ends with its consumer. */
import { expect, test } from 'vitest';
import { createPrefetch } from '#effects/restore/prefetch';

interface Probe {
  readonly opened: string[];
  givenBytes: number;
  openNow: number;
}

const CHUNK = 100;

/** Files of `chunks` chunks each, filled with the index of the file. */
const sourceOf = (probe: Probe, chunks: number) =>
  async function* (file: string, signal: AbortSignal): AsyncGenerator<Uint8Array, void, undefined> {
    probe.opened.push(file);
    probe.openNow += 1;
    try {
      for (let chunk = 0; chunk < chunks; chunk += 1) {
        signal.throwIfAborted();
        await Promise.resolve();
        probe.givenBytes += CHUNK;
        yield new Uint8Array(CHUNK).fill(Number(file));
      }
    } finally {
      probe.openNow -= 1;
    }
  };

const FILES = ['0', '1', '2', '3', '4', '5'];

const prefetchOf = (probe: Probe, changes: { parallelism?: number; budgetBytes?: number; signal?: AbortSignal }) =>
  createPrefetch({
    files: FILES,
    open: sourceOf(probe, 10),
    parallelism: 3,
    budgetBytes: 250,
    signal: new AbortController().signal,
    ...changes,
  });

test.each([1, 250, 1_000_000])(
  'with a budget of %i bytes every file arrives whole and in order',
  async (budgetBytes) => {
    const probe: Probe = { opened: [], givenBytes: 0, openNow: 0 };
    const prefetch = prefetchOf(probe, { budgetBytes });
    let takenBytes = 0;
    for (const [index, file] of FILES.entries()) {
      for await (const chunk of prefetch.take(index)) {
        takenBytes += chunk.length;
        expect(chunk[0]).toBe(Number(file));
        // One chunk beyond the budget for each transfer under way.
        expect(probe.givenBytes - takenBytes).toBeLessThanOrEqual(budgetBytes + 3 * CHUNK);
        expect(probe.openNow).toBeLessThanOrEqual(3);
      }
      expect(takenBytes).toBe((index + 1) * 10 * CHUNK);
    }
    expect(probe.opened).toEqual(FILES);
    await prefetch.close();
  },
);

test('closing early ends every transfer and opens no further file', async () => {
  const probe: Probe = { opened: [], givenBytes: 0, openNow: 0 };
  const prefetch = prefetchOf(probe, {});
  for await (const _ of prefetch.take(0)) break;
  await prefetch.close();
  expect(probe.openNow).toBe(0);
  expect(probe.opened.length).toBeLessThanOrEqual(3);
});

test('an abort ends a consumer that waits, also before anything was opened', async () => {
  for (const isEarly of [true, false]) {
    const abort = new AbortController();
    const prefetch = createPrefetch({
      files: ['0'],
      open: async function* () {
        await new Promise<void>((resolve) => abort.signal.addEventListener('abort', () => resolve()));
      },
      parallelism: 1,
      budgetBytes: 1,
      signal: abort.signal,
    });
    if (isEarly) abort.abort();
    const taking = prefetch.take(0)[Symbol.asyncIterator]().next();
    abort.abort();
    await expect(taking).rejects.toMatchObject({ code: 'ABORTED' });
    await prefetch.close();
  }
});

test('an error of one file comes out of that file, after its bytes', async () => {
  const prefetch = createPrefetch({
    files: ['0', '1'],
    open: async function* (file) {
      yield new Uint8Array(1);
      if (file === '1') throw new Error('broken');
    },
    parallelism: 2,
    budgetBytes: 1000,
    signal: new AbortController().signal,
  });
  const lengths: number[] = [];
  for await (const chunk of prefetch.take(0)) lengths.push(chunk.length);
  const second = async (): Promise<void> => {
    for await (const chunk of prefetch.take(1)) lengths.push(chunk.length);
  };
  await expect(second()).rejects.toThrow('broken');
  expect(lengths).toEqual([1, 1]);
  await prefetch.close();
});
