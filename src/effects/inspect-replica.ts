/** A first look at a destination: what is there, is it ours, and from where do uploads go on? (D-5, I-3, I-21) */
import { ALL_LEVELS } from '#domain/level';
import { laterTxid, type Txid } from '#domain/txid';
import { replicaStream } from '#events/streams';
import type { LocalLtxFile } from '#ports/level-zero';
import type { LtxFileInfo, ReplicaStorage } from '#ports/storage';
import type { DatabaseScope, ReplicaScope } from './database-scope.ts';

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

/** The end of the run a restore can reach: the newest snapshot, extended by whatever continues it. */
export const coverage = (files: readonly LtxFileInfo[]): Txid => {
  const base = files.reduce((reach, file) => (file.minTxid === 1n ? laterTxid(reach, file.maxTxid) : reach), 0n);
  const rest = files.filter((file) => file.maxTxid > base).sort((a, b) => (a.minTxid < b.minTxid ? -1 : 1));
  let reach = base;
  for (const file of rest) {
    if (file.minTxid > reach + 1n) break;
    reach = laterTxid(reach, file.maxTxid);
  }
  return reach;
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
  const highestTxid = files.reduce((highest, file) => laterTxid(highest, file.maxTxid), 0n);
  const coveredThrough = coverage(files);
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
  const remote = new Map(
    files.filter((file) => file.level === 0 && file.minTxid === file.maxTxid).map((file) => [file.maxTxid, file]),
  );
  const common = local.findLast((file) => remote.has(file.maxTxid));
  if (common === undefined) return false;
  const there = remote.get(common.maxTxid);
  if (there === undefined || there.sizeBytes !== common.sizeBytes) return false;
  const ends = await scope.levelZero.readEnds(common.maxTxid, { headBytes: HEADER_BYTES, tailBytes: TRAILER_BYTES });
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
