/**
 * A database from its replica.
 *
 *   look at the output -> list -> plan -> write a temporary file -> verify -> check -> swap
 *
 * RI-1: the output is absent, the old file or a complete verified database, at every moment. RI-5: nothing on the replica
 * changes. RI-6: a failure or an abort leaves no temporary file.
 */
import { formatTxid } from '#domain/txid';
import { errorCodeOf, messageOf, ReplicationError, throwIfAborted } from '#errors/replication-error';
import type { OutputFile } from '#ports/output-files';
import { chooseCandidates } from './choose-candidate.ts';
import { type Materialised, materialise } from './materialise.ts';
import { isOutputThere, type PreparedOutput, prepareOutput } from './prepare-output.ts';
import type { RestoreCandidate, RestoreOutcome, RestoreRequest, RestoreServices } from './restore-types.ts';
import { swap } from './swap.ts';
import { replayV03 } from './v03/replay.ts';

/** Plans tried when planned files vanish: retention and compaction may run beside a restore. */
export const PLANS_MAX = 4;

const SQLITE_COMPANIONS = ['-wal', '-shm', '-journal'] as const;

/**
 * Restores, plans or skips as asked. Errors: `OUTPUT_EXISTS`, `OUTPUT_INVALID`, `DISK_FULL`, `RESTORE_NOT_AVAILABLE`,
 * `RESTORE_GAP`, `LTX_*`, `V03_*`, `AGE_NOT_SUPPORTED`, `STORAGE_*`, `INTEGRITY_CHECK_FAILED`, `ABORTED`.
 */
export const restoreDatabase = async (services: RestoreServices, request: RestoreRequest): Promise<RestoreOutcome> => {
  const startedMs = services.clock.nowMs();
  const { signal, output } = request;
  throwIfAborted(signal, 'restore');
  if (request.ifDbNotExists && (await isOutputThere(services.files, output))) {
    return { kind: 'skipped', reason: 'databaseExists' };
  }
  const prepared = request.dryRun ? undefined : await prepareOutput(services.files, output, request.force);
  for (let plans = 1; ; plans += 1) {
    const candidates = await findCandidates(services, request);
    if (candidates === undefined) return { kind: 'skipped', reason: 'noBackup' };
    if (prepared === undefined) return { kind: 'planned', plan: candidates[0] };
    try {
      const { plan, sizeBytes } = await carryOutFirst(services, request, prepared, candidates);
      const durationMs = services.clock.nowMs() - startedMs;
      return { kind: 'restored', plan, sizeBytes, durationMs, integrity: request.integrity };
    } catch (error) {
      if (errorCodeOf(error) !== 'STORAGE_NOT_FOUND' || plans >= PLANS_MAX) throw error;
      services.log.write('info', 'replica changed during restore, planning again', { error: messageOf(error) });
    }
  }
};

type Candidates = readonly [RestoreCandidate, ...RestoreCandidate[]];

/** Undefined when there is no backup and that is allowed. */
const findCandidates = async (services: RestoreServices, request: RestoreRequest): Promise<Candidates | undefined> => {
  try {
    return await chooseCandidates(services, request);
  } catch (error) {
    const code = errorCodeOf(error);
    const isNoBackup = code === 'RESTORE_NOT_AVAILABLE' || code === 'V03_NO_SNAPSHOT';
    if (request.ifReplicaExists && isNoBackup) return undefined;
    throw error;
  }
};

/** A replica that proves damaged or fails is followed by the next one that holds the same state. */
const carryOutFirst = async (
  services: RestoreServices,
  request: RestoreRequest,
  prepared: PreparedOutput,
  [plan, next, ...others]: Candidates,
): Promise<Materialised & { readonly plan: RestoreCandidate }> => {
  try {
    return { ...(await carryOut(services, request, prepared, plan)), plan };
  } catch (error) {
    const isOfReplica = /^(?:LTX|LZ4|STORAGE)_/.test(errorCodeOf(error));
    if (next === undefined || !isOfReplica || request.signal.aborted) throw error;
    services.log.write('warn', 'restore failed, trying another replica', {
      replica: plan.replica.name,
      next: next.replica.name,
      error: messageOf(error),
    });
    return carryOutFirst(services, request, prepared, [next, ...others]);
  }
};

const carryOut = async (
  services: RestoreServices,
  request: RestoreRequest,
  prepared: PreparedOutput,
  plan: RestoreCandidate,
): Promise<Materialised> => {
  const { files, log } = services;
  const { signal, output } = request;
  await files.makeParents(output);
  for (const leftover of await files.findLeftovers(output)) {
    log.write('debug', 'removing leftover of an interrupted restore', { path: leftover });
    await files.remove(leftover);
  }
  const temporary = await files.createTemporary(output, prepared.ownership);
  try {
    const result = await fill(services, request, temporary, plan);
    await temporary.close();
    await checkIntegrity(services, request, temporary.path);
    throwIfAborted(signal, 'restore');
    request.onProgress?.({ phase: 'publishing', doneBytes: result.readBytes, totalBytes: result.readBytes });
    await swap(files, temporary.path, prepared);
    return result;
  } catch (error) {
    await discard(services, temporary);
    throw error;
  }
};

/** The first error is the one that matters; what cannot be removed now is removed by the next restore. */
const discard = async ({ files, log }: RestoreServices, temporary: OutputFile): Promise<void> => {
  try {
    await temporary.close();
    for (const suffix of ['', ...SQLITE_COMPANIONS]) await files.remove(temporary.path + suffix);
  } catch (error) {
    log.write('warn', 'cannot remove temporary file', { path: temporary.path, error: messageOf(error) });
  }
};

const fill = (
  services: RestoreServices,
  request: RestoreRequest,
  temporary: OutputFile,
  plan: RestoreCandidate,
): Promise<Materialised> => {
  const { log } = services;
  const replica = plan.replica.name;
  if (plan.format === 'v0.3') {
    const { snapshot, segments } = plan.plan;
    log.write('debug', 'restoring v0.3 backup', {
      replica,
      generation: snapshot.generation,
      segments: segments.length,
    });
    return replayV03(services, request, temporary, plan);
  }
  log.write('debug', 'restoring', { replica, txid: formatTxid(plan.reachedTxid), files: plan.files.length });
  return materialise(services, request, temporary, plan);
};

/** On the temporary file: a database that fails is never published. */
const checkIntegrity = async (services: RestoreServices, request: RestoreRequest, path: string): Promise<void> => {
  if (request.integrity === 'none') return;
  request.onProgress?.({ phase: 'checking', doneBytes: 0, totalBytes: 0 });
  const rows = await services.integrity.check(path, request.integrity);
  if (rows.length === 1 && rows[0] === 'ok') return;
  throw new ReplicationError(
    'INTEGRITY_CHECK_FAILED',
    `post-restore integrity check: integrity check failed: ${rows[0] ?? 'no answer'}`,
    {
      retryable: false,
      hint: 'Nothing was written to the output. Restore an older state with -timestamp or -txid, or without the check to look at the damage.',
      details: { rows: rows.join('\n') },
    },
  );
};
