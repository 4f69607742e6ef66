/** One call at a time on a source: a look never meets a pass, and a close waits for what an aborted effect left running. */
import type { SourceDatabase } from '#ports/source';

/** The same source with its calls in a row. The queue is short: one job of the machine, one look, one close. */
export const exclusiveSource = (source: SourceDatabase): SourceDatabase => {
  let tail: Promise<unknown> = Promise.resolve();
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const turn = tail.then(work, work);
    tail = turn.catch(() => undefined);
    return turn;
  };
  return {
    open: () => inTurn(() => source.open()),
    look: () => inTurn(() => source.look()),
    pass: () => inTurn(() => source.pass()),
    checkpoint: (mode) => inTurn(() => source.checkpoint(mode)),
    requireSnapshot: (request) => inTurn(() => source.requireSnapshot(request)),
    adopt: (staged) => inTurn(() => source.adopt(staged)),
    trim: (txids) => inTurn(() => source.trim(txids)),
    close: (options) => inTurn(() => source.close(options)),
  };
};
