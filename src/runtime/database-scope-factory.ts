/** Builds what the effects of one database work on. */
import type { Configuration, DatabaseSettings } from '#config/types';
import { emptyReplicaMemory, type ReplicaScope } from '#effects/database-scope';
import type { DaemonPorts } from './daemon-ports.ts';
import type { RunningScope } from './database-scopes.ts';
import { exclusiveSource } from './exclusive-source.ts';
import { createMonitorErrors, type MonitorErrors } from './monitor-errors.ts';
import type { UploadLimiters } from './upload-limiters.ts';

/** The scope of one database; nothing is opened or connected yet. */
export const createScope = async (
  ports: DaemonPorts,
  limiters: UploadLimiters,
  configuration: Pick<Configuration, 'l0RetentionMs'>,
  settings: DatabaseSettings,
): Promise<RunningScope> => {
  const log = ports.log.with({ system: 'store', db: settings.path.slice(settings.path.lastIndexOf('/') + 1) });
  const replicas = new Map<string, ReplicaScope>();
  const replicaErrors = new Map<string, MonitorErrors>();
  for (const replica of settings.replicas) {
    const replicaLog = log.with({ replica: settings.replicas.length > 1 ? replica.name : replica.type });
    replicas.set(replica.name, {
      name: replica.name,
      storage: await ports.storage(replica, settings),
      maxSyncLtxFiles: replica.maxSyncLtxFiles,
      uploads: limiters(replica),
      log: replicaLog,
      memory: emptyReplicaMemory(),
    });
    replicaErrors.set(replica.name, createMonitorErrors(ports.clock, replicaLog, 'replica sync recovered'));
  }
  return {
    scope: {
      path: settings.path,
      source: exclusiveSource(
        ports.sources.create({
          databasePath: settings.path,
          metaPath: settings.metaPath,
          maxSyncWalBytes: settings.maxSyncWalBytes,
          sealAtPages: settings.minCheckpointPageCount,
        }),
      ),
      levelZero: ports.levelZero(settings.metaPath),
      replicas,
      facts: ports.facts,
      log,
      clock: ports.clock,
      l0RetentionMs: configuration.l0RetentionMs,
    },
    walErrors: createMonitorErrors(ports.clock, log, 'sync recovered'),
    replicaErrors,
  };
};
