/** One fact of every type, each in a stream it belongs to. A new type does not compile without its sample. */
import type { Fact, FactType } from '#events/facts';
import { INITIAL_REPLICA } from '#events/states';
import { DAEMON_STREAM, databaseStream, levelStream, replicaStream } from '#events/streams';

export const PATH = '/data/app.db';
export const DATABASE = databaseStream(PATH);
export const REPLICA = replicaStream(PATH, 's3');
export const LEVEL_1 = levelStream(PATH, 's3', 1);
export const LEVEL_9 = levelStream(PATH, 's3', 9);

type Samples = { readonly [Type in FactType]: readonly [string, Extract<Fact, { readonly type: Type }>] };

const SAMPLES: Samples = {
  'daemon.started': [DAEMON_STREAM, { type: 'daemon.started', version: '0.5.17', processId: 42 }],
  'configuration.applied': [
    DAEMON_STREAM,
    { type: 'configuration.applied', path: '/etc/litestream.yml', databases: 1 },
  ],
  'configuration.rejected': [
    DAEMON_STREAM,
    {
      type: 'configuration.rejected',
      path: '/etc/litestream.yml',
      problems: ['line 3: unknown key', 'line 9: no url'],
    },
  ],
  'database.opened': [DATABASE, { type: 'database.opened', verdict: 'known', position: 0x12n }],
  'snapshot.forced': [DATABASE, { type: 'snapshot.forced', txid: 0x13n, reason: 'the WAL was restarted unseen' }],
  'wal.checkpointed': [DATABASE, { type: 'wal.checkpointed', mode: 'sealed', frames: 1200, heldMs: 2.5 }],
  'source.replaced': [DATABASE, { type: 'source.replaced' }],
  'database.reset': [DATABASE, { type: 'database.reset', cause: 'level-0 file damaged' }],
  'local.adopted': [DATABASE, { type: 'local.adopted', replica: 's3', txid: 0xffff_ffff_ffff_fffen }],
  'database.quarantined': [DATABASE, { type: 'database.quarantined', cause: 'database disk image is malformed' }],
  'database.resumed': [DATABASE, { type: 'database.resumed' }],
  'drill.failed': [DATABASE, { type: 'drill.failed', stage: 'restoring', cause: 'no space left' }],
  'drill.passed': [DATABASE, { type: 'drill.passed', txid: 0x14n, sizeBytes: 8192, durationMs: 90 }],
  'replica.connected': [REPLICA, { type: 'replica.connected', position: 0x12n, verdict: 'same' }],
  'replica.diverged': [REPLICA, { type: 'replica.diverged', position: 0x20n }],
  'replica.fenced': [REPLICA, { type: 'replica.fenced', holder: 'other:77' }],
  'replica.recovered': [REPLICA, { type: 'replica.recovered', downMs: 61_000 }],
  'level.compacted': [LEVEL_1, { type: 'level.compacted', minTxid: 1n, maxTxid: 0x10n, sizeBytes: 4096 }],
  'level.repaired': [LEVEL_1, { type: 'level.repaired', minTxid: 1n, maxTxid: 0x10n }],
  'level.pruned': [LEVEL_1, { type: 'level.pruned', through: 8n, files: 3 }],
  'snapshot.taken': [
    LEVEL_9,
    { type: 'snapshot.taken', txid: 0x12n, sizeBytes: 65_536, durationMs: 120, reason: 'schedule' },
  ],
  'snapshots.pruned': [LEVEL_9, { type: 'snapshots.pruned', through: 2n, files: 1 }],
  'facts.lost': [REPLICA, { type: 'facts.lost', count: 12 }],
  'state.folded': [
    REPLICA,
    {
      type: 'state.folded',
      kind: 'replica',
      state: { ...INITIAL_REPLICA, position: 0x12n, verdict: 'same', lost: 12 },
    },
  ],
  'daemon.stopped': [DAEMON_STREAM, { type: 'daemon.stopped', unreplicated: 1 }],
};

/** In the order above. */
export const SAMPLE_FACTS: readonly (readonly [string, Fact])[] = Object.values(SAMPLES);
