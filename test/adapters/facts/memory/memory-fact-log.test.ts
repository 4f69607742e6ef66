import { createSimulatedClock } from '#adapters/clock/simulated/simulated-clock';
import { createMemoryFactLog, type MemoryFactRow } from '#adapters/facts/memory/memory-fact-log';
import { describeFactLogConformance } from '../conformance.ts';

describeFactLogConformance('memory', async () => {
  const clock = createSimulatedClock();
  const rows: MemoryFactRow[] = [];
  return {
    open: () => createMemoryFactLog({ clock, rows }),
    advance: (byMs) => clock.moveTo(clock.nowMs() + byMs),
    dispose: async () => undefined,
  };
});
