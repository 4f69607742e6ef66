import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type ContinuityDecision,
  type ContinuityInput,
  decideContinuity,
  type EndView,
  type LastFrameView,
  type PinView,
  type SnapshotCause,
  type SyncedEnd,
  snapshotReasons,
  type WalHeaderView,
} from '#domain/continuity';

const FRAME = 24 + 4096;
/** Three frames read of generation (7, 8). */
const synced: SyncedEnd = { salt1: 7, salt2: 8, endOffset: 32 + 3 * FRAME, pageSize: 4096 };
const END = synced.endOffset;

const header = (salt1: number, salt2: number, bytes: 'same' | 'different' | 'unknown' = 'unknown'): WalHeaderView => {
  return { kind: 'valid', salt1, salt2, pageSize: 4096, bytes };
};

const decide = (input: Partial<ContinuityInput>): ContinuityDecision =>
  decideContinuity({
    synced,
    header: header(7, 8),
    lastFrame: 'intact',
    atEnd: 'endOfFile',
    pin: 'broken',
    ...input,
  });

const incremental = (from: number): ContinuityDecision => {
  return { kind: 'incremental', from };
};

const snapshot = (cause: SnapshotCause): ContinuityDecision => {
  return { kind: 'snapshot', cause, reason: snapshotReasons[cause] };
};

describe('without a local file, or with one that says nothing', () => {
  test('the first file is a full copy without a reason', () => {
    expect(decide({ synced: undefined, header: { kind: 'absent' } })).toEqual({
      kind: 'snapshot',
      cause: 'firstFile',
      reason: '',
    });
  });

  test('a file without WAL fields, or one that ends within a frame, gives a full copy', () => {
    expect(decide({ synced: { ...synced, endOffset: 0 } })).toEqual(snapshot('noWalPosition'));
    expect(decide({ synced: { ...synced, endOffset: END + 1 } })).toEqual(snapshot('misalignedEnd'));
    expect(decide({ header: { ...header(7, 8), pageSize: 512 } as WalHeaderView })).toEqual(
      snapshot('pageSizeChanged'),
    );
  });
});

describe('without a header', () => {
  test.each<PinView>(['held', 'pending', 'broken'])('one waits until somebody commits (pin %s)', (pin) => {
    expect(decide({ pin, header: { kind: 'absent' } })).toEqual({ kind: 'wait' });
    expect(decide({ pin, header: { kind: 'invalid' } })).toEqual({ kind: 'wait' });
  });
});

describe('in a new process', () => {
  test.each<EndView>(['nextFrame', 'otherFrame', 'partOfFrame', 'endOfFile'])(
    'the same generation with the last frame intact goes on at E, whatever follows (%s)',
    (atEnd) => {
      expect(decide({ atEnd })).toEqual(incremental(END));
    },
  );

  test('the same salts with another last frame, or a shorter file, give a full copy', () => {
    expect(decide({ lastFrame: 'changed' })).toEqual(snapshot('lastFrameChanged'));
    expect(decide({ lastFrame: 'missing', atEnd: 'beyondEndOfFile' })).toEqual(snapshot('fileShorter'));
  });

  test('the same salts under a header known to be rewritten give a full copy', () => {
    expect(decide({ header: header(7, 8, 'different') })).toEqual(snapshot('headerRewritten'));
  });

  test('one restart goes on at 32 only when something that is no frame of ours stands at E', () => {
    const answers: Record<EndView, ContinuityDecision> = {
      otherFrame: incremental(32),
      nextFrame: snapshot('unreadFrames'),
      partOfFrame: snapshot('cutAtEnd'),
      endOfFile: snapshot('cutAtEnd'),
      beyondEndOfFile: snapshot('fileShorter'),
    };
    for (const [atEnd, answer] of Object.entries(answers)) {
      expect(decide({ header: header(8, 99), atEnd: atEnd as EndView }), atEnd).toEqual(answer);
    }
  });

  test('one restart that has overwritten the last frame gives a full copy', () => {
    expect(decide({ header: header(8, 99), lastFrame: 'changed', atEnd: 'otherFrame' })).toEqual(
      snapshot('lastFrameChanged'),
    );
  });

  test('salt-1 wraps around', () => {
    const last = { ...synced, salt1: 0xffff_ffff };
    expect(decide({ synced: last, header: header(0, 99), atEnd: 'otherFrame' })).toEqual(incremental(32));
  });

  test.each([6, 9, 4711])('any other salt-1 (%i) gives a full copy', (salt1) => {
    expect(decide({ header: header(salt1, 99), atEnd: 'otherFrame' })).toEqual(snapshot('severalRestarts'));
  });

  test('with no frame read, only the very same header proves anything', () => {
    const nothingRead = { synced: { ...synced, endOffset: 32 }, lastFrame: 'none' as const };
    expect(decide({ ...nothingRead, header: header(7, 8, 'same') })).toEqual(incremental(32));
    expect(decide({ ...nothingRead, header: header(7, 8) })).toEqual(snapshot('headerRewritten'));
    expect(decide({ ...nothingRead, header: header(8, 9) })).toEqual(snapshot('headerChangedNothingRead'));
  });
});

