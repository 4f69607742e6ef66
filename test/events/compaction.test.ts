import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { planCompaction } from '#events/compaction';
import type { RecordedFact } from '#events/facts';
import { foldStream } from '#events/fold';
import { parseStream } from '#events/streams';
import { DATABASE, SAMPLE_FACTS } from './sample-facts.ts';

const streams = [...new Set(SAMPLE_FACTS.map(([stream]) => stream))];

describe('summing up old facts', () => {
  it('changes nothing about what the stream adds up to, wherever the cut is', () => {
    const arbitrary = fc.constantFrom(...streams).chain((stream) => {
      const facts = SAMPLE_FACTS.filter(([home]) => home === stream).map(([, fact]) => fact);
      return fc.tuple(fc.constant(stream), fc.array(fc.constantFrom(...facts), { maxLength: 30 }), fc.nat(31));
    });
    fc.assert(
      fc.property(arbitrary, ([stream, facts, cut]) => {
        const records = facts.map((fact, index): RecordedFact => ({ seq: 10 + 2 * index, stream, atMs: index, fact }));
        const kind = parseStream(stream)?.kind ?? 'daemon';
        const plan = planCompaction(stream, records, cut);
        if (plan === undefined) {
          expect(Math.min(cut, records.length)).toBeLessThan(2);
          return;
        }
        const kept = records.filter(({ seq }) => seq > plan.through);
        expect(kept).toEqual(records.slice(cut));
        const compacted = [{ seq: plan.through, stream, atMs: plan.atMs, fact: plan.fact }, ...kept];
        expect(foldStream(kind, compacted)).toEqual(foldStream(kind, records));
      }),
    );
  });

  it('keeps what is recent, and leaves a single old fact alone', () => {
    const record = (seq: number, atMs: number): RecordedFact => ({
      seq,
      stream: DATABASE,
      atMs,
      fact: { type: 'database.reset', cause: `number ${seq}` },
    });
    expect(planCompaction(DATABASE, [record(1, 10), record(2, 20), record(3, 30)], 20)).toBeUndefined();
    expect(planCompaction(DATABASE, [record(1, 10), record(2, 20), record(3, 30)], 30)).toMatchObject({
      through: 2,
      atMs: 20,
      fact: { type: 'state.folded', kind: 'database', state: { reset: { atMs: 20, cause: 'number 2' } } },
    });
  });
});
