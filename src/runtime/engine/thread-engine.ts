/**
 * The engine in worker threads: each source is a proxy of the port that sends its calls to the worker its database belongs to
 * for as long as both live (connections cannot travel, locks belong to the process).
 *
 * A worker that dies takes its connections and locks with it: the calls it had not answered, and the next call of each of its
 * databases, are rejected with a retryable error; their next `open` runs in a new worker.
 */

import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { InvariantViolation, messageOf, ReplicationError } from '#errors/replication-error';
import type { Log } from '#ports/log';
import type { CloseOutcome, SourceDatabase, SourceFactory, SourceSettings } from '#ports/source';
import { deserialiseError, type EngineReply, type EngineRequest, type SourceMethod } from './protocol.ts';

/** Encoding is the bottleneck, and the replicas need a core too. */
const WORKERS_MAX = 2;

/** What the pool needs. */
export interface ThreadEngineOptions {
  readonly log: Log;
  /** Number of threads, at least 1. Default: 2, or 1 on a machine with one core. */
  readonly workers?: number;
  /** The built worker. Default: the one that belongs to this file. */
  readonly workerPath?: string;
}

interface PendingCall {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/** One thread and what it was asked. */
interface Thread {
  readonly worker: Worker;
  readonly pending: Map<number, PendingCall>;
  sources: number;
  /** What it died of; its end comes a little later, when its descriptors and locks are given back. */
  failure: string | undefined;
  isDead: boolean;
}

/** Beside this file when built; in `dist` when this file runs from source. */
const workerFiles = ['./worker.js', '../../../dist/src/runtime/engine/worker.js'] as const;

const builtWorkerPath = (): string => {
  const path = workerFiles
    .map((file) => fileURLToPath(new URL(file, import.meta.url)))
    .find((file) => existsSync(file));
  if (path === undefined) throw new InvariantViolation('the built engine worker is missing: run "npm run build"');
  return path;
};

/** Threads start with the first source, in parallel with whatever the caller does next. */
export const createThreadEngine = ({
  log,
  workers = Math.min(WORKERS_MAX, availableParallelism()),
  workerPath,
}: ThreadEngineOptions): SourceFactory => {
  const threads: Thread[] = [];
  let nextSource = 1;
  let nextCall = 1;
  let isShutDown = false;

  const startThread = (): Thread => {
    const worker = new Worker(workerPath ?? builtWorkerPath(), { execArgv: [], name: 'litestream-engine' });
    const thread: Thread = { worker, pending: new Map(), sources: 0, failure: undefined, isDead: false };
    worker.on('message', (reply: EngineReply) => {
      settle(thread, reply);
    });
    worker.on('error', (error) => {
      thread.failure = messageOf(error);
    });
    worker.on('exit', (code) => {
      bury(thread, thread.failure ?? `it ended with code ${code}`);
    });
    threads.push(thread);
    return thread;
  };

  const settle = (thread: Thread, reply: EngineReply): void => {
    const call = thread.pending.get(reply.id);
    thread.pending.delete(reply.id);
    if (thread.pending.size === 0) thread.worker.unref();
    if (reply.kind === 'value') call?.resolve(reply.value);
    else call?.reject(deserialiseError(reply.error));
  };

  const bury = (thread: Thread, why: string): void => {
    if (thread.isDead) return;
    thread.isDead = true;
    threads.splice(threads.indexOf(thread), 1);
    if (!isShutDown) log.write('error', 'engine worker died', { error: why, databases: thread.sources });
    for (const call of thread.pending.values()) call.reject(workerDied(why));
    thread.pending.clear();
  };

  const chooseThread = (): Thread => {
    if (threads.length < workers) return startThread();
    const [first, ...others] = threads;
    if (first === undefined) return startThread();
    return others.reduce((least, thread) => (thread.sources < least.sources ? thread : least), first);
  };

  const send = (thread: Thread, request: EngineRequest): void => {
    thread.worker.postMessage(request);
  };

  const create = (settings: SourceSettings): SourceDatabase => {
    if (isShutDown) throw new InvariantViolation('the engine was shut down');
    let place: { readonly thread: Thread; readonly source: number } | undefined;

    const takePlace = (): { readonly thread: Thread; readonly source: number } => {
      const thread = chooseThread();
      const source = nextSource++;
      thread.sources += 1;
      send(thread, { kind: 'create', source, settings });
      place = { thread, source };
      return place;
    };

    const call = <T>(method: SourceMethod, argument?: unknown): Promise<T> => {
      if (place?.thread.isDead === true) {
        // Whatever was open is gone with the thread; only `open` and `close` make sense now.
        if (method !== 'open' && method !== 'close') return Promise.reject(workerDied('its thread ended before'));
        place = undefined;
      }
      const { thread, source } = place ?? takePlace();
      const id = nextCall++;
      return new Promise<T>((resolve, reject) => {
        // The worker's answer has the type that the port gives to the method.
        thread.pending.set(id, { resolve: resolve as (value: unknown) => void, reject });
        thread.worker.ref();
        send(thread, { kind: 'call', id, source, method, argument });
      });
    };

    /** After a close nothing is left that ties the database to its thread. */
    const leave = (): void => {
      if (place === undefined) return;
      const { thread, source } = place;
      place = undefined;
      thread.sources -= 1;
      if (!thread.isDead) send(thread, { kind: 'forget', source });
    };

    return {
      open: () => call('open'),
      look: () => call('look'),
      pass: () => call('pass'),
      checkpoint: (mode) => call('checkpoint', mode),
      requireSnapshot: (request) => call('requireSnapshot', request),
      adopt: (staged) => call('adopt', staged),
      trim: (txids) => call('trim', txids),
      close: (options) => call<CloseOutcome>('close', options).finally(leave),
    };
  };

  return {
    create,
    shutdown: async () => {
      isShutDown = true;
      await Promise.all([...threads].map(({ worker }) => worker.terminate()));
    },
  };
};

const workerDied = (why: string): ReplicationError =>
  new ReplicationError('DATABASE_UNREADABLE', `the engine thread of the database died: ${why}`, {
    retryable: true,
    hint: 'The database is opened again in another thread.',
  });
