/** Real actors on a simulated clock: effects that a test settles, and time that moves only when told. */
import { fromPromise, type PromiseActorLogic } from 'xstate';
import { createSimulatedClock, drainMicrotasks, type SimulatedClock } from '#adapters/clock/simulated/simulated-clock';

/** One running effect. */
export interface Call<Input, Output> {
  readonly input: Input;
  readonly signal: AbortSignal;
  done(output: Output): Promise<void>;
  fail(error: unknown): Promise<void>;
}

/** An effect whose every call waits for the test. */
export interface PlayedEffect<Input, Output> {
  readonly logic: PromiseActorLogic<Output, Input>;
  readonly calls: Call<Input, Output>[];
  /** The newest call; throws when there is none. */
  last(): Call<Input, Output>;
}

/** An effect under the control of the test. */
export const playedEffect = <Input, Output>(name: string): PlayedEffect<Input, Output> => {
  const calls: Call<Input, Output>[] = [];
  return {
    calls,
    logic: fromPromise<Output, Input>(
      ({ input, signal }) =>
        new Promise((resolve, reject) => {
          calls.push({
            input,
            signal,
            done: (output) => {
              resolve(output);
              return drainMicrotasks();
            },
            fail: (error) => {
              // Whatever an effect throws arrives as it is.
              reject(error as Error);
              return drainMicrotasks();
            },
          });
        }),
    ),
    last: () => {
      const call = calls.at(-1);
      if (call === undefined) throw new Error(`effect ${name} was never called`);
      return call;
    },
  };
};

/** Lets simulated time pass: every timer due within `ms` runs at its moment. */
export const pass = async (clock: SimulatedClock, ms: number): Promise<void> => {
  const endMs = clock.nowMs() + ms;
  for (;;) {
    const dueMs = clock.nextDueMs();
    if (dueMs === undefined || dueMs > endMs) break;
    clock.step();
    await drainMicrotasks();
  }
  clock.moveTo(endMs);
};

/** A clock that XState accepts: its type names the timers of Node. */
export const storyClock = (): { readonly clock: SimulatedClock; readonly options: { readonly clock: never } } => {
  const clock = createSimulatedClock();
  return { clock, options: { clock: clock as never } };
};
