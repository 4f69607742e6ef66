/** State-by-event tables: what a machine does with every event in every state, by pure transitions. */
import { type AnyMachineSnapshot, type AnyStateMachine, getNextTransitions, transition } from 'xstate';
import { InvariantViolation, ReplicationError } from '#errors/replication-error';

/** `tracking.wal.idle` and so on for every leaf of a state value; regions of a parallel state stand side by side. */
export type LeafOf<Value> = WithoutParents<PathOf<Value>>;

type PathOf<Value> = Value extends string
  ? Value
  : { [Key in keyof Value & string]: `${Key}.${PathOf<NonNullable<Value[Key]>>}` }[keyof Value & string];

/** XState's value of a state with states below may also be its bare name, which never occurs in a snapshot. */
type WithoutParents<Path, All = Path> = Path extends string
  ? [Extract<All, `${Path}.${string}`>] extends [never]
    ? Path
    : never
  : never;

/** What happens to the job of a state, or to its longest wait. */
export type Outcome =
  /** the effect ended well */
  | 'effect.done'
  /** it failed and may succeed later */
  | 'effect.failed'
  /** it failed and nothing but a person can help */
  | 'effect.refused'
  /** a bug of ours */
  | 'effect.broken'
  | 'time.passed';

/**
 * `-`: ignored on purpose. `noted`: no other state, but remembered or passed on. `fails`: the actor ends with an error, its owner
 * decides. Anything else names the leaves that are entered.
 */
export type Cell = string;

/** One row for each state, one cell for each event: a new state or event does not compile without its cells. */
export type Table<State extends string, EventType extends string> = Readonly<
  Record<State, Readonly<Record<EventType | Outcome, Cell>>>
>;

/** An error that may go away by itself. */
export const failure = new ReplicationError('STORAGE_UNAVAILABLE', 'the storage is down', { retryable: true });
/** An error that stays until somebody acts. */
export const refusal = new ReplicationError('STORAGE_ACCESS_DENIED', 'the key is wrong', { retryable: false });
/** A bug. */
export const bug = new InvariantViolation('this cannot be');

/** How a table is filled: sample events, and the context and value that stand for each state. */
export interface Sampling<State extends string, Event extends { readonly type: string }> {
  readonly machine: AnyStateMachine;
  readonly events: { readonly [Type in Event['type']]: Extract<Event, { readonly type: Type }> };
  readonly outputs: Readonly<Record<string, unknown>>;
  /** The whole value of a state, for states beside others. */
  value(state: State): unknown;
  context(state: State): unknown;
}

/** `a.b.c` as the state value `{ a: { b: 'c' } }`. */
export const stateValue = (path: string): unknown => {
  const [head = '', ...rest] = path.split('.');
  return rest.length === 0 ? head : { [head]: stateValue(rest.join('.')) };
};

const leavesOf = (value: unknown): readonly string[] =>
  typeof value === 'string'
    ? [value]
    : Object.entries(value as object).flatMap(([key, below]) => leavesOf(below).map((leaf) => `${key}.${leaf}`));

/** Events that the machine itself makes for an outcome; undefined when the state has no such thing. */
const outcomeEvent = (
  snapshot: AnyMachineSnapshot,
  outcome: Outcome,
  outputs: Readonly<Record<string, unknown>>,
  state: string,
): { readonly type: string } | undefined => {
  const region = state.split('.').slice(0, 3).join('.');
  const types = getNextTransitions(snapshot).map(({ eventType }) => eventType);
  // In regions side by side each row speaks of its own job.
  const ownOf = (prefix: string): string | undefined => {
    const all = types.filter((each) => each.startsWith(prefix));
    return all.find((each) => each.includes(region)) ?? (state.includes('.retention.') ? undefined : all[0]);
  };
  const done = ownOf('xstate.done.actor.');
  // A job without a way out for errors still fails: the error event is made from the one that ends it well.
  const failed = ownOf('xstate.error.actor.') ?? done?.replace('.done.', '.error.');
  const errorEvent = (error: unknown) =>
    failed && { type: failed, error, actorId: failed.slice('xstate.error.actor.'.length) };
  const after = ownOf('xstate.after.');
  const made = {
    'effect.done': done && { type: done, output: outputs[state] },
    'effect.failed': errorEvent(failure),
    'effect.refused': errorEvent(refusal),
    'effect.broken': errorEvent(bug),
    'time.passed': after && { type: after },
  }[outcome];
  return made === '' ? undefined : made;
};

/** What the machine does with one event in one state. */
export const cellOf = <State extends string, Event extends { readonly type: string }>(
  { machine, events, outputs, value, context }: Sampling<State, Event>,
  state: State,
  column: Event['type'] | Outcome,
): Cell => {
  // The samples are as wide as the machines are many; each test names its own types.
  const snapshot = machine.resolveState({ value: value(state) as never, context: context(state) as never });
  const event =
    column in events ? events[column as Event['type']] : outcomeEvent(snapshot, column as Outcome, outputs, state);
  if (event === undefined) return '-';
  const [next, actions] = transition(machine, snapshot, event);
  if (next.status === 'error') return 'fails';
  const before = new Set(leavesOf(snapshot.value));
  const entered = leavesOf(next.value).filter((leaf) => !before.has(leaf));
  if (entered.length > 0) return entered.join(' + ');
  return next === snapshot && actions.length === 0 ? '-' : 'noted';
};

/** The whole table as the machine has it. */
export const tableOf = <State extends string, Event extends { readonly type: string }>(
  sampling: Sampling<State, Event>,
  table: Table<State, Event['type']>,
): Table<State, Event['type']> => {
  // Keys of the expected table, which the compiler has checked to be all of them.
  const states = Object.keys(table) as State[];
  const rows = states.map((state) => [
    state,
    Object.fromEntries(
      Object.keys(table[state]).map((column) => [column, cellOf(sampling, state, column as Event['type'] | Outcome)]),
    ),
  ]);
  return Object.fromEntries(rows) as Table<State, Event['type']>;
};
