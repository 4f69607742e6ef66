/**
 * Facts added up. Pure and total: a fact that this version does not know is an error, a fact of another kind of stream
 * changes nothing, and any order of known facts gives a state.
 */
import type { Level } from '#domain/level';
import { laterTxid } from '#domain/txid';
import { ReplicationError } from '#errors/replication-error';
import { FACT_SHAPES } from './codec.ts';
import type { Fact, FactType, RecordedFact } from './facts.ts';
import {
  type DaemonState,
  type DatabaseState,
  type FoldedState,
  INITIAL_DAEMON,
  INITIAL_DATABASE,
  INITIAL_LEVEL,
  INITIAL_REPLICA,
  type LevelState,
  type ReplicaState,
  type StreamKind,
} from './states.ts';
import { parseStream } from './streams.ts';

type FactOf<Type extends FactType> = Extract<Fact, { readonly type: Type }>;

/** What each type does to a state. Types left out do nothing to it. */
type Changes<State> = {
  readonly [Type in FactType]?: (state: State, fact: FactOf<Type>, atMs: number) => Partial<State>;
};

const lost = (state: { readonly lost: number }, { count }: FactOf<'facts.lost'>): { readonly lost: number } => ({
  lost: state.lost + count,
});

const DAEMON: Changes<DaemonState> = {
  'daemon.started': (_, { version }, atMs) => ({
    version,
    startedAtMs: atMs,
    stoppedAtMs: undefined,
    unreplicated: 0,
  }),
  'daemon.stopped': (_, { unreplicated }, atMs) => ({ stoppedAtMs: atMs, unreplicated }),
  'configuration.applied': (_, { path, databases }, atMs) => ({
    configuration: { atMs, path, databases },
    rejection: undefined,
  }),
  'configuration.rejected': (_, { path, problems }, atMs) => ({ rejection: { atMs, path, problems } }),
  'facts.lost': lost,
};

const DATABASE: Changes<DatabaseState> = {
  'database.opened': (_, { verdict, position }, atMs) => ({ openedAtMs: atMs, verdict, position }),
  'snapshot.forced': (state, { txid, reason }, atMs) => ({
    fullCopy: { atMs, txid, reason },
    position: laterTxid(state.position, txid),
  }),
  'wal.checkpointed': (_, { mode, frames, heldMs }, atMs) => ({ checkpoint: { atMs, mode, frames, heldMs } }),
  'database.reset': (_, { cause }, atMs) => ({ reset: { atMs, cause }, position: 0n }),
  'source.replaced': (_, _fact, atMs) => ({ replacedAtMs: atMs }),
  'database.quarantined': (_, { cause }, atMs) => ({ quarantine: { atMs, cause } }),
  'database.resumed': () => ({ quarantine: undefined }),
  'local.adopted': (_, { replica, txid }, atMs) => ({ adopted: { atMs, replica, txid }, position: txid }),
  'drill.passed': (_, { txid, sizeBytes, durationMs }, atMs) => ({
    drill: { result: 'passed', atMs, txid, sizeBytes, durationMs },
  }),
  'drill.failed': (_, { stage, cause }, atMs) => ({ drill: { result: 'failed', atMs, stage, cause } }),
  'facts.lost': lost,
};

const REPLICA: Changes<ReplicaState> = {
  'replica.connected': (_, { position, verdict }, atMs) => ({
    connectedAtMs: atMs,
    position,
    verdict,
    fencedBy: undefined,
  }),
  'replica.diverged': (_, { position }, atMs) => ({ divergedAtMs: atMs, position }),
  'replica.recovered': (_, { downMs }, atMs) => ({ recovered: { atMs, downMs }, fencedBy: undefined }),
  'replica.fenced': (_, { holder }) => ({ fencedBy: holder }),
  'facts.lost': lost,
};

const pruned = (_: LevelState, { through, files }: FactOf<'level.pruned' | 'snapshots.pruned'>, atMs: number) => ({
  pruned: { atMs, through, files },
});

