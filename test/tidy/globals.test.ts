/** Clock, chance, process and console come in by injection everywhere but at the edges. */
import { describe, expect, test } from 'vitest';
import { codeOnly, linesMatching, type SourceFile, sourceFiles } from './source-files.ts';

/** The edges, and the port that names its methods after the timers it stands for. */
const edges = ['adapters/', 'src/runtime/', 'src/cli/', 'src/ports/clock.ts'];

/** Not after a dot: `clock.setTimeout` of a port is what we want people to write. */
const forbidden: Readonly<Record<string, RegExp>> = {
  'the wall clock':
    /(?<![.\w$])Date\.now\b|\bnew Date\(\s*\)|(?<![.\w$])(?<!new )Date\(\s*\)|(?<![.\w$])Temporal\.Now\b/,
  'a monotonic clock': /(?<![.\w$])performance\b(?!['"])|\bhrtime\b/,
  timers: /(?<![.\w$])(?:setTimeout|setInterval|setImmediate|clearTimeout|clearInterval)\b|\bAbortSignal\.timeout\b/,
  chance: /(?<![.\w$])Math\.random\b|\b(?:randomUUID|randomBytes|randomInt|getRandomValues)\b/,
  'the process': /(?<![.\w$'"])process\s*[.[]|\bnode:process\b/,
  'the console': /(?<![.\w$'"])console\s*[.[]/,
  'globals by another name': /\bglobalThis\b/,
};

const violations = (file: SourceFile): readonly string[] =>
  Object.entries(forbidden).flatMap(([what, pattern]) =>
    linesMatching(file, codeOnly(file.text), pattern).map((line) => `${what}: ${line}`),
  );

describe('globals', () => {
  test('only adapters, runtime and cli touch the clock, chance, the process and the console', () => {
    const files = sourceFiles('src', 'machines').filter(({ path }) => !edges.some((edge) => path.startsWith(edge)));
    expect(files.length).toBeGreaterThan(15);
    expect(files.flatMap(violations)).toEqual([]);
  });

  test('every forbidden global is noticed, also inside a template', () => {
    const of = (text: string) => violations({ path: 'src/domain/a.ts', text }).length;
    const bad = [
      'const at = Date.now();',
      'const at = new Date();',
      'const at = new Date( );',
      'const at = Date();',
      'const at = performance.now();',
      'setTimeout(f, 1);',
      'await x; setImmediate(f);',
      'const signal = AbortSignal.timeout(5);',
      'const n = Math.random();',
      'const id = crypto.randomUUID();',
      "const home = process.env['HOME'];",
      'console.log(1);',
      `const text = \`at \${Date.now()} ms\`;`,
      'const g = globalThis;',
    ];
    expect(bad.filter((text) => of(text) === 0)).toEqual([]);
  });

  test('injected clocks, dates with an argument, comments and strings are fine', () => {
    const good = [
      'const at = new Date(atMs);',
      'clock.setTimeout(f, 1);',
      '// Date.now() is not wanted here',
      "const text = 'console.log(process.env)';",
      `const text = \`Date.now() \${value} process.exit\`;`,
      'const pattern = /console.log/;',
      'interface A { readonly process: string; }',
      'const half = a / b; const other = c / d;',
    ];
    expect(good.flatMap((text) => violations({ path: 'src/domain/a.ts', text }))).toEqual([]);
  });
});
