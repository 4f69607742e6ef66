/** Names, sizes and docstrings: a newcomer finds a thing by its name and learns from its comment what it promises. */
import { describe, expect, test } from 'vitest';
import { filesBelow, openingComment, type SourceFile, sourceFiles } from './source-files.ts';

const folders = ['src', 'machines', 'adapters', 'test', 'bench'];
const linesMax = 400;

/** Files that may be longer, each with its reason. */
const longFiles: Readonly<Record<string, string>> = {
  'machines/database/database.machine.ts': 'one statechart, which reads worse in two halves',
};

const kebabCase = /^[a-z0-9]+(?:-[a-z0-9]+)*(?:\.[a-z0-9]+(?:-[a-z0-9]+)*)*$/;
const homeless = /^(?:utils?|helpers?|common|misc|lib|shared|stuff)(?:\.|$)/;

const lineCount = (text: string): number => text.split('\n').length - 1;

/** `machines/host/host.machine.ts` gives `hostmachine`. */
const namesake = (path: string): string => (path.split('/').at(-1) ?? '').replace(/\.ts$/, '').replace(/[-.]/g, '');

/**
 * Exports without a docstring right above them, as `path name`. The opening comment of a file speaks for the export of the
 * same name (`hostMachine` in `host.machine.ts`); overloads share one; re-exports are documented where they are declared.
 */
function undocumented(file: SourceFile): readonly string[] {
  const lines = file.text.split('\n');
  const pattern =
    /^export (?:declare )?(?:abstract )?(?:async )?(?:function\*?|const|let|class|interface|type|enum) +([\w$]+)/;
  return lines.flatMap((line, index) => {
    const name = pattern.exec(line)?.[1];
    if (name === undefined) return [];
    const above = lines.slice(0, index).findLast((previous) => !/^\s*(?:$|\/\/ biome-ignore )/.test(previous)) ?? '';
    const isDirectlyBelow = lines[index - 1]?.trim() !== '';
    const isOverload = new RegExp(`^export (?:async )?function ${name}\\b.*;$`).test(above);
    const isNamesake = openingComment(file.text) !== '' && name.toLowerCase() === namesake(file.path);
    return (above.trimEnd().endsWith('*/') && isDirectlyBelow) || isOverload || isNamesake
      ? []
      : [`${file.path} ${name}`];
  });
}

describe('names', () => {
  test('files and folders are kebab-case', () => {
    const odd = folders.flatMap(filesBelow).filter((path) => !path.split('/').every((part) => kebabCase.test(part)));
    expect(odd).toEqual([]);
  });

  test('nothing is called utils, helpers or common', () => {
    const parts = folders.flatMap(filesBelow).filter((path) => path.split('/').some((part) => homeless.test(part)));
    expect(parts).toEqual([]);
  });

  test(`no file outside the tests is longer than ${linesMax} lines`, () => {
    const long = sourceFiles('src', 'machines', 'adapters', 'bench')
      .filter(({ text }) => lineCount(text) > linesMax)
      .map(({ path }) => path);
    expect(long).toEqual(Object.keys(longFiles));
  });

  test('every file begins by saying what it is for', () => {
    const silent = sourceFiles('src', 'machines', 'adapters', 'bench').filter(
      ({ text }) => openingComment(text.replace(/^#!.*\n/, '')).replace(/[/*\s]/g, '').length < 10,
    );
    expect(silent.map(({ path }) => path)).toEqual([]);
  });

  test('every export has a docstring', () => {
    expect(sourceFiles('src', 'machines', 'adapters').flatMap(undocumented)).toEqual([]);
  });

  test('nothing is a default export', () => {
    const found = sourceFiles('src', 'machines', 'adapters').filter(({ text }) => /^export default\b/m.test(text));
    expect(found.map(({ path }) => path)).toEqual([]);
  });

  test('a missing docstring is noticed, an overload is not', () => {
    const of = (text: string) => undocumented({ path: 'src/domain/other.ts', text });
    expect(of('/** A file. */\n\nexport const a = 1;')).toHaveLength(1);
    expect(of('/** A file. */\nconst b = 1;\nexport function a(): void {}')).toHaveLength(1);
    expect(of('/** One. */\n// biome-ignore lint/a/b: c\nexport const a = 1;')).toEqual([]);
    expect(of('/** The other. */\nimport b;\nexport const other = 1;')).toEqual([]);
    expect(of('/** One. */\nexport function a(x: string): void;\nexport function a(x: unknown): void {}')).toEqual([]);
  });
});
