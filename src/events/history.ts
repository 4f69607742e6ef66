/** Facts for people: one line each, and the same as JSON. */
import { formatTxid, formatTxidRange } from '#domain/txid';
import { encodeFact } from './codec.ts';
import type { Fact, RecordedFact } from './facts.ts';
import { parseStream } from './streams.ts';

/** `2026-03-01T09:30:00Z  /data/app.db s3  connected, highest TXID 0000000000000012, history: same` */
export const formatHistoryLine = ({ atMs, stream, fact }: RecordedFact): string =>
  `${formatTime(atMs)}  ${formatPlace(stream)}  ${describeFact(fact)}`;

/** Whole seconds, UTC. */
const formatTime = (atMs: number): string => `${new Date(atMs).toISOString().slice(0, 19)}Z`;

const formatPlace = (stream: string): string => {
  const place = parseStream(stream);
  switch (place?.kind) {
    case undefined:
      return stream;
    case 'daemon':
      return 'daemon';
    case 'database':
      return place.path;
    case 'replica':
      return `${place.path} ${place.replica}`;
    case 'level':
      return `${place.path} ${place.replica} level ${place.level}`;
  }
};

const count = (number: number, one: string, many = `${one}s`): string => `${number} ${number === 1 ? one : many}`;

const named = (name: string, value: string | number | undefined): string =>
  value === undefined ? '' : `, ${name} ${value}`;

const oneLine = (text: string): string => text.replace(/\s+/g, ' ').trim();

/** What a fact says, in one line without time and place. */
export const describeFact = (fact: Fact): string => {
  switch (fact.type) {
    case 'daemon.started':
      return ['started', named('version', fact.version), named('process', fact.processId)].join('');
    case 'daemon.stopped':
      return fact.unreplicated === 0
        ? 'stopped, everything replicated'
        : `stopped, ${count(fact.unreplicated, 'replica')} behind`;
    case 'configuration.applied':
      return `configuration ${fact.path ?? 'of the command line'} applied, ${count(fact.databases, 'database')}`;
    case 'configuration.rejected':
      return `configuration ${fact.path ?? 'of the command line'} rejected: ${oneLine(fact.problems.join('; '))}`;
    case 'database.opened':
      return `opened at TXID ${formatTxid(fact.position)} (${fact.verdict})`;
    case 'snapshot.forced':
      return `full copy at TXID ${formatTxid(fact.txid)}${fact.reason === '' ? '' : `: ${oneLine(fact.reason)}`}`;
    case 'wal.checkpointed':
      return `checkpoint (${fact.mode}), ${count(fact.frames, 'frame')}, write lock held ${fact.heldMs} ms`;
    case 'database.reset':
      return `local state reset: ${oneLine(fact.cause)}`;
    case 'source.replaced':
      return 'another file stands at the path';
    case 'database.quarantined':
      return `quarantined: ${oneLine(fact.cause)}`;
    case 'database.resumed':
      return 'resumed';
    case 'local.adopted':
      return `continued from replica ${fact.replica} at TXID ${formatTxid(fact.txid)}`;
    case 'drill.passed':
      return `restore drill passed at TXID ${formatTxid(fact.txid)}, ${fact.sizeBytes} bytes in ${fact.durationMs} ms`;
    case 'drill.failed':
      return `restore drill failed while ${fact.stage}: ${oneLine(fact.cause)}`;
    case 'replica.connected':
      return `connected, highest TXID ${formatTxid(fact.position)}, history: ${fact.verdict}`;
    case 'replica.diverged':
      return `holds another history up to TXID ${formatTxid(fact.position)}`;
    case 'replica.recovered':
      return `works again after ${fact.downMs} ms`;
    case 'replica.fenced':
      return `lease held by ${oneLine(fact.holder)}, nothing is written`;
    case 'level.compacted':
      return `compacted ${formatTxidRange(fact)}, ${fact.sizeBytes} bytes`;
    case 'level.pruned':
      return `pruned ${count(fact.files, 'file')} through TXID ${formatTxid(fact.through)}`;
    case 'level.repaired':
      return `repaired ${formatTxidRange(fact)}`;
    case 'snapshot.taken':
      return `snapshot at TXID ${formatTxid(fact.txid)}, ${fact.sizeBytes} bytes in ${fact.durationMs} ms (${fact.reason})`;
    case 'snapshots.pruned':
      return `pruned ${count(fact.files, 'snapshot')} through TXID ${formatTxid(fact.through)}`;
    case 'facts.lost':
      return `${count(fact.count, 'fact')} missing here: the log could not be written`;
    case 'state.folded':
      return 'earlier facts were summed up here';
  }
};

/** The JSON form of a record: `seq`, `time` (RFC 3339), `stream`, `type`, then the fields of the fact with TXIDs as text. */
export const historyJson = (record: RecordedFact): Readonly<Record<string, unknown>> => {
  const { seq, atMs, stream, fact } = record;
  const fields = JSON.parse(encodeFact(stream, fact).data) as Readonly<Record<string, unknown>>;
  return { seq, time: new Date(atMs).toISOString(), stream, type: fact.type, ...fields };
};
