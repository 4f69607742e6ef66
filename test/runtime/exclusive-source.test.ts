/** One call at a time on a source. */
import { expect, test } from 'vitest';
import { drainMicrotasks } from '#adapters/clock/simulated/simulated-clock';
import { exclusiveSource } from '#runtime/exclusive-source';
import { createWorld } from '../effects/database-world.ts';

test('calls run one after the other in the order they came, a failed one included', async () => {
  const { scope } = createWorld();
  const started: string[] = [];
  let fail: (error: Error) => void = () => undefined;
  const source = exclusiveSource({
    ...scope.source,
    pass: () => {
      started.push('pass');
      return new Promise((_, reject) => {
        fail = reject;
      });
    },
    look: async () => {
      started.push('look');
      return { hasChanged: false, walBytes: 0 };
    },
    close: async () => {
      started.push('close');
      return { position: 0n, written: [] };
    },
  });
  const broken = source.pass();
  const rest = [source.look(), source.close({ finalPass: true })];
  await drainMicrotasks();
  expect(started).toEqual(['pass']);
  fail(new Error('broken'));
  await expect(broken).rejects.toThrow('broken');
  await Promise.all(rest);
  expect(started).toEqual(['pass', 'look', 'close']);
});
