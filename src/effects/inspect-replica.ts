/** A first look at a destination: what is there, is it ours, and from where do uploads go on? (D-5, I-3, I-21) */
import { ALL_LEVELS } from '#domain/level';
import { coveredThrough as coverageOf, highestTxid as highestOf, newestCommonFile } from '#domain/replica-coverage';
import type { Txid } from '#domain/txid';
import { replicaStream } from '#events/streams';
import type { LocalLtxFile } from '#ports/level-zero';
import type { LtxFileInfo, ReplicaStorage } from '#ports/storage';
import type { DatabaseScope, ReplicaScope } from './database-scope.ts';

/** How a replica stands to the local files; `foreign`: one TXID, two contents. */
export type Verdict = 'empty' | 'same' | 'behind' | 'ahead' | 'foreign' | 'unreachable';

/** What the look found; see the replica machine. */
export interface Inspection {
  readonly verdict: Verdict;
  readonly highestTxid: Txid;
  readonly uploadedThrough: Txid;
  readonly coveredThrough: Txid;
}

/** Bytes at the end of an LTX file that identify its content: post-apply checksum and file checksum. */
const TRAILER_BYTES = 16;
const HEADER_BYTES = 100;

/** Lists every level and compares the newest common level-0 file byte by byte at both ends. Equal numbers prove nothing. */
export const inspectReplica = async (
  scope: DatabaseScope,
  replica: ReplicaScope,
  localPosition: Txid,
  signal: AbortSignal,
): Promise<Inspection> => {
  await replica.storage.init(signal);
  const files = await listAll(replica.storage, signal);
  const local = await scope.levelZero.list();
  const inspection = await judge(scope, replica, { files, local, localPosition }, signal);
  replica.memory.lastContactMs = scope.clock.nowMs();
  replica.memory.acknowledged = inspection.uploadedThrough;
  replica.memory.newestLevelZero = highestOf(
    files.filter(
      ({ level, minTxid, maxTxid }) => level === 0 && minTxid === maxTxid && maxTxid <= inspection.uploadedThrough,
    ),
  );
  const downMs =
    replica.memory.failingSinceMs === undefined ? undefined : scope.clock.nowMs() - replica.memory.failingSinceMs;
  replica.memory.failingSinceMs = undefined;
  const stream = replicaStream(scope.path, replica.name);
  if (downMs !== undefined) {
    await scope.facts.append(stream, { type: 'replica.recovered', downMs });
    replica.log.write('info', 'replica sync recovered', { 'down-ms': downMs });
  } else {
    await scope.facts.append(stream, {
      type: 'replica.connected',
      position: inspection.highestTxid,
      verdict: inspection.verdict,
    });
  }
  if (inspection.verdict === 'foreign' || inspection.verdict === 'unreachable') {
    await scope.facts.append(stream, { type: 'replica.diverged', position: inspection.highestTxid });
    replica.log.write('warn', 'the replica holds another history; it is continued by a full copy above it', {
      verdict: inspection.verdict,
    });
  }
  return inspection;
};

/** Every file of every level; memory grows with the number of files, not with their size. */
const listAll = async (storage: ReplicaStorage, signal: AbortSignal): Promise<readonly LtxFileInfo[]> => {
  const levels = await Promise.all(
    ALL_LEVELS.map(async (level) => {
      const files: LtxFileInfo[] = [];
      for await (const file of storage.listLtxFiles(level, 0n, 'fast', signal)) files.push(file);
      return files;
    }),
  );
  return levels.flat();
};

const judge = async (
  scope: DatabaseScope,
  replica: ReplicaScope,
  {
    files,
    local,
    localPosition,
  }: { files: readonly LtxFileInfo[]; local: readonly LocalLtxFile[]; localPosition: Txid },
  signal: AbortSignal,
): Promise<Inspection> => {
  const highestTxid = highestOf(files);
  const coveredThrough = coverageOf(files);
  const answer = (verdict: Verdict, uploadedThrough: Txid): Inspection => ({
    verdict,
    highestTxid,
    uploadedThrough,
    coveredThrough,
  });
  if (highestTxid === 0n) return answer('empty', 0n);
  if (localPosition === 0n) return answer(coveredThrough === highestTxid ? 'ahead' : 'unreachable', 0n);
  const isOurs = await hasCommonFile(scope, replica, { files, local }, signal);
  if (!isOurs) return answer(highestTxid > localPosition && local.length === 0 ? 'ahead' : 'foreign', 0n);
  if (highestTxid > localPosition) return answer(coveredThrough === highestTxid ? 'ahead' : 'unreachable', 0n);
  return answer(coveredThrough === localPosition ? 'same' : 'behind', coveredThrough);
};

/** Is the newest level-0 file that both sides have the same file? False when there is none. */
const hasCommonFile = async (
  scope: DatabaseScope,
  replica: ReplicaScope,
  { files, local }: { files: readonly LtxFileInfo[]; local: readonly LocalLtxFile[] },
  signal: AbortSignal,
): Promise<boolean> => {
  const common = newestCommonFile(
    local.map(({ maxTxid, sizeBytes }) => ({ txid: maxTxid, sizeBytes })),
    files,
  );
  if (common === undefined || common.remote.sizeBytes !== common.local.sizeBytes) return false;
  const there = common.remote;
  const ends = await scope.levelZero.readEnds(common.local.txid, { headBytes: HEADER_BYTES, tailBytes: TRAILER_BYTES });
  if (ends === undefined) return false;
  const head = await readRange(replica.storage, there, { offset: 0, lengthBytes: HEADER_BYTES }, signal);
  const tail = await readRange(
    replica.storage,
    there,
    { offset: there.sizeBytes - TRAILER_BYTES, lengthBytes: TRAILER_BYTES },
    signal,
  );
  return Buffer.compare(head, ends.head) === 0 && Buffer.compare(tail, ends.tail) === 0;
};

const readRange = async (
  storage: ReplicaStorage,
  file: LtxFileInfo,
  range: { readonly offset: number; readonly lengthBytes: number },
  signal: AbortSignal,
): Promise<Buffer> => {
  const chunks: Uint8Array[] = [];
  for await (const chunk of await storage.openLtxFile(file.level, file, range, signal)) chunks.push(chunk);
  return Buffer.concat(chunks);
};
