/** The built engine worker with a way to die: a `trim` kills the thread, with its database open. */
import { parentPort } from 'node:worker_threads';
// First: a listener here would take the messages that arrive before the worker listens.
import '../../../dist/src/runtime/engine/worker.js';

parentPort.on('message', (request) => {
  if (request.method === 'trim') throw new Error('killed by the test');
});
