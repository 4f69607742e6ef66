import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openSqliteFactReader } from '#adapters/facts/sqlite/sqlite-fact-log';
import { formatTxid } from '#domain/txid';
import { FACT_SHAPES } from '#events/codec';
import type { RecordedFact } from '#events/facts';
import { foldDaemon, foldDatabase, foldLevels, foldReplica } from '#events/fold';
import { ALL_STREAMS } from '#events/streams';

const FIXTURES = new URL('../../fixtures/facts/', import.meta.url);
const logs = readdirSync(FIXTURES).filter((name) => name.endsWith('.db'));

const recordsOf = async (name: string): Promise<RecordedFact[]> => {
  // A copy: reading a log in WAL mode makes files beside it.
  const directory = mkdtempSync(join(tmpdir(), 'recorded-log-'));
  try {
    const path = join(directory, name);
    copyFileSync(new URL(name, FIXTURES), path);
    const reader = openSqliteFactReader(path);
    const records: RecordedFact[] = [];
    for await (const record of reader.read(ALL_STREAMS)) records.push(record);
    reader.close();
    return records;
  } finally {
    rmSync(directory, { recursive: true });
  }
};

describe('fact logs of past releases', () => {
  it.each(logs)('%s still adds up to what it did when it was recorded', async (name) => {
    const records = await recordsOf(name);
    const states = {
      records: records.length,
      daemon: foldDaemon(records),
      database: foldDatabase(records),
      replica: foldReplica(records),
      levels: Object.fromEntries(foldLevels(records)),
    };
    const text = JSON.stringify(states, (_key, value: unknown) =>
      typeof value === 'bigint' ? formatTxid(value) : value,
    );
    const expected: unknown = JSON.parse(
      readFileSync(new URL(name.replace('.db', '.expected.json'), FIXTURES), 'utf8'),
    );
    expect(JSON.parse(text)).toMatchObject(expected as object);
  });

  it('every type of fact is in one of them', async () => {
    const recorded = await Promise.all(logs.map(recordsOf));
    const types = new Set(recorded.flat().map(({ fact }) => fact.type));
    expect(Object.keys(FACT_SHAPES).filter((type) => !types.has(type as RecordedFact['fact']['type']))).toEqual([]);
  });
});
