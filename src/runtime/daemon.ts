/** The daemon: joins the supervisor machine with effects and adapters, runs it, and ends it well. */
import { createActor, fromPromise, type InspectionEvent } from 'xstate';
import type { Configuration } from '#config/types';
import { messageOf, ReplicationError } from '#errors/replication-error';
import { DAEMON_STREAM, databaseStream } from '#events/streams';
import { hostMachine } from '#machines/host/host.machine';
import { shardMachine } from '#machines/shard/shard.machine';
import { supervisorMachine } from '#machines/supervisor/supervisor.machine';
import type { LoadOutput } from '#machines/supervisor/supervisor.types';
import type { DaemonPorts } from './daemon-ports.ts';
import { provideDatabaseMachine } from './database-logic.ts';
import { createScope } from './database-scope-factory.ts';
import { type HostedDatabase, provideDatabaseSystem } from './hosted-database.ts';
import { createPoller } from './poller.ts';
import { createUploadLimiters } from './upload-limiters.ts';

/** What a daemon is made of. */
export interface DaemonOptions {
  readonly ports: DaemonPorts;
  /** The accepted configuration; a refused one rejects with a ReplicationError and nothing is opened. */
  load(signal: AbortSignal): Promise<Configuration>;
  /** Work to do before any database is opened, such as restores of missing files. */
  prepare?(configuration: Configuration, signal: AbortSignal): Promise<void>;
  /** Called once when databases are being followed. */
  onRunning?(configuration: Configuration): void;
  readonly inspect?: (event: InspectionEvent) => void;
}

/** How a daemon ended. */
export interface DaemonEnd {
  /** Present when it was refused or failed: code and message. */
  readonly refusal: { readonly code: string; readonly message: string } | undefined;
}

export interface Daemon {
  readonly databases: ReadonlyMap<string, HostedDatabase>;
  /** Settles when everything is closed. */
  readonly ended: Promise<DaemonEnd>;
  /** The first call drains, the second ends the retries of final uploads. */
  stop(): void;
  /** Looks at all databases and their replicas once more, now. */
  syncAll(): void;
}

/** Starts a daemon; it runs until {@link Daemon.stop}. */
export const startDaemon = (options: DaemonOptions): Daemon => {
  const { ports } = options;
  const { clock, log, facts } = ports;
  const databases = new Map<string, HostedDatabase>();
  const poller = createPoller({ watcher: ports.watcher, clock, log });
  const limiters = createUploadLimiters();
  const shutdown = { timeoutMs: 0, intervalMs: 0 };
  let configuration: Configuration | undefined;
  let retentionTimer: unknown;

  const logic = provideDatabaseMachine({ random: ports.random.fork('backoff'), fullCopies: ports.fullCopies });
  const databaseSystem = provideDatabaseSystem({
    logic,
    poller,
    clock,
    databases,
    shutdown,
    ...(options.inspect === undefined ? {} : { inspect: options.inspect }),
  });
  const host = hostMachine.provide({
    actors: { databaseSystem },
    actions: {
      noteQuarantine: ({ context }) => {
        const cause = context.lastError?.message ?? '';
        log.write('error', 'database quarantined after repeated failures', { path: context.path, error: cause });
        void facts.append(databaseStream(context.path), { type: 'database.quarantined', cause });
      },
      noteResume: ({ context }) => {
        void facts.append(databaseStream(context.path), { type: 'database.resumed' });
      },
    },
  });

  const scheduleRetention = (): void => {
    const everyMs = configuration?.l0RetentionCheckIntervalMs ?? 0;
    if (everyMs <= 0) return;
    retentionTimer = clock.setTimeout(() => {
      for (const { actor } of databases.values()) actor?.send({ type: 'retention.due' });
      scheduleRetention();
    }, everyMs);
  };

  const openServices = async (signal: AbortSignal): Promise<void> => {
    const accepted = configuration;
    if (accepted === undefined) throw new ReplicationError('CONFIG_INVALID', 'no configuration', { retryable: false });
    await options.prepare?.(accepted, signal);
    for (const settings of accepted.databases) {
      databases.set(settings.path, {
        settings,
        running: await createScope(ports, limiters, accepted, settings),
        actor: undefined,
      });
    }
    await facts.append(DAEMON_STREAM, { type: 'daemon.started' });
    scheduleRetention();
  };

  const closeServices = async (): Promise<void> => {
    clock.clearTimeout(retentionTimer);
    poller.close();
    let unreplicated = 0;
    for (const { running, actor } of databases.values()) {
      const position = actor?.getSnapshot().context.position ?? 0n;
      for (const { storage, memory } of running.scope.replicas.values()) {
        if (memory.acknowledged < position) unreplicated += 1;
        await storage.close().catch((error: unknown) => {
          log.write('warn', 'cannot close replica', { replica: storage.location, error: messageOf(error) });
        });
      }
    }
    await ports.sources.shutdown();
    if (configuration !== undefined) await facts.append(DAEMON_STREAM, { type: 'daemon.stopped', unreplicated });
    await facts.close();
  };

  const supervisor = createActor(
    supervisorMachine.provide({
      actors: {
        shard: shardMachine.provide({ actors: { host } }),
        loadConfiguration: fromPromise<LoadOutput, void>(async ({ signal }) => {
          configuration = await options.load(signal);
          shutdown.timeoutMs = configuration.shutdownSyncTimeoutMs;
          shutdown.intervalMs = configuration.shutdownSyncIntervalMs;
          await facts.append(DAEMON_STREAM, {
            type: 'configuration.applied',
            databases: configuration.databases.length,
          });
          return { paths: configuration.databases.map((database) => database.path) };
        }),
        openServices: fromPromise<void, void>(({ signal }) => openServices(signal)),
        closeServices: fromPromise<void, void>(closeServices),
      },
    }),
    {
      id: 'supervisor',
      clock: clock as never, // XState's Clock type names NodeJS timers; ours is the injected one
      ...(options.inspect === undefined ? {} : { inspect: options.inspect }),
    },
  );

  const ended = new Promise<DaemonEnd>((resolve) => {
    let isRunning = false;
    supervisor.subscribe({
      next: (snapshot) => {
        if (isRunning || configuration === undefined || !snapshot.matches('running')) return;
        isRunning = true;
        options.onRunning?.(configuration);
      },
      complete: () => {
        const { context, value } = supervisor.getSnapshot();
        // A refused configuration opened no database; the log and the workers still end.
        const closed = value === 'rejected' ? closeServices() : Promise.resolve();
        void closed.catch(() => undefined).then(() => resolve({ refusal: context.refusal }));
      },
      error: (error) => resolve({ refusal: { code: 'INTERNAL', message: messageOf(error) } }),
    });
  });
  supervisor.start();
  return {
    databases,
    ended,
    stop: () => supervisor.send({ type: 'stop.requested' }),
    syncAll: () => {
      for (const { actor } of databases.values()) actor?.send({ type: 'sync.requested' });
    },
  };
};
