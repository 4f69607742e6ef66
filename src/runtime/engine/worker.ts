/** Runs inside a worker thread: makes sources when told to and answers calls on them, one reply a call. */
import { parentPort } from 'node:worker_threads';
import { InvariantViolation } from '#errors/replication-error';
import type { SourceDatabase } from '#ports/source';
import { createInlineEngine } from './inline-engine.ts';
import { type EngineReply, type EngineRequest, encodeError } from './messages.ts';

const port = parentPort;
if (port === null) throw new InvariantViolation('the engine worker was started outside a worker thread');

const engine = createInlineEngine();
const sources = new Map<number, SourceDatabase>();

const answer = async (request: Extract<EngineRequest, { readonly kind: 'call' }>): Promise<EngineReply> => {
  try {
    const source = sources.get(request.source);
    if (source === undefined) throw new InvariantViolation(`the engine worker does not know source ${request.source}`);
    // The proxy on the main thread pairs each call with its own arguments.
    const call = source[request.call] as (...args: readonly unknown[]) => Promise<unknown>;
    return { kind: 'done', id: request.id, value: await call(...request.args) };
  } catch (error) {
    return { kind: 'failed', id: request.id, error: encodeError(error) };
  }
};

port.on('message', (request: EngineRequest) => {
  if (request.kind === 'create') sources.set(request.source, engine.create(request.settings));
  else void answer(request).then((reply) => port.postMessage(reply));
});
