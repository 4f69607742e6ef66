import { describe, expect, it } from 'vitest';
import type { Fact } from '#events/facts';
import { formatHistoryLine, historyJson } from '#events/history';
import { DATABASE, LEVEL_1, REPLICA, SAMPLE_FACTS } from './sample-facts.ts';

const AT_MS = Date.UTC(2026, 2, 1, 9, 30, 0, 125);

describe('history', () => {
  it('is one line a fact: when, where, what', () => {
    const line = (stream: string, index: number): string | undefined => {
      const fact = SAMPLE_FACTS.filter(([home]) => home === stream)[index]?.[1];
      return fact && formatHistoryLine({ seq: 1, stream, atMs: AT_MS, fact });
    };
    expect(line('daemon', 0)).toBe('2026-03-01T09:30:00Z  daemon  started, version 0.5.17, process 42');
    expect(line(DATABASE, 0)).toBe('2026-03-01T09:30:00Z  /data/app.db  opened at TXID 0000000000000012 (known)');
    expect(line(REPLICA, 0)).toBe(
      '2026-03-01T09:30:00Z  /data/app.db s3  connected, highest TXID 0000000000000012, history: same',
    );
    expect(line(LEVEL_1, 2)).toBe(
      '2026-03-01T09:30:00Z  /data/app.db s3 level 1  pruned 3 files through TXID 0000000000000008',
    );
  });

  it.each(SAMPLE_FACTS.map(([stream, fact]) => [fact.type, stream, fact] as const))(
    '%s has a line of its own',
    (_, stream, fact) => {
      const line = formatHistoryLine({ seq: 1, stream, atMs: AT_MS, fact });
      expect(line).not.toMatch(/undefined|\[object|\n/);
      expect(line.split('  ')).toHaveLength(3);
    },
  );

  it('what is not known is not shown', () => {
    const line = (fact: Fact): string => formatHistoryLine({ seq: 1, stream: 'daemon', atMs: AT_MS, fact }).slice(22);
    expect(line({ type: 'daemon.started' })).toBe('daemon  started');
    expect(line({ type: 'configuration.applied', databases: 2 })).toBe(
      'daemon  configuration of the command line applied, 2 databases',
    );
    expect(line({ type: 'daemon.stopped', unreplicated: 0 })).toBe('daemon  stopped, everything replicated');
    expect(line({ type: 'daemon.stopped', unreplicated: 2 })).toBe('daemon  stopped, 2 replicas behind');
  });

  it('a cause with several lines stays on one', () => {
    const fact = { type: 'database.reset', cause: 'first\n  second\tthird' } as const;
    expect(formatHistoryLine({ seq: 1, stream: DATABASE, atMs: AT_MS, fact })).toMatch(/reset: first second third$/);
  });

  it('as JSON it has the fields of the fact, TXIDs as 16 hex digits', () => {
    const fact = { type: 'local.adopted', replica: 's3', txid: 0x1fn } as const;
    expect(historyJson({ seq: 9, stream: DATABASE, atMs: AT_MS, fact })).toEqual({
      seq: 9,
      time: '2026-03-01T09:30:00.125Z',
      stream: DATABASE,
      type: 'local.adopted',
      replica: 's3',
      txid: '000000000000001f',
    });
  });
});
