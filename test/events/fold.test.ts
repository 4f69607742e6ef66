import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Fact, RecordedFact } from '#events/facts';
import { foldDaemon, foldDatabase, foldLevels, foldReplica, foldStream } from '#events/fold';
import { INITIAL_DAEMON, INITIAL_DATABASE, INITIAL_LEVEL, INITIAL_REPLICA } from '#events/states';
import { DAEMON_STREAM, levelStream, replicaStream } from '#events/streams';
import { DATABASE, LEVEL_1, LEVEL_9, PATH, REPLICA, SAMPLE_FACTS } from './sample-facts.ts';

const record = ([stream, fact]: readonly [string, Fact], index: number): RecordedFact => ({
  seq: index + 1,
  stream,
  atMs: 1000 * (index + 1),
  fact,
});
const inStream = (stream: string, facts: readonly Fact[]): RecordedFact[] =>
  facts.map((fact, index) => record([stream, fact], index));

describe('the daemon', () => {
  it('runs from its start to its stop, and knows what was left over', () => {
    const started: Fact = { type: 'daemon.started', version: '1', processId: 7 };
    const stopped: Fact = { type: 'daemon.stopped', unreplicated: 1 };
    expect(foldDaemon(inStream(DAEMON_STREAM, [started, stopped]))).toEqual({
      ...INITIAL_DAEMON,
      version: '1',
      startedAtMs: 1000,
      stoppedAtMs: 2000,
      unreplicated: 1,
    });
    expect(foldDaemon(inStream(DAEMON_STREAM, [started, stopped, started]))).toMatchObject({
      startedAtMs: 3000,
      stoppedAtMs: undefined,
      unreplicated: 0,
    });
  });

  it('a refused configuration leaves the applied one, and is forgotten when one is accepted', () => {
    const applied: Fact = { type: 'configuration.applied', path: '/c', databases: 2 };
    const rejected: Fact = { type: 'configuration.rejected', path: '/c', problems: ['x'] };
    expect(foldDaemon(inStream(DAEMON_STREAM, [applied, rejected]))).toMatchObject({
      configuration: { atMs: 1000, path: '/c', databases: 2 },
      rejection: { atMs: 2000, path: '/c', problems: ['x'] },
    });
    expect(foldDaemon(inStream(DAEMON_STREAM, [rejected, applied])).rejection).toBeUndefined();
  });
});

describe('a database', () => {
  it('is quarantined until it is resumed', () => {
    const quarantined: Fact = { type: 'database.quarantined', cause: 'malformed' };
    expect(foldDatabase(inStream(DATABASE, [quarantined])).quarantine).toEqual({ atMs: 1000, cause: 'malformed' });
    expect(foldDatabase(inStream(DATABASE, [quarantined, { type: 'database.resumed' }])).quarantine).toBeUndefined();
  });

  it('its position follows openings, full copies, adoptions and resets', () => {
    const facts: Fact[] = [
      { type: 'database.opened', verdict: 'known', position: 5n },
      { type: 'snapshot.forced', txid: 7n, reason: 'gap' },
      { type: 'snapshot.forced', txid: 6n, reason: 'late' },
      { type: 'database.reset', cause: 'damaged' },
      { type: 'local.adopted', replica: 's3', txid: 40n },
    ];
    const positions = facts.map((_, index) => foldDatabase(inStream(DATABASE, facts.slice(0, index + 1))).position);
    expect(positions).toEqual([5n, 7n, 7n, 0n, 40n]);
  });

  it('remembers the last drill, checkpoint and reset', () => {
    const state = foldDatabase(SAMPLE_FACTS.map(record));
    expect(state).toMatchObject({
      checkpoint: { mode: 'sealed', frames: 1200, heldMs: 2.5 },
      reset: { cause: 'level-0 file damaged' },
      drill: { result: 'passed', txid: 0x14n },
      verdict: 'known',
      lost: 0,
    });
  });
});

describe('a replica', () => {
  it('is fenced until it writes again', () => {
    const fenced: Fact = { type: 'replica.fenced', holder: 'b:2' };
    expect(foldReplica(inStream(REPLICA, [fenced])).fencedBy).toBe('b:2');
    for (const next of [
      { type: 'replica.connected', position: 1n, verdict: 'same' },
      { type: 'replica.recovered', downMs: 5 },
    ] as const) {
      expect(foldReplica(inStream(REPLICA, [fenced, next])).fencedBy).toBeUndefined();
    }
  });

  it('has one state for each level that has facts', () => {
    const levels = foldLevels(SAMPLE_FACTS.map(record));
    expect([...levels.keys()]).toEqual([1, 9]);
    expect(levels.get(1)).toMatchObject({
      compacted: { minTxid: 1n, maxTxid: 0x10n, sizeBytes: 4096 },
      pruned: { through: 8n, files: 3 },
      snapshot: undefined,
    });
    expect(levels.get(9)).toMatchObject({
      snapshot: { txid: 0x12n, reason: 'schedule' },
      pruned: { through: 2n, files: 1 },
    });
  });

  it('gaps add up, also across a folded state', () => {
    const facts: Fact[] = [
      { type: 'facts.lost', count: 3 },
      { type: 'facts.lost', count: 4 },
    ];
    expect(foldReplica(inStream(REPLICA, facts)).lost).toBe(7);
    const folded: Fact = { type: 'state.folded', kind: 'replica', state: { ...INITIAL_REPLICA, lost: 7 } };
    expect(foldReplica(inStream(REPLICA, [folded, ...facts])).lost).toBe(14);
  });
});

describe('every fold', () => {
  it('of nothing is the initial state', () => {
    expect(foldDaemon([])).toEqual(INITIAL_DAEMON);
    expect(foldDatabase([])).toEqual(INITIAL_DATABASE);
    expect(foldReplica([])).toEqual(INITIAL_REPLICA);
    expect(foldLevels([]).size).toBe(0);
    expect(foldStream('level', [])).toEqual({ kind: 'level', state: INITIAL_LEVEL });
  });

  it('is total: any order of any facts gives a state', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...SAMPLE_FACTS), { maxLength: 60 }), (samples) => {
        const records = samples.map(record);
        foldDaemon(records);
        foldDatabase(records);
        foldReplica(records);
        foldLevels(records);
      }),
    );
  });

  it('refuses a fact it does not know', () => {
    const fact = { type: 'moon.landed' } as unknown as Fact;
    for (const [fold, stream] of [
      [foldDaemon, DAEMON_STREAM],
      [foldDatabase, DATABASE],
      [foldReplica, REPLICA],
      [foldLevels, LEVEL_9],
    ] as const) {
      expect(() => fold(inStream(stream, [fact]))).toThrow(expect.objectContaining({ code: 'FACT_UNKNOWN' }));
    }
  });

  it('gives fields that an older release did not write their initial value', () => {
    const state = { position: 3n } as unknown as typeof INITIAL_REPLICA;
    const records = inStream(REPLICA, [{ type: 'state.folded', kind: 'replica', state }]);
    expect(foldReplica(records)).toEqual({ ...INITIAL_REPLICA, position: 3n });
  });

  it('does not mix streams of another kind into its own', () => {
    const lost: Fact = { type: 'facts.lost', count: 1 };
    const records = [
      DAEMON_STREAM,
      DATABASE,
      REPLICA,
      LEVEL_1,
      replicaStream(PATH, 'b'),
      levelStream(PATH, 's3', 2),
    ].map((stream, index) => record([stream, lost], index));
    expect([foldDaemon(records).lost, foldDatabase(records).lost]).toEqual([1, 1]);
  });
});
