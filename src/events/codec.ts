/**
 * How a fact is stored: its type, the version of its shape, and its fields as JSON. TXIDs are 16 hex digits under the
 * names in {@link TXID_KEYS}, `bigint` in memory. A shape that changes gets the next version and an upcaster.
 */
import { formatTxid, parseTxid } from '#domain/txid';
import { InvariantViolation, messageOf, ReplicationError } from '#errors/replication-error';
import type { Fact, FactType } from './facts.ts';
import type { StreamKind } from './states.ts';
import { parseStream } from './streams.ts';

/** A fact as the log keeps it. */
export interface StoredFact {
  readonly type: string;
  /** Version of the shape of `data`, from 1. */
  readonly version: number;
  /** JSON object without the type. */
  readonly data: string;
}

type FactFields = Readonly<Record<string, unknown>>;

/** Turns the fields of one version into those of the next. Spread the old ones first: what you do not know stays. */
export type Upcaster = (old: FactFields) => FactFields;

/** What is known of a type. */
interface FactShape {
  /** The kind of stream it belongs to. */
  readonly home: StreamKind | 'any';
  /** One a version step: the first turns version 1 into 2. The current version is one more than their number. */
  readonly upcasters: readonly Upcaster[];
}

/** The shape of each fact by its type. */
export type FactShapes = Readonly<Record<string, FactShape>>;

const at = (home: FactShape['home'], upcasters: readonly Upcaster[] = []): FactShape => ({ home, upcasters });

/** Every fact this version knows. */
export const FACT_SHAPES: Readonly<Record<FactType, FactShape>> = {
  'configuration.applied': at('daemon'),
  'configuration.rejected': at('daemon'),
  'daemon.started': at('daemon'),
  'daemon.stopped': at('daemon'),
  'database.opened': at('database'),
  'database.quarantined': at('database'),
  'database.reset': at('database'),
  'database.resumed': at('database'),
  'drill.failed': at('database'),
  'drill.passed': at('database'),
  'facts.lost': at('any'),
  'level.compacted': at('level'),
  'level.pruned': at('level'),
  'level.repaired': at('level'),
  'local.adopted': at('database'),
  'replica.connected': at('replica'),
  'replica.diverged': at('replica'),
  'replica.fenced': at('replica'),
  'replica.recovered': at('replica'),
  'snapshot.forced': at('database'),
  'snapshot.taken': at('level'),
  'snapshots.pruned': at('level'),
  'source.replaced': at('database'),
  'state.folded': at('any'),
  'wal.checkpointed': at('database'),
};

/** Fields that hold a TXID, at any depth of any fact. */
export const TXID_KEYS: ReadonlySet<string> = new Set(['position', 'txid', 'minTxid', 'maxTxid', 'through']);

/**
 * The stored form of a fact about a stream. InvariantViolation when the fact does not belong to that kind of stream, or
 * holds a `bigint` under a name that is not a TXID's: both would be found only when the log is read.
 */
export const encodeFact = (stream: string, fact: Fact): StoredFact => {
  const shape = FACT_SHAPES[fact.type];
  const kind = parseStream(stream)?.kind;
  if (kind === undefined) throw new InvariantViolation(`"${stream}" is not the name of a stream`);
  if (shape.home !== 'any' && shape.home !== kind) {
    throw new InvariantViolation(`a fact ${fact.type} belongs to a ${shape.home} stream, not to ${stream}`);
  }
  const { type, ...fields } = fact;
  const data = JSON.stringify(fields, (key, value: unknown) => {
    if (typeof value !== 'bigint') return value;
    if (!TXID_KEYS.has(key))
      throw new InvariantViolation(`field ${key} of ${type} holds a bigint but is no TXID field`);
    return formatTxid(value);
  });
  return { type, version: shape.upcasters.length + 1, data };
};

/**
 * The fact that was stored, in today's shape. `FACT_UNKNOWN` for a type or version of a later release, `FACT_LOG_BROKEN` for
 * data that is no JSON object.
 */
export const decodeFact = ({ type, version, data }: StoredFact, shapes: FactShapes = FACT_SHAPES): Fact => {
  const shape = Object.hasOwn(shapes, type) ? shapes[type] : undefined;
  if (shape === undefined || version < 1 || version > shape.upcasters.length + 1) throw unknownFact(type, version);
  let fields = parseFields(type, data);
  for (const upcast of shape.upcasters.slice(version - 1)) fields = upcast(fields);
  // The log is our own: encodeFact wrote the fields from a Fact of this type.
  return { ...fields, type } as unknown as Fact;
};

const parseFields = (type: string, data: string): FactFields => {
  let value: unknown;
  try {
    value = JSON.parse(data, (key, field: unknown) =>
      TXID_KEYS.has(key) && typeof field === 'string' ? (parseTxid(field) ?? field) : field,
    );
  } catch (error) {
    throw brokenFact(type, messageOf(error), error);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw brokenFact(type, 'not an object');
  return value as FactFields;
};

const unknownFact = (type: string, version: number): ReplicationError =>
  new ReplicationError(
    'FACT_UNKNOWN',
    `the fact log holds ${type} version ${version}, which this version does not know`,
    {
      retryable: false,
      hint: 'A later release wrote it: use that release, or move the fact log away (its history is lost, no data is).',
      details: { type, version },
    },
  );

const brokenFact = (type: string, problem: string, cause?: unknown): ReplicationError =>
  new ReplicationError('FACT_LOG_BROKEN', `the fact log holds a damaged ${type}: ${problem}`, {
    retryable: false,
    hint: 'Move the fact log away; its history is lost, no data is.',
    details: { type },
    cause,
  });
