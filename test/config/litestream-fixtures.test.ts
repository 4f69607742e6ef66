/** Every configuration that Litestream v0.5.17 was run with (fixtures/v0.5/cli): same outcome, or the difference we chose. */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { readConfiguration } from '#config/configuration';
import { configurationError, describeFinding } from '#config/problems';

const FOLDER = fileURLToPath(new URL('../../fixtures/v0.5/cli/', import.meta.url));
const NAMES = readdirSync(FOLDER)
  .map((file) => /^config-(.*)\.databases\.txt$/.exec(file)?.[1])
  .filter((name) => name !== undefined);

interface Recording {
  readonly text: string;
  readonly exit: number;
  readonly error: string;
}

const readRecording = (file: string): Recording => {
  const recording = readFileSync(`${FOLDER}${file}`, 'utf8');
  const section = (name: string): string =>
    new RegExp(`^--- ${name}\\n([\\s\\S]*?)(?=^--- |(?![\\s\\S]))`, 'm').exec(recording)?.[1] ?? '';
  return {
    text: section('config'),
    exit: Number(section('exit')),
    error: section('stderr')
      .replace(/^Error: /, '')
      .trimEnd(),
  };
};

const read = (
  text: string,
  { expandEnv = true, env = {} }: { expandEnv?: boolean; env?: Record<string, string> } = {},
) => readConfiguration({ file: '/x.yml', text, expandEnv, env, cwd: '/DIR', homeDirectory: '/root', pid: 1 });

/** Accepted by us although Litestream refuses, or the other way round with what our message says. */
const DIFFERENCES: Readonly<Record<string, 'accepted' | { readonly refused: string }>> = {
  'db-twice': 'accepted',
  'replicas-two': 'accepted',
  'snapshot-two-dbs': 'accepted',
  'duration-day': 'accepted',
  'duration-number': { refused: 'missing unit' },
  'levels-nine': { refused: 'compaction level cannot exceed 8' },
  'logging-bad-level': { refused: 'logging.level: unknown level "loud"' },
  'logging-bad-type': { refused: 'logging.type: unknown type "xml"' },
  'min-checkpoint-zero': { refused: 'minimum checkpoint page count required' },
  'monitor-interval-zero': { refused: 'monitor interval must be greater than 0' },
};

describe('configurations Litestream was run with', () => {
  it('is a complete set', () => {
    expect(NAMES.length).toBeGreaterThan(50);
    expect(Object.keys(DIFFERENCES).filter((name) => !NAMES.includes(name))).toEqual([]);
  });

  it.each(NAMES)('%s has the expected outcome', (name) => {
    const { text, exit, error } = readRecording(`config-${name}.databases.txt`);
    const result = read(text);
    const difference = DIFFERENCES[name];
    const message = result.kind === 'invalid' ? configurationError(result.problems).message : '';
    if (difference === undefined) {
      expect(result.kind).toBe(exit === 0 ? 'valid' : 'invalid');
      expect(message.startsWith(error)).toBe(true);
    } else if (difference === 'accepted') {
      expect(message).toBe('');
    } else {
      expect(message).toContain(difference.refused);
    }
  });

  it('lists the texts of Litestream in its own heading for values of the wrong type', () => {
    const { text } = readRecording('config-duration-bad.databases.txt');
    const result = read(text);
    expect(result.kind === 'invalid' ? configurationError(result.problems).message : '').toBe(
      'yaml: unmarshal errors:\n  line 2: cannot unmarshal !!str `soon` into time.Duration ' +
        '[/x.yml:2:13 snapshot.interval; write a duration such as 30s, 5m, 1h30m or 24h]',
    );
  });

  it('warns about differing snapshot intervals with both paths and values', () => {
    const result = read(readRecording('config-snapshot-two-dbs.databases.txt').text);
    expect(result.warnings.map(describeFinding)).toContainEqual(
      expect.stringContaining('conflicting database snapshot intervals: /DIR/a.db has 1h0m0s, /DIR/b.db has 2h0m0s'),
    );
  });

  it.each([
    ['set', true, '/DIR/a.db', '/DIR/out/sxy'],
    ['unset', true, '/a.db', '/out/xy'],
    ['no-expand', false, '/DIR/$' + '{ROOT}/a.db', '/DIR/$ROOT/out/$' + '{SUB}x$$y'],
  ])('expands the environment like Litestream (%s)', (name, expandEnv, path, replicaPath) => {
    const { text } = readRecording(`config-env-${name}.txt`);
    const result = read(text, { expandEnv, env: name === 'unset' ? {} : { ROOT: '/DIR', SUB: 's' } });
    expect(result).toMatchObject({
      kind: 'valid',
      configuration: { databases: [{ path, replicas: [{ type: 'file', path: replicaPath }] }] },
    });
  });
});
