/** One database and its replicas in memory: local files, storages with faults, facts, and a source that obeys scripts. */

import { createSimulatedClock } from '#adapters/clock/simulated/simulated-clock';
import { createMemoryFactLog, type MemoryFactRow } from '#adapters/facts/memory/memory-fact-log';
import { createMemoryBucket } from '#adapters/storage/memory/bucket';
import type { StorageFaults } from '#adapters/storage/memory/faults';
import { createMemoryStorage } from '#adapters/storage/memory/memory-storage';
import type { Level } from '#domain/level';
import type { TxidRange } from '#domain/txid';
import { type DatabaseScope, emptyReplicaMemory, type ReplicaScope } from '#effects/database-scope';
import type { FullCopies } from '#effects/full-copies';
import { ReplicationError } from '#errors/replication-error';
import type { LevelZeroFiles } from '#ports/level-zero';
import type { Log } from '#ports/log';
import type { PassOutcome, SourceDatabase } from '#ports/source';
import type { ByteStream } from '#ports/storage';

/** Never aborted. */
export const noAbort = new AbortController().signal;

/** Bytes that a storage takes for an LTX file: header, `content`, 16 bytes of trailer made of `content`. */
export const ltxBytes = ({ minTxid, maxTxid }: TxidRange, content = 'ours'): Uint8Array => {
  const header = Buffer.alloc(100);
  header.write('LTX1');
  header.writeBigUInt64BE(minTxid, 16);
  header.writeBigUInt64BE(maxTxid, 24);
  return Buffer.concat([header, Buffer.from(content), Buffer.alloc(16, content)]);
};

async function* streamOf(bytes: Uint8Array): ByteStream {
  yield bytes;
}

/** Level-0 files in memory; `full` are the TXIDs of full copies. */
const createLevelZero = () => {
  const files = new Map<bigint, Uint8Array>();
  const staged: Uint8Array[] = [];
  const levelZero: LevelZeroFiles = {
    list: async () =>
      [...files]
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([txid, bytes]) => ({ minTxid: txid, maxTxid: txid, sizeBytes: bytes.length, modifiedAtMs: 0 })),
    open: async (txid) => {
      const bytes = files.get(txid);
      if (bytes === undefined)
        throw new ReplicationError('LTX_FILE_MISSING', `no local file ${txid}`, { retryable: true });
      return streamOf(bytes);
    },
    readEnds: async (txid, { headBytes, tailBytes }) => {
      const bytes = files.get(txid);
      return bytes && { sizeBytes: bytes.length, head: bytes.slice(0, headBytes), tail: bytes.slice(-tailBytes) };
    },
    stage: async (body) => {
      const chunks: Uint8Array[] = [];
      for await (const chunk of body) chunks.push(chunk);
      staged.push(Buffer.concat(chunks));
      return `staged-${staged.length - 1}`;
    },
    discard: async (path) => {
      staged.splice(Number(path.slice('staged-'.length)), 1);
    },
    removeAll: async () => files.clear(),
  };
  return { files, staged, levelZero };
};

/** A world with one replica `a`; more replicas by `addReplica`. Local files are added by `commit`. */
export const createWorld = ({ l0RetentionMs = 300_000 }: { readonly l0RetentionMs?: number } = {}) => {
  const clock = createSimulatedClock({ startMs: 1_000_000 });
  const rows: MemoryFactRow[] = [];
  const lines: string[] = [];
  const log: Log = { write: (level, message) => void lines.push(`${level} ${message}`), with: () => log };
  const { files, staged, levelZero } = createLevelZero();
  const fullCopyTxids = new Set<bigint>();
  const calls: string[] = [];
  const passes: PassOutcome[] = [];
  const quiet = (): PassOutcome => ({
    position: [...files.keys()].reduce((newest, txid) => (txid > newest ? txid : newest), 0n),
    written: [],
    isMoreWaiting: false,
    checkpointInput: { walBytes: 0, pageSize: 4_096, hasSyncedSinceCheckpoint: false, databaseAgeMs: 0 },
    violations: 0,
  });
  let needAbove: bigint | undefined;
  const source: SourceDatabase = {
    open: async () => ({ kind: 'opened', position: quiet().position, pageSize: 4_096, walBytes: 0 }),
    look: async () => ({ hasChanged: false, walBytes: 0 }),
    pass: async () => {
      calls.push('pass');
      const scripted = passes.shift();
      if (scripted !== undefined) return scripted;
      if (needAbove === undefined) return quiet();
      const txid = (needAbove > quiet().position ? needAbove : quiet().position) + 1n;
      needAbove = undefined;
      commit(txid, { isFullCopy: true });
      return { ...quiet(), written: [{ txid, sizeBytes: 1, commit: 1, snapshotReason: 'required' }] };
    },
    checkpoint: async () => ({
      result: 'busy',
      logFrames: 0,
      checkpointedFrames: 0,
      heldMs: 0,
      isReaderBlocking: false,
    }),
    requireSnapshot: async ({ after }) => {
      calls.push(`requireSnapshot ${after}`);
      needAbove = after;
    },
    adopt: async ({ stagedPath, txid }) => {
      calls.push(`adopt ${txid}`);
      files.clear();
      files.set(txid, staged[Number(stagedPath.slice('staged-'.length))] ?? new Uint8Array());
    },
    trim: async (txids) => {
      calls.push(`trim ${txids.join(' ')}`);
      for (const txid of txids) files.delete(txid);
    },
    close: async () => {
      calls.push('close');
      return { position: quiet().position, written: [] };
    },
  };
  const commit = (txid: bigint, { content = 'ours', isFullCopy = txid === 1n } = {}): void => {
    files.set(txid, ltxBytes({ minTxid: txid, maxTxid: txid }, content));
    if (isFullCopy) fullCopyTxids.add(txid);
  };
  const replicas = new Map<string, ReplicaScope>();
  const addReplica = (name: string, faults: StorageFaults = {}, maxSyncLtxFiles = 0) => {
    const bucket = createMemoryBucket();
    const uploads: string[] = [];
    const storage = createMemoryStorage({
      bucket,
      faults: {
        ...faults,
        after: (call) => {
          if (call.operation === 'write')
            uploads.push(`${call.level} ${call.ranges?.map((r) => `${r.minTxid}-${r.maxTxid}`)}`);
          return faults.after?.(call);
        },
      },
    });
    const scope: ReplicaScope = {
      name,
      storage,
      maxSyncLtxFiles,
      uploads: { run: (work) => work() },
      log,
      memory: emptyReplicaMemory(),
    };
    replicas.set(name, scope);
    const put = (level: Level, minTxid: bigint, maxTxid: bigint, content = 'ours'): void => {
      const bytes = ltxBytes({ minTxid, maxTxid }, content);
      bucket.put({ info: { level, minTxid, maxTxid, sizeBytes: bytes.length, createdAtMs: 0 }, bytes });
    };
    return { scope, bucket, uploads, put };
  };
  const scope: DatabaseScope = {
    path: '/data/app.db',
    source,
    levelZero,
    replicas,
    facts: createMemoryFactLog({ clock, rows }),
    log,
    clock,
    l0RetentionMs,
  };
  const fullCopies: FullCopies = {
    isFullCopy: async (_, { maxTxid }) => fullCopyTxids.has(maxTxid),
    hasOtherPageSize: async () => false,
    asSnapshot: (_, txid) => streamOf(ltxBytes({ minTxid: 1n, maxTxid: txid })),
  };
  const factTypes = (): readonly string[] => rows.map(({ type }) => type);
  return { scope, clock, files, staged, calls, passes, lines, fullCopies, commit, addReplica, factTypes };
};
