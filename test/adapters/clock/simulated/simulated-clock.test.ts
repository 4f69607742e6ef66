import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createSimulatedClock, drainMicrotasks } from '#adapters/clock/simulated/simulated-clock';
import { createSeededRandom } from '#adapters/random/seeded/seeded-random';

describe('the simulated clock', () => {
  it('a timer that renews itself fires once per interval, each time at its own moment', () => {
    const clock = createSimulatedClock({ startMs: 5000 });
    const fired: number[] = [];
    const renew = (): void => {
      fired.push(clock.nowMs());
      if (fired.length < 4) clock.setTimeout(renew, 1000);
    };
    clock.setTimeout(renew, 1000);
    while (clock.step());
    expect(fired).toEqual([6000, 7000, 8000, 9000]);
    expect(clock.step()).toBe(false);
    expect(clock.nowMs()).toBe(9000);
  });

  it('timers run in order of their time, ties in order of scheduling', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(20), { maxLength: 200 }), (delays) => {
        const clock = createSimulatedClock();
        const ran: [number, number][] = [];
        for (const [index, delay] of delays.entries()) clock.setTimeout(() => ran.push([clock.nowMs(), index]), delay);
        while (clock.step());
        const expected = delays.map((delay, index): [number, number] => [delay, index]);
        expected.sort(([a, indexA], [b, indexB]) => a - b || indexA - indexB);
        expect(ran).toEqual(expected);
      }),
    );
  });

  it('cancelled timers never run, whatever the order of cancelling', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(50), fc.boolean()), { maxLength: 300 }), (timers) => {
        const clock = createSimulatedClock();
        const ran: number[] = [];
        const handles = timers.map(([delay], index) => clock.setTimeout(() => ran.push(index), delay));
        for (const [index, [, isCancelled]] of timers.entries()) if (isCancelled) clock.clearTimeout(handles[index]);
        const kept = timers.flatMap(([, isCancelled], index) => (isCancelled ? [] : [index]));
        expect(clock.pendingTimers()).toBe(kept.length);
        while (clock.step());
        expect(ran.sort((a, b) => a - b)).toEqual(kept);
        expect(clock.pendingTimers()).toBe(0);
      }),
    );
  });

  it('ties are drawn from the seed: one seed gives one order, others give others', () => {
    const orderOf = (seed: number): string => {
      const clock = createSimulatedClock({ random: createSeededRandom(seed) });
      const ran: number[] = [];
      for (let index = 0; index < 10; index += 1) clock.setTimeout(() => ran.push(index), 5);
      while (clock.step());
      return ran.join();
    };
    expect(orderOf(1)).toBe(orderOf(1));
    expect(new Set([1, 2, 3, 4, 5].map(orderOf)).size).toBe(5);
  });

  it('a timer may set and clear others, and one set with a delay in the past is due now', () => {
    const clock = createSimulatedClock({ startMs: 100 });
    const ran: string[] = [];
    const doomed = clock.setTimeout(() => ran.push('doomed'), 20);
    clock.setTimeout(() => {
      ran.push('first');
      clock.clearTimeout(doomed);
      clock.setTimeout(() => ran.push(`now ${clock.nowMs()}`), -5);
    }, 10);
    while (clock.step());
    expect(ran).toEqual(['first', 'now 110']);
  });

  it('the time can be moved up to the next timer, not past it and not back', () => {
    const clock = createSimulatedClock();
    clock.setTimeout(() => undefined, 100);
    expect(clock.nextDueMs()).toBe(100);
    clock.moveTo(100);
    expect(() => clock.moveTo(101)).toThrow('cannot skip a timer due at 100');
    expect(() => clock.moveTo(99)).toThrow('cannot go back');
  });

  it('a crash forgets the timers and keeps the time', () => {
    const clock = createSimulatedClock();
    let runs = 0;
    const handle = clock.setTimeout(() => {
      runs += 1;
    }, 1);
    clock.forgetTimers();
    clock.clearTimeout(handle);
    expect(clock.step()).toBe(false);
    expect([runs, clock.pendingTimers(), clock.nextDueMs()]).toEqual([0, 0, undefined]);
  });

  it('a delay that is not a number is a bug', () => {
    expect(() => createSimulatedClock().setTimeout(() => undefined, Number.NaN)).toThrow('not a number');
  });

  it('every continuation that is ready has run after draining', async () => {
    const clock = createSimulatedClock();
    const wait = (delayMs: number): Promise<void> => new Promise((resolve) => void clock.setTimeout(resolve, delayMs));
    const seen: number[] = [];
    const story = async (): Promise<void> => {
      for (let round = 0; round < 3; round += 1) {
        await wait(10);
        await Promise.resolve();
        seen.push(clock.nowMs());
      }
    };
    const done = story();
    while (clock.step()) await drainMicrotasks();
    await done;
    expect(seen).toEqual([10, 20, 30]);
  });
});
