import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createSystemClock } from '#adapters/clock/system/system-clock';

describe('the system clock', () => {
  beforeEach(() => {
    vi.useFakeTimers({ now: 1000 });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('reads the time and runs a timer when it is due', () => {
    const clock = createSystemClock();
    const ran: number[] = [];
    clock.setTimeout(() => ran.push(clock.nowMs()), 250);
    vi.advanceTimersByTime(249);
    expect(ran).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(ran).toEqual([1250]);
  });

  it('keeps a delay beyond 2^31 ms, which Node alone would fire at once', () => {
    const clock = createSystemClock();
    const days40 = 40 * 24 * 3_600_000;
    const ran: number[] = [];
    clock.setTimeout(() => ran.push(clock.nowMs()), days40);
    vi.advanceTimersByTime(days40 - 1);
    expect(ran).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(ran).toEqual([1000 + days40]);
  });

  it('a cleared timer does not run, in none of its parts, and clearing again does no harm', () => {
    const clock = createSystemClock();
    const days40 = 40 * 24 * 3_600_000;
    let runs = 0;
    const handle = clock.setTimeout(() => {
      runs += 1;
    }, days40);
    vi.advanceTimersByTime(30 * 24 * 3_600_000);
    clock.clearTimeout(handle);
    clock.clearTimeout(handle);
    clock.clearTimeout(undefined);
    vi.advanceTimersByTime(days40);
    expect(runs).toBe(0);
    expect(vi.getTimerCount()).toBe(0);
  });
});
