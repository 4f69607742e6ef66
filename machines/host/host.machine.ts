/**
 * The restart policy of one database, as states.
 *
 *   alive.running --database.failed--> backingOff --after restartDelay--> alive.running
 *        |                                 +--too many in the window--> quarantined --resume.requested--> alive.running
 *        +--host.stop--> alive.stopping --database.closed--> stopped          (stop while waiting: stopped at once)
 *
 * Invariant H1: restarts within the window are bounded. H2: a quarantined database is visible, and its application untouched.
 */
import { assign, type CallbackActorLogic, fromCallback, sendParent, sendTo, setup, stateIn } from 'xstate';
import { failureOf } from '../failure.ts';
import type { HostContext, HostEvent, HostInput, HostReport, SystemCommand } from './host.types.ts';

/** Restarts allowed before a database is left alone. */
export const RESTARTS_MAX = 5;
/** A database that ran this long without failing starts with a clean record. */
const WINDOW_MS = 600_000;
const RESTART_DELAY_MS_FIRST = 1_000;
const RESTART_DELAY_MS_MAX = 60_000;

/** The host was told to stop: nothing is started again. */
const isStopping = stateIn({ alive: 'stopping' });

const unprovidedSystem: CallbackActorLogic<SystemCommand, HostInput> = fromCallback(() => {
  throw new Error('actor databaseSystem was not provided');
});

export const hostMachine = setup({
  types: {} as { context: HostContext; events: HostEvent; input: HostInput },
  actors: { databaseSystem: unprovidedSystem },
  actions: {
    recordFailure: assign(({ context }, { error }: { error: unknown }) => ({
      restartCount: context.restartCount + 1,
      lastError: failureOf(error),
    })),
    forgiveFailures: assign({ restartCount: 0 }),
    forwardStop: sendTo('system', { type: 'database.stop' }),
    forwardHurry: sendTo('system', { type: 'database.hurry' }),
    reportStopped: sendParent(({ context }): HostReport => ({ type: 'host.stopped', path: context.path })),
    noteQuarantine: () => {},
    noteResume: () => {},
  },
  guards: { isWindowExhausted: ({ context }) => context.restartCount > RESTARTS_MAX },
  delays: {
    restartDelay: ({ context }) =>
      Math.min(RESTART_DELAY_MS_MAX, RESTART_DELAY_MS_FIRST * 2 ** Math.max(0, context.restartCount - 1)),
    window: () => WINDOW_MS,
  },
}).createMachine({
  id: 'host',
  context: ({ input }) => ({ ...input, restartCount: 0, lastError: undefined }),
  initial: 'alive',
  states: {
    alive: {
      invoke: {
        id: 'system',
        src: 'databaseSystem',
        input: ({ context }) => ({ path: context.path }),
        // Whatever the start of one database throws must not reach its neighbours.
        onError: [
          {
            guard: isStopping,
            target: 'stopped',
            actions: { type: 'recordFailure', params: ({ event }) => ({ error: event.error }) },
          },
          {
            target: 'backingOff',
            actions: { type: 'recordFailure', params: ({ event }) => ({ error: event.error }) },
          },
        ],
      },
      initial: 'running',
      states: {
        running: {
          on: {
            'host.stop': 'stopping',
            'database.failed': {
              target: '#host.backingOff',
              actions: { type: 'recordFailure', params: ({ event }) => ({ error: event.error }) },
            },
          },
          after: { window: { actions: 'forgiveFailures' } },
        },
        stopping: {
          entry: 'forwardStop',
          on: {
            'host.hurry': { actions: 'forwardHurry' },
            'database.failed': {
              target: '#host.stopped',
              actions: { type: 'recordFailure', params: ({ event }) => ({ error: event.error }) },
            },
          },
        },
      },
      on: { 'database.closed': 'stopped' },
    },
    backingOff: {
      always: { guard: 'isWindowExhausted', target: 'quarantined' },
      on: { 'host.stop': 'stopped', 'resume.requested': 'alive' },
      after: { restartDelay: 'alive' },
    },
    quarantined: {
      entry: 'noteQuarantine',
      on: {
        'host.stop': 'stopped',
        'resume.requested': { target: 'alive', actions: ['forgiveFailures', 'noteResume'] },
      },
    },
    stopped: { type: 'final', entry: 'reportStopped' },
  },
});
