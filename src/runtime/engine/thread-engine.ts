/**
 * Sources in worker threads. A database stays with one worker for its whole life: its connections and locks cannot move. A
 * worker that dies fails the calls of its databases with a retryable error and is replaced; their owners open them again.
 */
import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { InvariantViolation, messageOf, ReplicationError } from '#errors/replication-error';
import type { Log } from '#ports/log';
import type { SourceDatabase, SourceFactory, SourceSettings } from '#ports/source';
import { decodeError, type EngineReply, type EngineRequest, type SourceCall } from './messages.ts';

/** Threads by default: one encodes while another checkpoints. */
const WORKERS_MAX = 2;

/** The built worker; a `.ts` file cannot be loaded as a worker, so tests run the built one too. */
const workerPath = (): string => {
  const beside = fileURLToPath(new URL('./worker.js', import.meta.url));
  return existsSync(beside)
    ? beside
    : fileURLToPath(new URL('../../../dist/src/runtime/engine/worker.js', import.meta.url));
};

interface Waiting {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/** One worker and the calls it has not answered. */
interface Lane {
  worker: Worker | undefined;
  readonly waiting: Map<number, Waiting>;
  /** Sources made in this lane since its present worker started. */
  readonly created: Set<number>;
  sources: number;
}

/** A pool of `workers` threads, started when first used. */
export const createThreadEngine = ({
  log,
  workers = Math.min(WORKERS_MAX, availableParallelism()),
}: {
  readonly log: Log;
  readonly workers?: number;
}): SourceFactory => {
  const lanes: Lane[] = Array.from({ length: workers }, () => ({
    worker: undefined,
    waiting: new Map(),
    created: new Set(),
    sources: 0,
  }));
  let nextId = 0;
  let nextSource = 0;
  let isShutDown = false;

  const start = (lane: Lane): Worker => {
    const worker = new Worker(workerPath());
    worker.on('message', (reply: EngineReply) => {
      const waiting = lane.waiting.get(reply.id);
      lane.waiting.delete(reply.id);
      if (reply.kind === 'done') waiting?.resolve(reply.value);
      else waiting?.reject(decodeError(reply.error));
    });
    worker.on('error', (error) => lose(lane, worker, messageOf(error)));
    worker.on('exit', (code) => lose(lane, worker, `exit code ${code}`));
    return worker;
  };

  const lose = (lane: Lane, worker: Worker, cause: string): void => {
    if (lane.worker !== worker) return;
    lane.worker = undefined;
    lane.created.clear();
    if (!isShutDown) log.write('error', 'engine worker ended, its databases are opened again', { error: cause });
    const lost = [...lane.waiting.values()];
    lane.waiting.clear();
    for (const { reject } of lost) {
      reject(
        new ReplicationError('DATABASE_UNREADABLE', `the engine worker of the database ended: ${cause}`, {
          retryable: true,
          hint: 'The database is opened again on a new worker.',
        }),
      );
    }
  };

  const post = (lane: Lane, request: EngineRequest): void => {
    lane.worker ??= start(lane);
    lane.worker.postMessage(request);
  };

  const call = (lane: Lane, source: number, settings: SourceSettings, name: SourceCall, args: readonly unknown[]) =>
    new Promise<unknown>((resolve, reject) => {
      if (isShutDown) {
        reject(new InvariantViolation(`${name} on ${settings.databasePath} after the engine was shut down`));
        return;
      }
      if (!lane.created.has(source)) {
        // Only opening, or closing what is gone, makes sense on a worker that does not know the source.
        lane.created.add(source);
        post(lane, { kind: 'create', source, settings });
      }
      nextId += 1;
      lane.waiting.set(nextId, { resolve, reject });
      post(lane, { kind: 'call', id: nextId, source, call: name, args });
    });

  return {
    create: (settings) => {
      const lane = lanes.reduce((least, other) => (other.sources < least.sources ? other : least));
      lane.sources += 1;
      nextSource += 1;
      const source = nextSource;
      const proxy =
        <Name extends SourceCall>(name: Name) =>
        (...args: Parameters<SourceDatabase[Name]>) =>
          call(lane, source, settings, name, args) as ReturnType<SourceDatabase[Name]>; // the worker answers with that value
      return {
        open: proxy('open'),
        look: proxy('look'),
        pass: proxy('pass'),
        checkpoint: proxy('checkpoint'),
        requireSnapshot: proxy('requireSnapshot'),
        adopt: proxy('adopt'),
        trim: proxy('trim'),
        close: proxy('close'),
      };
    },
    shutdown: async () => {
      isShutDown = true;
      await Promise.all(
        lanes.map(async (lane) => {
          const { worker } = lane;
          if (worker === undefined) return;
          lane.worker = undefined;
          await worker.terminate();
        }),
      );
    },
  };
};
