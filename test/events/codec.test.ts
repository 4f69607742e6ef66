import { describe, expect, it } from 'vitest';
import { InvariantViolation } from '#errors/replication-error';
import { decodeFact, encodeFact, FACT_SHAPES, type FactShapes } from '#events/codec';
import type { Fact } from '#events/facts';
import { DAEMON_STREAM } from '#events/streams';
import { DATABASE, REPLICA, SAMPLE_FACTS } from './sample-facts.ts';

describe('stored facts', () => {
  it.each(SAMPLE_FACTS.map(([stream, fact]) => [fact.type, stream, fact] as const))(
    '%s comes back whole',
    (_, stream, fact) => {
      expect(decodeFact(encodeFact(stream, fact))).toEqual(fact);
    },
  );

  it('hold TXIDs as 16 hex digits', () => {
    expect(encodeFact(DATABASE, { type: 'local.adopted', replica: 's3', txid: 2n ** 64n - 1n })).toEqual({
      type: 'local.adopted',
      version: 1,
      data: '{"replica":"s3","txid":"ffffffffffffffff"}',
    });
  });

  it('a fact in a stream it does not belong to, and a stream that is none, are bugs', () => {
    const fact: Fact = { type: 'replica.fenced', holder: 'x' };
    expect(() => encodeFact(DATABASE, fact)).toThrow(InvariantViolation);
    expect(() => encodeFact(DAEMON_STREAM, fact)).toThrow('belongs to a replica stream');
    expect(() => encodeFact('somewhere', { type: 'facts.lost', count: 1 })).toThrow('not the name of a stream');
    expect(() => encodeFact(REPLICA, fact)).not.toThrow();
  });

  it('a bigint under a name that is no TXID field is a bug', () => {
    const fact = { type: 'facts.lost', count: 1n } as unknown as Fact;
    expect(() => encodeFact(DATABASE, fact)).toThrow('field count of facts.lost holds a bigint');
  });

  it('a type or a version of a later release is FACT_UNKNOWN', () => {
    const unknown = expect.objectContaining({ code: 'FACT_UNKNOWN', retryable: false });
    expect(() => decodeFact({ type: 'moon.landed', version: 1, data: '{}' })).toThrow(unknown);
    expect(() => decodeFact({ type: 'constructor', version: 1, data: '{}' })).toThrow(unknown);
    expect(() => decodeFact({ type: 'facts.lost', version: 2, data: '{"count":1}' })).toThrow(unknown);
    expect(() => decodeFact({ type: 'facts.lost', version: 0, data: '{"count":1}' })).toThrow(unknown);
  });

  it('data that is no JSON object is FACT_LOG_BROKEN', () => {
    for (const data of ['', '{', '[]', 'null', '7']) {
      expect(() => decodeFact({ type: 'facts.lost', version: 1, data })).toThrow(
        expect.objectContaining({ code: 'FACT_LOG_BROKEN' }),
      );
    }
  });

  it('old versions are brought up step by step, and fields nobody knows stay', () => {
    const shapes: FactShapes = {
      ...FACT_SHAPES,
      'facts.lost': {
        home: 'any',
        upcasters: [
          ({ number, ...old }) => ({ ...old, number, count: number }),
          ({ count, ...old }) => ({ ...old, count: Number(count) + 1 }),
        ],
      },
    };
    const at = (version: number, data: string): Fact => decodeFact({ type: 'facts.lost', version, data }, shapes);
    expect(at(1, '{"number":4,"correlation":"x"}')).toEqual({
      type: 'facts.lost',
      number: 4,
      count: 5,
      correlation: 'x',
    });
    expect(at(2, '{"count":4}')).toEqual({ type: 'facts.lost', count: 5 });
    expect(at(3, '{"count":4}')).toEqual({ type: 'facts.lost', count: 4 });
  });
});