describe('while the pin holds', () => {
  test('reading goes on at E', () => {
    expect(decide({ pin: 'held', header: header(7, 8, 'same'), logFrames: 3 })).toEqual(incremental(END));
  });

  test('a restart, or a log shorter than what was read, is a broken promise and gives a full copy', () => {
    expect(decide({ pin: 'held', header: header(8, 99, 'different'), atEnd: 'otherFrame' })).toEqual(
      snapshot('restartUnderPin'),
    );
    expect(decide({ pin: 'held', header: header(7, 8, 'different') })).toEqual(snapshot('restartUnderPin'));
    expect(decide({ pin: 'held', header: header(7, 8, 'same'), logFrames: 2 })).toEqual(snapshot('restartUnderPin'));
    expect(decide({ pin: 'held', header: header(7, 8, 'same'), lastFrame: 'changed' })).toEqual(
      snapshot('lastFrameChanged'),
    );
  });

  test('without memory of the header it proves nothing', () => {
    expect(decide({ pin: 'pending', header: header(8, 99), logFrames: 1 })).toEqual(snapshot('cutAtEnd'));
  });
});

describe('after a seal', () => {
  test('an append goes on at E', () => {
    expect(decide({ pin: 'pending', header: header(7, 8, 'same'), logFrames: 4 })).toEqual(incremental(END));
  });

  test('a restart goes on at 32 with any salts, the old ones among them', () => {
    expect(decide({ pin: 'pending', header: header(8, 99, 'different'), logFrames: 1, lastFrame: 'changed' })).toEqual(
      incremental(32),
    );
    expect(decide({ pin: 'pending', header: header(4711, 1, 'different'), logFrames: 1 })).toEqual(incremental(32));
    expect(decide({ pin: 'pending', header: header(7, 8, 'different'), logFrames: 1 })).toEqual(incremental(32));
  });

  test('a new header without a committed frame is not adopted', () => {
    for (const logFrames of [0, -1, undefined]) {
      expect(decide({ pin: 'pending', header: header(8, 99, 'different'), logFrames })).toEqual({ kind: 'wait' });
    }
  });
});

/** A WAL as SQLite keeps it, with the commits nobody has read since E. Frames: generation and number; a commit is one frame. */
interface Model {
  generation: number;
  readonly salt1: number[];
  /** Frames that physically stand in the file. */
  readonly file: { generation: number; index: number; isCommitted: boolean }[];
  /** Bytes behind the last whole frame. */
  rest: number;
  log: number;
  /** Generation and index of every commit since E. */
  readonly unread: { readonly generation: number; readonly index: number }[];
}

type Step =
  | { readonly do: 'commit'; readonly frames: number }
  | { readonly do: 'spillAndRollBack'; readonly frames: number }
  | { readonly do: 'restart'; readonly limit: number | undefined; readonly frames: number }
  | { readonly do: 'truncate'; readonly frames: number };

const write = (wal: Model, frames: number, isCommitted: boolean): void => {
  for (let n = 0; n < frames; n += 1) {
    const index = wal.log + n;
    wal.file[index] = { generation: wal.generation, index, isCommitted };
    if (isCommitted) wal.unread.push({ generation: wal.generation, index });
  }
  if (wal.log + frames >= wal.file.length) wal.rest = 0;
  if (isCommitted) wal.log += frames;
};

