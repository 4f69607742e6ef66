/** Slots: bounded, in order, and given back. */
import { describe, expect, test } from 'vitest';
import { drainMicrotasks } from '#adapters/clock/simulated/simulated-clock';
import { createLimiter } from '#runtime/limiter';

const start = (slots: number) => {
  const limiter = createLimiter(slots);
  const started: string[] = [];
  const ends = new Map<string, () => void>();
  const run = (name: string, signal = new AbortController().signal) =>
    limiter.run(
      () =>
        new Promise<string>((resolve) => {
          started.push(name);
          ends.set(name, () => resolve(name));
        }),
      signal,
    );
  return { limiter, started, ends, run };
};

describe('limiter', () => {
  test('no more run than there are slots, and whoever came first goes first', async () => {
    const { started, ends, run } = start(2);
    const all = ['a', 'b', 'c', 'd'].map((name) => run(name));
    await drainMicrotasks();
    expect(started).toEqual(['a', 'b']);
    ends.get('b')?.();
    await drainMicrotasks();
    expect(started).toEqual(['a', 'b', 'c']);
    ends.get('a')?.();
    await drainMicrotasks();
    for (const end of ends.values()) end();
    expect(await Promise.all(all)).toEqual(['a', 'b', 'c', 'd']);
  });

  test('an aborted wait takes no slot and keeps the order of the others', async () => {
    const { started, ends, run } = start(1);
    const abort = new AbortController();
    const first = run('a');
    const second = run('b', abort.signal);
    const third = run('c');
    abort.abort();
    await expect(second).rejects.toMatchObject({ code: 'ABORTED' });
    ends.get('a')?.();
    await drainMicrotasks();
    ends.get('c')?.();
    expect([await first, await third, started]).toEqual(['a', 'c', ['a', 'c']]);
    await expect(run('d', abort.signal)).rejects.toMatchObject({ code: 'ABORTED' });
  });

  test('work that fails gives its slot back', async () => {
    const { limiter } = start(1);
    const { signal } = new AbortController();
    await expect(limiter.run(() => Promise.reject(new Error('broken')), signal)).rejects.toThrow('broken');
    expect(await limiter.run(async () => 'next', signal)).toBe('next');
  });
});
