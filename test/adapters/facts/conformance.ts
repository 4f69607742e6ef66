/** The promises of FactLog, run against every adapter. */
import { describe, expect, it } from 'vitest';
import type { Fact, RecordedFact } from '#events/facts';
import { foldDatabase } from '#events/fold';
import { ALL_STREAMS, DAEMON_STREAM, databaseStream, replicaStream } from '#events/streams';
import type { FactLog } from '#ports/facts';
import { DATABASE, LEVEL_9, PATH, REPLICA, SAMPLE_FACTS } from '../../events/sample-facts.ts';

/** A log over a place that outlives it. */
export interface FactWorld {
  /** Opens the log; the one opened before was closed. */
  open(): FactLog & { compact(beforeMs: number): Promise<void> };
  /** Moves the clock. */
  advance(byMs: number): void;
  dispose(): Promise<void>;
}

/** Everything a read gives. */
export const factsOf = async (log: Pick<FactLog, 'read'>, stream: string, limit?: number): Promise<RecordedFact[]> => {
  const records: RecordedFact[] = [];
  for await (const record of log.read(stream, limit === undefined ? {} : { limit })) records.push(record);
  return records;
};

const reset = (cause: string): Fact => ({ type: 'database.reset', cause });

export const describeFactLogConformance = (name: string, createWorld: () => Promise<FactWorld>): void => {
  describe(`${name}: promises of every fact log`, () => {
    const inWorld = async (story: (world: FactWorld) => Promise<void>): Promise<void> => {
      const world = await createWorld();
      try {
        await story(world);
      } finally {
        await world.dispose();
      }
    };

    it('facts come back as they were appended, in order, with time and stream', () =>
      inWorld(async (world) => {
        const log = world.open();
        for (const [stream, fact] of SAMPLE_FACTS) {
          world.advance(1000);
          await log.append(stream, fact);
        }
        const records = await factsOf(log, ALL_STREAMS);
        expect(records.map(({ stream, fact }) => [stream, fact])).toEqual(SAMPLE_FACTS);
        expect(records.map(({ atMs }) => atMs)).toEqual(SAMPLE_FACTS.map((_, index) => 1000 * (index + 1)));
        expect(records.every(({ seq }, index) => index === 0 || seq > (records[index - 1]?.seq ?? 0))).toBe(true);
        await log.close();
      }));

    it('a stream is read with the streams below it and no other', () =>
      inWorld(async (world) => {
        const log = world.open();
        const other = databaseStream(`${PATH}/nested.db`);
        for (const stream of [DAEMON_STREAM, DATABASE, REPLICA, LEVEL_9, other, databaseStream(`${PATH}2`)]) {
          await log.append(stream, { type: 'facts.lost', count: 1 });
        }
        const streams = async (parent: string): Promise<string[]> =>
          (await factsOf(log, parent)).map(({ stream }) => stream);
        expect(await streams(DATABASE)).toEqual([DATABASE, REPLICA, LEVEL_9]);
        expect(await streams(REPLICA)).toEqual([REPLICA, LEVEL_9]);
        expect(await streams(DAEMON_STREAM)).toEqual([DAEMON_STREAM]);
        expect(await streams(replicaStream(PATH, 's'))).toEqual([]);
        await log.close();
      }));

    it('a limit gives the newest facts, oldest first', () =>
      inWorld(async (world) => {
        const log = world.open();
        for (let count = 1; count <= 5; count += 1) {
          await log.append(DATABASE, reset(`${count}`));
          await log.append(DAEMON_STREAM, { type: 'facts.lost', count });
        }
        const causes = async (limit: number): Promise<unknown[]> =>
          (await factsOf(log, DATABASE, limit)).map(({ fact }) => (fact.type === 'database.reset' ? fact.cause : fact));
        expect(await causes(2)).toEqual(['4', '5']);
        expect(await causes(5)).toEqual(['1', '2', '3', '4', '5']);
        expect(await causes(99)).toHaveLength(5);
        expect(await causes(0)).toEqual([]);
        await log.close();
      }));

    it('facts survive the log object, and numbers go on', () =>
      inWorld(async (world) => {
        const first = world.open();
        await first.append(DATABASE, reset('one'));
        await first.close();
        const second = world.open();
        await second.append(DATABASE, reset('two'));
        await second.flush();
        const records = await factsOf(second, DATABASE);
        expect(records.map(({ fact }) => fact)).toEqual([reset('one'), reset('two')]);
        expect(records[1]?.seq).toBeGreaterThan(records[0]?.seq ?? 0);
        await second.close();
      }));

    it('more facts than fit one page are all read, and a reader may stop early', () =>
      inWorld(async (world) => {
        const log = world.open();
        await Promise.all(Array.from({ length: 1700 }, (_, count) => log.append(DATABASE, reset(`${count}`))));
        const records = await factsOf(log, DATABASE);
        expect(records.map(({ fact }) => fact)).toEqual(Array.from({ length: 1700 }, (_, count) => reset(`${count}`)));
        for await (const { fact } of log.read(DATABASE)) {
          expect(fact).toEqual(reset('0'));
          break;
        }
        await log.append(DATABASE, reset('after'));
        await log.close();
      }));

    it('a fact that does not belong to the stream is refused, and stores nothing', () =>
      inWorld(async (world) => {
        const log = world.open();
        await expect(log.append(REPLICA, reset('x'))).rejects.toThrow('belongs to a database stream');
        expect(await factsOf(log, ALL_STREAMS)).toEqual([]);
        await log.close();
        await expect(log.append(DATABASE, reset('x'))).rejects.toThrow('closed');
      }));

    it('old facts are summed up, what they add up to and the recent ones stay', () =>
      inWorld(async (world) => {
        const log = world.open();
        for (let count = 1; count <= 6; count += 1) {
          world.advance(100);
          await log.append(DATABASE, reset(`${count}`));
          await log.append(REPLICA, { type: 'replica.recovered', downMs: count });
        }
        const before = foldDatabase(await factsOf(log, DATABASE));
        await log.compact(450);
        const records = await factsOf(log, DATABASE);
        expect(records.map(({ stream, fact }) => [stream, fact.type])).toEqual([
          [DATABASE, 'state.folded'],
          [REPLICA, 'state.folded'],
          [DATABASE, 'database.reset'],
          [REPLICA, 'replica.recovered'],
          [DATABASE, 'database.reset'],
          [REPLICA, 'replica.recovered'],
        ]);
        expect(foldDatabase(records)).toEqual(before);
        await log.compact(10_000);
        expect(foldDatabase(await factsOf(log, DATABASE))).toEqual(before);
        expect(await factsOf(log, DATABASE)).toHaveLength(2);
        await log.close();
      }));
  });
};