const perform = (wal: Model, step: Step): void => {
  switch (step.do) {
    case 'commit':
      write(wal, step.frames, true);
      return;
    case 'spillAndRollBack':
      write(wal, step.frames, false);
      return;
    case 'restart':
      // A complete checkpoint, then the next writer.
      wal.generation += 1;
      wal.salt1.push(((wal.salt1.at(-1) ?? 0) + 1) % 2 ** 32);
      wal.log = 0;
      write(wal, step.frames, true);
      if (step.limit !== undefined) {
        const kept = Math.max(step.limit, step.frames * FRAME);
        if (kept < wal.file.length * FRAME + wal.rest) {
          wal.file.length = Math.floor(kept / FRAME);
          wal.rest = kept % FRAME;
        }
      }
      return;
    case 'truncate':
      wal.generation += 1;
      wal.salt1.push(1_000_000 + 1000 * wal.generation);
      wal.log = 0;
      wal.file.length = 0;
      wal.rest = 0;
      write(wal, step.frames, true);
      return;
  }
};

const frameCounts = fc.integer({ min: 1, max: 4 });
const steps: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('commit' as const), frames: frameCounts }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('spillAndRollBack' as const), frames: frameCounts }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('restart' as const),
      limit: fc.option(
        fc.oneof(
          fc.integer({ min: 0, max: 10 }).map((frames) => frames * FRAME),
          fc.integer({ min: 0, max: 10 * FRAME }),
        ),
        { nil: undefined },
      ),
      frames: frameCounts,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('truncate' as const), frames: frameCounts }),
  },
);

/** What a new process sees. */
const view = (
  wal: Model,
  read: { readonly frames: number; readonly generation: number; readonly salt1: number },
): ContinuityInput => {
  const last = wal.file[read.frames - 1];
  const next = wal.file[read.frames];
  const lastFrame: LastFrameView =
    last === undefined ? 'missing' : last.generation === read.generation ? 'intact' : 'changed';
  const whole = next?.generation === read.generation ? 'nextFrame' : 'otherFrame';
  const none = wal.rest > 0 ? 'partOfFrame' : 'endOfFile';
  const atEnd = last === undefined ? 'beyondEndOfFile' : next === undefined ? none : whole;
  return {
    synced: { salt1: read.salt1, salt2: read.generation, endOffset: 32 + read.frames * FRAME, pageSize: 4096 },
    header: header(wal.salt1.at(-1) ?? 0, wal.generation),
    lastFrame,
    atEnd,
    pin: 'broken',
  };
};

test('whatever happened while nobody looked, reading on loses no commit (I-10)', async () => {
  let incrementals = 0;
  await fc.assert(
    fc.property(frameCounts, frameCounts, fc.array(steps, { maxLength: 6 }), (stale, frames, happened) => {
      const wal: Model = { generation: 0, salt1: [40], file: [], rest: 0, log: 0, unread: [] };
      // Often an older generation has left frames behind E.
      if (stale > 2) {
        perform(wal, { do: 'commit', frames: stale + 3 });
        perform(wal, { do: 'restart', limit: undefined, frames });
      } else {
        perform(wal, { do: 'commit', frames });
      }
      const read = { frames: wal.log, generation: wal.generation, salt1: wal.salt1.at(-1) ?? 0 };
      wal.unread.length = 0;
      for (const step of happened) perform(wal, step);
      const decision = decideContinuity(view(wal, read));
      if (decision.kind !== 'incremental') return;
      incrementals += 1;
      const firstFrame = (decision.from - 32) / FRAME;
      const lost = wal.unread.filter(({ generation, index }) => generation !== wal.generation || index < firstFrame);
      expect(lost).toEqual([]);
    }),
    { numRuns: 4000, seed: 20_260 },
  );
  expect(incrementals).toBeGreaterThan(200);
});

test('a limit that cuts the file exactly at E is not taken for "nothing was written behind E"', () => {
  const wal: Model = { generation: 0, salt1: [40], file: [], rest: 0, log: 0, unread: [] };
  perform(wal, { do: 'commit', frames: 5 });
  const read = { frames: 5, generation: 0, salt1: 40 };
  perform(wal, { do: 'commit', frames: 10 });
  perform(wal, { do: 'restart', limit: 5 * FRAME, frames: 1 });
  const seen = view(wal, read);
  expect({ lastFrame: seen.lastFrame, atEnd: seen.atEnd }).toEqual({ lastFrame: 'intact', atEnd: 'endOfFile' });
  expect(decideContinuity(seen)).toEqual(snapshot('cutAtEnd'));
});