const LEVEL: Changes<LevelState> = {
  'level.compacted': (_, { minTxid, maxTxid, sizeBytes }, atMs) => ({
    compacted: { atMs, minTxid, maxTxid, sizeBytes },
  }),
  'level.pruned': pruned,
  'snapshots.pruned': pruned,
  'level.repaired': (_, { minTxid, maxTxid }, atMs) => ({ repaired: { atMs, minTxid, maxTxid } }),
  'snapshot.taken': (_, { txid, sizeBytes, durationMs, reason }, atMs) => ({
    snapshot: { atMs, txid, sizeBytes, durationMs, reason },
  }),
  'facts.lost': lost,
};

/** Everything about one kind of stream that a fold needs. */
interface Folding<State> {
  readonly kind: StreamKind;
  readonly initial: State;
  readonly changes: Changes<State>;
}

const apply = <State extends object>(
  { kind, initial, changes }: Folding<State>,
  state: State,
  record: RecordedFact,
): State => {
  const { fact, atMs } = record;
  if (!Object.hasOwn(FACT_SHAPES, fact.type)) {
    throw new ReplicationError('FACT_UNKNOWN', `cannot fold ${String(fact.type)}: this version does not know it`, {
      retryable: false,
    });
  }
  if (fact.type === 'state.folded') {
    // The kind says which state it is; fields that older releases did not have keep their initial value.
    return fact.kind === kind ? ({ ...initial, ...fact.state } as State) : state;
  }
  // The table pairs each type with its own fact; the compiler cannot follow that through a computed key.
  const change = changes[fact.type] as ((state: State, fact: Fact, atMs: number) => Partial<State>) | undefined;
  return change === undefined ? state : { ...state, ...change(state, fact, atMs) };
};

const fold = <State extends object>(folding: Folding<State>, records: Iterable<RecordedFact>): State => {
  let state = folding.initial;
  for (const record of records) {
    if (parseStream(record.stream)?.kind === folding.kind) state = apply(folding, state, record);
  }
  return state;
};

const DAEMON_FOLDING: Folding<DaemonState> = { kind: 'daemon', initial: INITIAL_DAEMON, changes: DAEMON };
const DATABASE_FOLDING: Folding<DatabaseState> = { kind: 'database', initial: INITIAL_DATABASE, changes: DATABASE };
const REPLICA_FOLDING: Folding<ReplicaState> = { kind: 'replica', initial: INITIAL_REPLICA, changes: REPLICA };
const LEVEL_FOLDING: Folding<LevelState> = { kind: 'level', initial: INITIAL_LEVEL, changes: LEVEL };

/** The daemon's state; facts of other streams among the records do not matter. */
export const foldDaemon = (records: Iterable<RecordedFact>): DaemonState => fold(DAEMON_FOLDING, records);

/** The state of one database, from its stream (and the streams below it, which do not matter). */
export const foldDatabase = (records: Iterable<RecordedFact>): DatabaseState => fold(DATABASE_FOLDING, records);

/** The state of one replica, from its stream. */
export const foldReplica = (records: Iterable<RecordedFact>): ReplicaState => fold(REPLICA_FOLDING, records);

/** The states of the levels of one replica, from the streams below it; a level without facts is absent. */
export const foldLevels = (records: Iterable<RecordedFact>): ReadonlyMap<Level, LevelState> => {
  const levels = new Map<Level, LevelState>();
  for (const record of records) {
    const place = parseStream(record.stream);
    if (place?.kind !== 'level') continue;
    levels.set(place.level, apply(LEVEL_FOLDING, levels.get(place.level) ?? INITIAL_LEVEL, record));
  }
  return levels;
};

/** The state of one stream, of whatever kind, from facts of that stream alone. */
export const foldStream = (kind: StreamKind, records: Iterable<RecordedFact>): FoldedState => {
  switch (kind) {
    case 'daemon':
      return { kind, state: fold(DAEMON_FOLDING, records) };
    case 'database':
      return { kind, state: fold(DATABASE_FOLDING, records) };
    case 'replica':
      return { kind, state: fold(REPLICA_FOLDING, records) };
    case 'level':
      return { kind, state: fold(LEVEL_FOLDING, records) };
  }
};
