/** Runs the actor system of one database for its host, and connects it with the poller. */
import { type ActorRefFrom, createActor, fromCallback, type InspectionEvent } from 'xstate';
import type { DatabaseSettings } from '#config/types';
import type { HostInput, SystemCommand } from '#machines/host/host.types';
import type { Clock } from '#ports/clock';
import type { provideDatabaseMachine } from './database-logic.ts';
import { bindScope, type RunningScope } from './database-scopes.ts';
import type { Poller } from './poller.ts';

/** The database machine with its effects provided. */
export type DatabaseLogic = ReturnType<typeof provideDatabaseMachine>;

/** A running actor of that machine. */
export type DatabaseActor = ActorRefFrom<DatabaseLogic>;

/** What the daemon keeps of a database that runs. */
export interface HostedDatabase {
  readonly settings: DatabaseSettings;
  readonly running: RunningScope;
  actor: DatabaseActor | undefined;
}

/** What hosts share; `databases` are keyed by path. */
export interface HostServices {
  readonly logic: DatabaseLogic;
  readonly poller: Poller;
  readonly clock: Clock;
  readonly databases: ReadonlyMap<string, HostedDatabase>;
  readonly shutdown: { readonly timeoutMs: number; readonly intervalMs: number };
  /** Guarded by the caller: an error in an observer would jam the mailbox. */
  readonly inspect?: (event: InspectionEvent) => void;
}

/** The callback actor `databaseSystem` of the host machine. */
export const provideDatabaseSystem = (services: HostServices) =>
  fromCallback<SystemCommand, HostInput>(({ input, sendBack, receive }) => {
    const hosted = services.databases.get(input.path);
    if (hosted === undefined) {
      sendBack({ type: 'database.failed', error: new Error(`database ${input.path} is not configured`) });
      return undefined;
    }
    const { settings, running } = hosted;
    const actor = createActor(services.logic, {
      id: settings.path,
      clock: services.clock as never, // XState's Clock type asks for setTimeout with NodeJS timers; ours is the injected one
      ...(services.inspect === undefined ? {} : { inspect: services.inspect }),
      input: {
        path: settings.path,
        replicas: settings.replicas.map(({ name, syncIntervalMs }) => ({ name, syncIntervalMs })),
        monitorIntervalMs: settings.monitorIntervalMs,
        checkpointIntervalMs: settings.checkpointIntervalMs,
        minCheckpointPageCount: settings.minCheckpointPageCount,
        shutdownSyncTimeoutMs: services.shutdown.timeoutMs,
        shutdownSyncIntervalMs: services.shutdown.intervalMs,
        isAutoRecovering: settings.replicas.some((replica) => replica.autoRecover),
      },
    });
    bindScope(actor.system, running);
    hosted.actor = actor;
    const unpoll = services.poller.add({
      path: settings.path,
      intervalMs: settings.monitorIntervalMs,
      readiness: () => readinessOf(actor),
      look: () => running.scope.source.look(),
      onGrew: (walBytes) => actor.send({ type: 'wal.grew', walBytes }),
      onAppeared: () => actor.send({ type: 'file.appeared' }),
    });
    let hasEnded = false;
    actor.subscribe({
      next: () => {
        if (readinessOf(actor) !== 'no') services.poller.resume(settings.path);
      },
      complete: () => {
        hasEnded = true;
        sendBack({ type: 'database.closed' });
      },
      error: (error) => {
        hasEnded = true;
        // XState leaves the children of a failed actor running: two generations would upload to one replica.
        for (const child of Object.values(actor.getSnapshot().children)) {
          child?.send({ type: 'replica.stop' });
          child?.send({ type: 'replica.hurry' });
        }
        // The actor is gone: give connections, pin and lock back before the host tries again.
        void running.scope.source
          .close({ finalPass: false })
          .catch(() => undefined)
          .then(() => sendBack({ type: 'database.failed', error }));
      },
    });
    receive((command) => {
      if (!hasEnded) actor.send(command);
    });
    actor.start();
    return () => {
      unpoll();
      if (!hasEnded) actor.stop();
    };
  });

const readinessOf = (actor: DatabaseActor): 'no' | 'yes' | 'waiting' => {
  const snapshot = actor.getSnapshot();
  if (snapshot.matches('waitingForFile')) return 'waiting';
  const rests = snapshot.matches({ tracking: { wal: 'idle' } }) || snapshot.matches({ tracking: { wal: 'resting' } });
  return rests ? 'yes' : 'no';
};
