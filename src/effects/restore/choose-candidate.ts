/** From the listings of all replicas to the one set of files a restore uses. */
import { chooseFormat } from '#domain/restore-format';
import { planRestore } from '#domain/restore-plan';
import { planV03Restore } from '#domain/v03-plan';
import { errorCodeOf, messageOf, ReplicationError } from '#errors/replication-error';
import type { LtxFileInfo } from '#ports/storage';
import { inParallel } from './in-parallel.ts';
import { listReplica, type ReplicaListing } from './list-replica.ts';
import type {
  RestoreCandidate,
  RestoreReplica,
  RestoreRequest,
  RestoreServices,
  RestoreTarget,
} from './restore-types.ts';

const PARALLEL_REPLICAS = 4;

/** Errors that say "this replica has nothing for the target": another replica may have it. */
const NOTHING_THERE = new Set<string>(['RESTORE_NOT_AVAILABLE', 'V03_NO_SNAPSHOT']);

/** A broken chain: worth a word, and a look at the other replicas. */
const CHAIN_BROKEN = new Set<string>(['RESTORE_GAP', 'V03_GAP', 'LTX_TRUNCATED']);

/**
 * The replica with the newest state for the target, the first named among equals, then the others that reach the same
 * state. A replica that cannot be listed fails the restore, because the newest state may be there; so does a broken chain
 * when no other replica has a whole one. Errors: `RESTORE_NOT_AVAILABLE`, `RESTORE_GAP`, `V03_NO_SNAPSHOT`, `STORAGE_*`.
 */
export const chooseCandidates = async (
  services: RestoreServices,
  { replicas, target, signal }: RestoreRequest,
): Promise<readonly [RestoreCandidate, ...RestoreCandidate[]]> => {
  const outcomes = await inParallel(replicas, PARALLEL_REPLICAS, (replica) =>
    planReplica(services, replica, target, signal),
  );
  const candidates: RestoreCandidate[] = [];
  const errors: ReplicationError[] = [];
  for (const outcome of outcomes) {
    if (outcome instanceof ReplicationError) errors.push(outcome);
    else candidates.push(outcome);
  }
  const [first, ...others] = candidates;
  const broken = errors.find(({ code }) => CHAIN_BROKEN.has(code));
  if (first === undefined) throw broken ?? errors[0] ?? notAvailable();
  if (broken !== undefined) services.log.write('warn', 'replica skipped', { error: broken.message });
  const best = others.reduce((newest, next) => (isNewer(next, newest) ? next : newest), first);
  return [best, ...candidates.filter((candidate) => candidate !== best && isSameState(candidate, best))];
};

/** What one replica can give, or why it cannot give anything. */
const planReplica = async (
  services: RestoreServices,
  replica: RestoreReplica,
  target: RestoreTarget,
  signal: AbortSignal,
): Promise<RestoreCandidate | ReplicationError> => {
  const wantsV03Only = target.generation !== undefined || target.index !== undefined;
  const hasTxid = target.txid !== undefined && target.txid > 0n;
  const mode = target.timestampMs === undefined ? 'fast' : 'exact';
  const listing = await listReplica(services, replica.storage, { mode, includesV03: !hasTxid }, signal);
  try {
    if (wantsV03Only && listing.v03.snapshots.length === 0) throw noV03Data(replica);
    if (wantsV03Only) return planV03(replica, listing, target);
    return planEither(replica, listing, target);
  } catch (error) {
    const code = errorCodeOf(error);
    if (error instanceof ReplicationError && (NOTHING_THERE.has(code) || CHAIN_BROKEN.has(code))) return error;
    throw error;
  }
};

/**
 * The format with the newer restorable state, increments included. A format whose chain is broken does not hide
 * behind the other one: when its files are the newer, its error counts.
 */
const planEither = (replica: RestoreReplica, listing: ReplicaListing, target: RestoreTarget): RestoreCandidate => {
  if (listing.v03.snapshots.length === 0 && listing.v03.segments.length === 0) return planLtx(replica, listing, target);
  if (listing.files.length === 0) return planV03(replica, listing, target);
  const ltx = attempt(() => planLtx(replica, listing, target));
  const v03 = attempt(() => planV03(replica, listing, target));
  if (ltx instanceof ReplicationError) {
    if (v03 instanceof ReplicationError) throw CHAIN_BROKEN.has(ltx.code) ? ltx : v03;
    if (CHAIN_BROKEN.has(ltx.code) && newestMs(listing.files, target) > v03.reachedMs) throw ltx;
    return v03;
  }
  if (v03 instanceof ReplicationError) return ltx;
  return chooseFormat({ ltxReachedMs: ltx.reachedMs, v03ReachedMs: v03.reachedMs }) === 'v0.3' ? v03 : ltx;
};

const attempt = (plan: () => RestoreCandidate): RestoreCandidate | ReplicationError => {
  try {
    return plan();
  } catch (error) {
    if (error instanceof ReplicationError) return error;
    throw error;
  }
};

/** Time of the newest file the target allows. */
const newestMs = (files: readonly LtxFileInfo[], { timestampMs = Number.POSITIVE_INFINITY }: RestoreTarget): number =>
  files.reduce((newest, { createdAtMs }) => (createdAtMs < timestampMs ? Math.max(newest, createdAtMs) : newest), 0);

const planLtx = (replica: RestoreReplica, listing: ReplicaListing, target: RestoreTarget): RestoreCandidate => ({
  format: 'ltx',
  replica,
  ...planRestore(listing.files, target),
});

/** Nothing at or before a time is no backup, as with LTX data. */
const planV03 = (replica: RestoreReplica, { v03 }: ReplicaListing, target: RestoreTarget): RestoreCandidate => {
  try {
    const plan = planV03Restore(v03.snapshots, v03.segments, target);
    return { format: 'v0.3', replica, plan, reachedMs: plan.reachedMs };
  } catch (error) {
    if (errorCodeOf(error) === 'V03_NO_SNAPSHOT' && target.timestampMs !== undefined)
      throw notAvailable(messageOf(error));
    throw error;
  }
};

/** TXIDs of one database compare across replicas; times do where a format has no TXID. */
const isNewer = (a: RestoreCandidate, b: RestoreCandidate): boolean =>
  a.format === 'ltx' && b.format === 'ltx' ? a.reachedTxid > b.reachedTxid : a.reachedMs > b.reachedMs;

const isSameState = (a: RestoreCandidate, b: RestoreCandidate): boolean =>
  a.format === 'ltx' && b.format === 'ltx' && a.reachedTxid === b.reachedTxid;

const noV03Data = ({ name, storage }: RestoreReplica): ReplicationError =>
  new ReplicationError('V03_NO_SNAPSHOT', `replica ${name} (${storage.location}) holds no v0.3 backup`, {
    retryable: false,
    hint: '-generation and -index choose from v0.3 backups; use -txid or -timestamp.',
  });

const notAvailable = (cause?: string): ReplicationError =>
  new ReplicationError('RESTORE_NOT_AVAILABLE', 'no matching backup files available', {
    retryable: false,
    hint: 'Look at what there is with "ltx -level all", or choose another -txid or -timestamp.',
    ...(cause === undefined ? {} : { details: { cause } }),
  });
