/** The database machine with its effects: the one place where its names meet the work they stand for. */
import { setMaxListeners } from 'node:events';
import { fromPromise } from 'xstate';
import { backoffMs } from '#domain/backoff';
import { adoptLevelZero } from '#effects/adopt-level-zero';
import { checkpoint } from '#effects/checkpoint';
import { closeSource } from '#effects/close-source';
import type { ReplicaScope } from '#effects/database-scope';
import type { FullCopies } from '#effects/full-copies';
import { inspectReplica } from '#effects/inspect-replica';
import { openSource } from '#effects/open-source';
import { probeNewest } from '#effects/probe-replica';
import { requireSnapshot } from '#effects/require-snapshot';
import { resetSource } from '#effects/reset-source';
import { syncWal } from '#effects/sync-wal';
import { trimLocal } from '#effects/trim-local';
import { uploadPending } from '#effects/upload-pending';
import { InvariantViolation } from '#errors/replication-error';
import { databaseMachine } from '#machines/database/database.machine';
import type {
  AdoptInput,
  AdoptOutput,
  CheckpointOutput,
  CloseInput,
  CloseOutput,
  OpenOutput,
  RequireSnapshotInput,
  SyncOutput,
} from '#machines/database/database.types';
import { replicaMachine } from '#machines/replica/replica.machine';
import type {
  InspectInput,
  InspectOutput,
  ProbeInput,
  UploadInput,
  UploadOutput,
} from '#machines/replica/replica.types';
import type { Random } from '#ports/random';
import { type RunningScope, scopeOf } from './database-scopes.ts';
import type { MonitorErrors } from './monitor-errors.ts';

/** Longest pause between two tries, ms. */
const BACKOFF_MS_MAX = 300_000;

/** Database and replica machines with effects, delays jittered from `random`. Shared by all databases of a daemon. */
export const provideDatabaseMachine = ({
  random,
  fullCopies,
}: {
  readonly random: Random;
  readonly fullCopies: FullCopies;
}) => databaseMachine.provide(provisions(random, fullCopies));

const provisions = (random: Random, fullCopies: FullCopies) => ({
  actors: {
    replica: replicaMachine.provide({
      actors: {
        inspectReplica: fromPromise<InspectOutput, InspectInput>(({ input, signal, system }) =>
          reporting(scopeOf(system), input.name, (replica, scope) => {
            // Every level is listed at the same time, and each listing listens.
            setMaxListeners(0, signal);
            return inspectReplica(scope, replica, input.localPosition, signal);
          }),
        ),
        uploadPending: fromPromise<UploadOutput, UploadInput>(({ input, signal, system }) =>
          reporting(scopeOf(system), input.name, (replica, scope) =>
            uploadPending(scope, replica, input, fullCopies, signal),
          ),
        ),
        probeReplica: fromPromise<void, ProbeInput>(({ input, signal, system }) =>
          reporting(scopeOf(system), input.name, (replica, scope) => probeNewest(scope, replica, signal)),
        ),
      },
      delays: {
        retryDelay: ({ context }) =>
          backoffMs({
            failures: context.failureCount,
            firstMs: Math.max(1, context.syncIntervalMs),
            capMs: BACKOFF_MS_MAX,
            jitter: random.next(),
          }),
      },
    }),
    openSource: fromPromise<OpenOutput, void>(({ system }) => onSource(scopeOf(system), openSource)),
    syncWal: fromPromise<SyncOutput, void>(({ system }) => onSource(scopeOf(system), syncWal)),
    checkpoint: fromPromise<CheckpointOutput, void>(({ system }) => onSource(scopeOf(system), checkpoint)),
    trimLocal: fromPromise<void, void>(({ system }) => onSource(scopeOf(system), trimLocal)),
    adoptLevelZero: fromPromise<AdoptOutput, AdoptInput>(({ input, signal, system }) =>
      onSource(scopeOf(system), (scope) => adoptLevelZero(scope, input, signal)),
    ),
    requireSnapshot: fromPromise<void, RequireSnapshotInput>(({ input, system }) =>
      onSource(scopeOf(system), (scope) => requireSnapshot(scope, input)),
    ),
    resetSource: fromPromise<void, void>(({ system }) =>
      onSource(scopeOf(system), (scope) => resetSource(scope, 'requested or recovered from damage')),
    ),
    closeSource: fromPromise<CloseOutput, CloseInput>(({ input, system }) =>
      onSource(scopeOf(system), (scope) => closeSource(scope, input)),
    ),
  },
  delays: {
    retryDelay: ({ context }: { context: { failureCount: number; monitorIntervalMs: number } }) =>
      backoffMs({
        failures: context.failureCount,
        firstMs: Math.max(1, context.monitorIntervalMs),
        capMs: BACKOFF_MS_MAX,
        jitter: random.next(),
      }),
  },
});

const onSource = <T>(running: RunningScope, work: (scope: RunningScope['scope']) => Promise<T>): Promise<T> =>
  reported(running.walErrors, work(running.scope));

const reporting = <T>(
  running: RunningScope,
  name: string,
  work: (replica: ReplicaScope, scope: RunningScope['scope']) => Promise<T>,
): Promise<T> => {
  const replica = running.scope.replicas.get(name);
  const errors = running.replicaErrors.get(name);
  if (replica === undefined || errors === undefined) {
    throw new InvariantViolation(`replica ${name} of ${running.scope.path} is unknown to its scope`);
  }
  return reported(
    errors,
    work(replica, running.scope).catch((error: unknown) => {
      replica.memory.failingSinceMs ??= running.scope.clock.nowMs();
      throw error;
    }),
  );
};

const reported = async <T>(errors: MonitorErrors, work: Promise<T>): Promise<T> => {
  try {
    const result = await work;
    errors.succeeded();
    return result;
  } catch (error) {
    errors.failed(error);
    throw error;
  }
};
