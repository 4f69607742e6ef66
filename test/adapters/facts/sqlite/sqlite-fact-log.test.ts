import { copyFileSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createSimulatedClock, type SimulatedClock } from '#adapters/clock/simulated/simulated-clock';
import {
  openSqliteFactLog,
  openSqliteFactReader,
  type SqliteFactLogOptions,
} from '#adapters/facts/sqlite/sqlite-fact-log';
import type { Fact } from '#events/facts';
import { ALL_STREAMS } from '#events/streams';
import type { Log } from '#ports/log';
import { DATABASE, REPLICA } from '../../../events/sample-facts.ts';
import { describeFactLogConformance, factsOf } from '../conformance.ts';

const quiet: Log = { write: () => undefined, with: () => quiet };
const reset = (cause: string): Fact => ({ type: 'database.reset', cause });

describeFactLogConformance('sqlite', async () => {
  const base = mkdtempSync(join(tmpdir(), 'fact-log-'));
  const clock = createSimulatedClock();
  return {
    open: () => openSqliteFactLog({ path: join(base, 'state', 'facts.db'), clock, log: quiet }),
    advance: (byMs) => clock.moveTo(clock.nowMs() + byMs),
    dispose: async () => rmSync(base, { recursive: true }),
  };
});

describe('the fact log in SQLite', () => {
  let base: string;
  let path: string;
  let clock: SimulatedClock;
  let lines: string[];
  const log: Log = { write: (level, message) => lines.push(`${level} ${message}`), with: () => log };
  const open = (more: Partial<SqliteFactLogOptions> = {}): ReturnType<typeof openSqliteFactLog> =>
    openSqliteFactLog({ path, clock, log, ...more });
  const causes = async (source: Parameters<typeof factsOf>[0]): Promise<unknown[]> =>
    (await factsOf(source, DATABASE)).map(({ fact }) => (fact.type === 'database.reset' ? fact.cause : fact));

  beforeEach(() => {
    base = mkdtempSync(join(tmpdir(), 'fact-log-'));
    path = join(base, 'facts.db');
    clock = createSimulatedClock();
    lines = [];
  });
  afterEach(() => rmSync(base, { recursive: true }));

  it('facts of one turn are one write, and nobody is told before it', async () => {
    const turns: (() => void)[] = [];
    const facts = open({ schedule: (run) => turns.push(run) });
    const told: string[] = [];
    const appended = ['a', 'b', 'c'].map((cause) => facts.append(DATABASE, reset(cause)).then(() => told.push(cause)));
    await Promise.resolve();
    expect([turns.length, told]).toEqual([1, []]);
    const reader = openSqliteFactReader(path);
    expect(await causes(reader)).toEqual([]);
    turns[0]?.();
    await Promise.all(appended);
    expect(told).toEqual(['a', 'b', 'c']);
    expect(await causes(reader)).toEqual(['a', 'b', 'c']);
    reader.close();
    await facts.close();
  });

  it('a command reads while the daemon writes', async () => {
    const facts = open();
    await facts.append(DATABASE, reset('one'));
    const reader = openSqliteFactReader(path);
    await facts.append(DATABASE, reset('two'));
    expect(await causes(reader)).toEqual(['one', 'two']);
    reader.close();
    await facts.append(DATABASE, reset('three'));
    await facts.close();
    expect(lines).toEqual([]);
  });

  it('what a killed daemon had appended is there at the next start', async () => {
    const facts = open();
    await facts.append(DATABASE, reset('before the kill'));
    const copy = join(base, 'copy.db');
    for (const suffix of ['', '-wal']) copyFileSync(`${path}${suffix}`, `${copy}${suffix}`);
    const next = open({ path: copy });
    expect(await causes(next)).toEqual(['before the kill']);
    await next.close();
    await facts.close();
  });

  it('a damaged file is moved aside with a warning, and a new log is started', async () => {
    writeFileSync(path, 'this is not a database, and it is long enough to be looked at'.repeat(100));
    const facts = open();
    await facts.append(DATABASE, reset('new'));
    expect(await causes(facts)).toEqual(['new']);
    await facts.close();
    expect(lines).toEqual(['warn fact log is broken, a new one was started']);
    expect(readFileSync(`${path}.broken-1`, 'utf8')).toMatch(/^this is not a database/);
    writeFileSync(path, 'again no database'.repeat(100));
    await open().close();
    expect(readdirSync(base).filter((name) => name.includes('broken'))).toEqual([
      'facts.db.broken-1',
      'facts.db.broken-2',
    ]);
  });

  it('a database of another program or of a later release is moved aside, not written into', async () => {
    const other = new Database(path);
    other.exec('CREATE TABLE treasure (gold)');
    other.close();
    const facts = open();
    await facts.append(DATABASE, reset('new'));
    await facts.close();
    const aside = new Database(`${path}.broken-1`);
    expect(aside.prepare('SELECT name FROM sqlite_schema').pluck().all()).toEqual(['treasure']);
    aside.close();
  });

  it('a file that turns bad while it is written is replaced, and the facts of the moment are kept', async () => {
    const facts = open();
    for (let count = 0; count < 300; count += 1) await facts.append(DATABASE, reset(`old ${'x'.repeat(200)}`));
    await facts.close();
    const bytes = readFileSync(path);
    bytes.fill(0xee, 4096);
    writeFileSync(path, bytes);
    const again = open();
    await again.append(DATABASE, reset('kept'));
    expect(await causes(again)).toEqual(['kept']);
    expect(existsSync(`${path}.broken-1`)).toBe(true);
    await again.close();
  });

  it('while the log cannot be opened facts wait, appending does not, and they are written when it can', async () => {
    const directory = join(base, 'state');
    writeFileSync(directory, 'a file where a directory is needed');
    const facts = open({ path: join(directory, 'facts.db') });
    await facts.append(DATABASE, reset('one'));
    await facts.append(DATABASE, reset('two'));
    expect(facts.queuedFacts()).toBe(2);
    expect(facts.problem()).toMatch(/EEXIST|ENOTDIR/);
    expect(await causes(facts)).toEqual(['one', 'two']);
    expect(lines).toEqual(['warn fact log cannot be written, facts wait in memory']);
    rmSync(directory);
    expect(clock.step()).toBe(true);
    expect([facts.queuedFacts(), facts.problem()]).toEqual([0, undefined]);
    expect(lines.at(-1)).toBe('info fact log is written again');
    expect(await causes(facts)).toEqual(['one', 'two']);
    await facts.close();
    expect(dirname(join(directory, 'facts.db'))).toBe(directory);
    expect(clock.pendingTimers()).toBe(0);
  });

  it('beyond its bound the oldest facts are dropped, and the log shows the gap where it was', async () => {
    const blocker = new Database(`${path}.lock`);
    blocker.exec('BEGIN EXCLUSIVE');
    const facts = open({ queuedFactsMax: 3 });
    for (let count = 1; count <= 5; count += 1) await facts.append(DATABASE, reset(`${count}`));
    await facts.append(REPLICA, { type: 'replica.recovered', downMs: 1 });
    expect(facts.problem()).toBe('another process writes it');
    blocker.close();
    clock.step();
    expect((await factsOf(facts, ALL_STREAMS)).map(({ fact }) => fact)).toEqual([
      { type: 'facts.lost', count: 3 },
      reset('4'),
      reset('5'),
      { type: 'replica.recovered', downMs: 1 },
    ]);
    await facts.close();
  });

  it('a turn with more facts than may wait loses none while the log can be written', async () => {
    const facts = open({ queuedFactsMax: 3 });
    const all = Array.from({ length: 20 }, (_, count) => `${count}`);
    await Promise.all(all.map((cause) => facts.append(DATABASE, reset(cause))));
    expect(await causes(facts)).toEqual(all);
    await facts.close();
  });

  it('a full log can still be read, loses nothing that fits in memory, and takes facts again once summed up', async () => {
    const facts = open({ fileBytesMax: 64 * 1024 });
    const texts: string[] = [];
    while (facts.problem() === undefined && texts.length < 10_000) {
      texts.push(`${texts.length} ${'x'.repeat(500)}`);
      await facts.append(DATABASE, reset(texts.at(-1) ?? ''));
    }
    await facts.append(DATABASE, reset('while full'));
    expect(facts.problem()).toMatch(/full/);
    expect(facts.queuedFacts()).toBe(2);
    expect(await causes(facts)).toEqual([...texts, 'while full']);
    clock.moveTo(1);
    await facts.compact(1);
    expect([facts.problem(), facts.queuedFacts()]).toEqual([undefined, 0]);
    expect((await factsOf(facts, DATABASE)).map(({ fact }) => fact.type)).toEqual([
      'state.folded',
      'database.reset',
      'database.reset',
    ]);
    await facts.close();
  });

  it('only one process writes: the second waits and takes over when the first ends', async () => {
    const first = open();
    await first.append(DATABASE, reset('first'));
    const second = open();
    await second.append(DATABASE, reset('second'));
    expect(second.queuedFacts()).toBe(1);
    expect(await causes(first)).toEqual(['first']);
    await first.close();
    clock.step();
    expect(await causes(second)).toEqual(['first', 'second']);
    await second.close();
  });

  it('facts that could not be written until the end are counted as lost', async () => {
    const first = open();
    const second = open();
    await second.append(DATABASE, reset('never written'));
    await second.close();
    await second.close();
    expect(lines.at(-1)).toBe('error fact log could not be written, facts are lost');
    expect(clock.pendingTimers()).toBe(0);
    await first.close();
  });

  it('a log that is missing or is none cannot be read, and the error says where to look', () => {
    expect(() => openSqliteFactReader(path)).toThrow(
      expect.objectContaining({ code: 'FACT_LOG_BROKEN', hint: expect.stringContaining('state-path') }),
    );
    writeFileSync(path, 'no database'.repeat(100));
    expect(() => openSqliteFactReader(path)).toThrow(
      expect.objectContaining({ code: 'FACT_LOG_BROKEN', message: expect.stringContaining(path) }),
    );
  });

  it('a fact of a later release is FACT_UNKNOWN to a reader, and compaction leaves its stream alone', async () => {
    const facts = open();
    await facts.append(DATABASE, reset('one'));
    const raw = new Database(path);
    raw
      .prepare("INSERT INTO fact (stream, type, version, at, data) VALUES (?, 'moon.landed', 1, 0, '{}')")
      .run(DATABASE);
    await expect(factsOf(facts, DATABASE)).rejects.toMatchObject({ code: 'FACT_UNKNOWN' });
    await facts.compact(10);
    expect(raw.prepare('SELECT count(*) FROM fact').pluck().get()).toBe(2);
    expect(lines).toEqual(['warn facts of a stream were not summed up']);
    raw.close();
    await facts.close();
  });
});
