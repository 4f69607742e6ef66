/** An engine worker: runs the inline engine for the databases that were given to this thread, one call after the other. */
import { parentPort } from 'node:worker_threads';
import { InvariantViolation } from '#errors/replication-error';
import type { SourceDatabase } from '#ports/source';
import { createInlineEngine } from './inline-engine.ts';
import { type EngineReply, type EngineRequest, serialiseError } from './protocol.ts';

const engine = createInlineEngine();
const sources = new Map<number, SourceDatabase>();

/** The argument crossed the border as it was given to the proxy, which has the types of the port. */
const call = (
  source: SourceDatabase,
  { method, argument }: Extract<EngineRequest, { kind: 'call' }>,
): Promise<unknown> => {
  const method_ = source[method] as (argument: unknown) => Promise<unknown>;
  return method_(argument);
};

const answer = async (request: Extract<EngineRequest, { kind: 'call' }>): Promise<EngineReply> => {
  const { id } = request;
  try {
    const source = sources.get(request.source);
    if (source === undefined) throw new InvariantViolation(`engine worker: no source ${request.source}`);
    return { id, kind: 'value', value: await call(source, request) };
  } catch (error) {
    return { id, kind: 'error', error: serialiseError(error) };
  }
};

if (parentPort === null) throw new InvariantViolation('the engine worker runs in a worker thread only');
const port = parentPort;
port.on('message', (request: EngineRequest) => {
  switch (request.kind) {
    case 'create':
      sources.set(request.source, engine.create(request.settings));
      break;
    case 'forget':
      sources.delete(request.source);
      break;
    case 'call':
      void answer(request).then((reply) => port.postMessage(reply));
      break;
  }
});
