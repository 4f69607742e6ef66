/** What must not be in the repository: places outside of it, unfinished work, tests that do not run, package hosts. */
import { execFileSync } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { projectPath } from '../support/project.ts';

/** Written in pieces, so that this file does not contain what it forbids. */
const pattern = (...pieces: readonly string[]): RegExp => new RegExp(pieces.join(''), 'i');

const forbidden: Readonly<Record<string, RegExp>> = {
  'a path outside of the repository': pattern('/wo', 'rk/(?:main|sha', 'red|\\.lib)|\\bsha', 'red/(?!memory)'),
  'a temporary place of one machine': pattern('/tmp/br', 'ief|\\.lib', 'rary/'),
  'a package host': pattern(
    'registry\\.npm',
    'js|registry\\.ya',
    'rnpkg|npm',
    'mirror|pypi\\.',
    'org|files\\.python',
    'hosted',
  ),
  'unfinished work': pattern('\\b(?:TO', 'DO|FIX', 'ME)\\b|\\bX', 'XX\\b|not imple', 'mented'),
  'a test that does not run': pattern(
    '\\b(?:describe|suite|test|it)(?:\\.\\w+(?:\\([^)]*\\))?)*\\.(?:on',
    'ly|sk',
    'ip|to',
    'do|skip',
    'If|run',
    'If|fai',
    'ls)\\b|\\bx(?:it|describe|test)\\(|passWith',
    'NoTests',
  ),
  'a silenced compiler': pattern('@ts-', '(?:ignore|nocheck)|eslint-', 'disable'),
  'who wrote it': pattern(
    '\\bsub-?',
    'agents?\\b|\\bclau',
    'de\\b|\\bchat',
    'gpt\\b|\\banth',
    'ropic\\b|\\bAI (?:agent|session)',
  ),
  'a number of an issue': pattern('\\b(?:issue|pull request|PR)s? ?', '#?\\d+\\b'),
};

/** Data with an origin of its own, and the licence. */
const exempt = /^(?:fixtures\/|LICENSE$)/;

/** Tracked files and new ones that git does not ignore. */
function filesOfRepository(): readonly string[] {
  const listed = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: projectPath,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  return [...new Set(listed.split('\0').filter(Boolean))].filter(
    (path) => statSync(`${projectPath}/${path}`, { throwIfNoEntry: false })?.isFile() && !exempt.test(path),
  );
}

function violations(path: string, text: string): readonly string[] {
  return text.split('\n').flatMap((line, index) =>
    Object.entries(forbidden)
      .filter(([, words]) => words.test(line))
      .map(([what]) => `${what}: ${path}:${index + 1}: ${line.trim().slice(0, 160)}`),
  );
}

describe('words', () => {
  test('no file holds a forbidden word', () => {
    const files = filesOfRepository();
    expect(files.length).toBeGreaterThan(50);
    const found = files.flatMap((path) => {
      const bytes = readFileSync(`${projectPath}/${path}`);
      return bytes.includes(0) ? [] : violations(path, bytes.toString('utf8'));
    });
    expect(found).toEqual([]);
  });

  test('every kind of forbidden word is noticed', () => {
    const bad = [
      `see /wo${'rk'}/main/src`,
      `see sha${'red'}/spec`,
      `https://registry.npm${'js'}.org/x`,
      `// TO${'DO'}: later`,
      `test.sk${'ip'}('x')`,
      `describe.each(a).on${'ly'}('x')`,
      `// @ts-${'ignore'}`,
      `written by Clau${'de'}`,
      `see issue ${'#'}12`,
    ];
    expect(bad.filter((text) => violations('a.ts', text).length === 0)).toEqual([]);
  });

  test('words that only look alike are fine', () => {
    const good = [
      '/workers/',
      'stream.skip(5)',
      '"User-Agent"',
      'the shared lock',
      'items.only',
      'a workload',
      'network/work',
    ];
    expect(good.flatMap((text) => violations('a.ts', text))).toEqual([]);
  });

  test('the lock file names no host', () => {
    const lock = readFileSync(`${projectPath}/package-lock.json`, 'utf8');
    expect(lock.match(/"resolved"/g) ?? []).toEqual([]);
  });
});
