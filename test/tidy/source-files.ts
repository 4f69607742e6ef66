/** The files of the tree as text, and their code without comments or the content of strings. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { projectPath } from '../support/project.ts';

export interface SourceFile {
  /** Relative to the project, with `/`. */
  readonly path: string;
  readonly text: string;
}

/** Every TypeScript file below the folders given, sorted. The kernel's AssemblyScript is another language. */
export function sourceFiles(...folders: readonly string[]): readonly SourceFile[] {
  return folders.flatMap((folder) =>
    filesBelow(folder)
      .filter((path) => path.endsWith('.ts') && !path.includes('/kernel/assembly/'))
      .map((path) => ({ path, text: readFileSync(`${projectPath}/${path}`, 'utf8') })),
  );
}

/** Paths of all files below a folder of the project, sorted; none when there is no such folder. */
export function filesBelow(folder: string): readonly string[] {
  const absolute = `${projectPath}/${folder}`;
  if (!statSync(absolute, { throwIfNoEntry: false })?.isDirectory()) return [];
  return readdirSync(absolute, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => `${entry.parentPath}/${entry.name}`.slice(projectPath.length + 1))
    .sort();
}

/** Lines of a file whose code matches, as `path:line: text`. `text` keeps its line breaks in all the forms below. */
export function linesMatching(file: SourceFile, code: string, pattern: RegExp): readonly string[] {
  const shown = file.text.split('\n');
  return code
    .split('\n')
    .flatMap((line, index) => (pattern.test(line) ? [`${file.path}:${index + 1}: ${shown[index]?.trim()}`] : []));
}

/** The same text with comments blanked, strings kept. */
export const withoutComments = (text: string): string => scan(text, { keepStrings: true });

/** The same text with comments and the content of strings blanked; code inside `${}` stays. */
export const codeOnly = (text: string): string => scan(text, { keepStrings: false });

/** The leading comment of a file, with its markers; empty when the file does not begin with one. */
export function openingComment(text: string): string {
  const match = /^(?:\/\*[\s\S]*?\*\/|(?:\/\/[^\n]*\n)+)/.exec(text);
  return match?.[0] ?? '';
}

/** Module specifiers a file names: static and dynamic imports, re-exports, and imports of types. */
export function importsOf(text: string): readonly { readonly specifier: string; readonly isTypeOnly: boolean }[] {
  const found: { specifier: string; isTypeOnly: boolean }[] = [];
  const code = withoutComments(text);
  const statement = /(?:^|[;}\n])\s*(import|export)\s+(type\s+)?(?:[\w*{}\s,$]+?\s+from\s+)?['"]([^'"\n]+)['"]/g;
  for (const [, , type, specifier] of code.matchAll(statement)) {
    if (specifier !== undefined) found.push({ specifier, isTypeOnly: type !== undefined });
  }
  for (const [, specifier] of code.matchAll(/\bimport\s*\(\s*['"]([^'"\n]+)['"]/g)) {
    if (specifier !== undefined) found.push({ specifier, isTypeOnly: false });
  }
  for (const [, specifier] of code.matchAll(/\brequire\s*\(\s*['"]([^'"\n]+)['"]/g)) {
    if (specifier !== undefined) found.push({ specifier, isTypeOnly: false });
  }
  return found;
}

/** A lexer that knows comments, strings, templates and regular expressions, and nothing else. */
function scan(text: string, { keepStrings }: { readonly keepStrings: boolean }): string {
  let output = '';
  let at = 0;
  // One entry for each open template: how many braces are open inside its current `${`.
  const templates: number[] = [];
  const blank = (part: string): string => part.replace(/[^\n]/g, ' ');
  const take = (length: number, isKept: boolean): void => {
    const part = text.slice(at, at + length);
    output += isKept ? part : blank(part);
    at += length;
  };
  const templatePart = (): void => {
    while (at < text.length) {
      if (text[at] === '\\') take(2, keepStrings);
      else if (text[at] === '`') {
        take(1, true);
        return;
      } else if (text.startsWith('${', at)) {
        take(2, true);
        templates.push(0);
        return;
      } else take(1, keepStrings);
    }
  };
  while (at < text.length) {
    const rest = text.slice(at, at + 2);
    const character = text[at] ?? '';
    if (rest === '//') take(lengthUntil(text, at, '\n'), false);
    else if (rest === '/*') take(lengthUntil(text, at + 2, '*/') + 4, false);
    else if (character === "'" || character === '"') {
      take(1, true);
      while (at < text.length && text[at] !== character && text[at] !== '\n')
        take(text[at] === '\\' ? 2 : 1, keepStrings);
      take(1, true);
    } else if (character === '`') {
      take(1, true);
      templatePart();
    } else if (character === '/' && isRegexStart(output)) {
      const length = regexLength(text, at);
      take(length, keepStrings);
    } else {
      const depth = templates.at(-1);
      if (depth !== undefined && character === '{') templates[templates.length - 1] = depth + 1;
      if (depth !== undefined && character === '}') {
        if (depth === 0) {
          templates.pop();
          take(1, true);
          templatePart();
          continue;
        }
        templates[templates.length - 1] = depth - 1;
      }
      take(1, true);
    }
  }
  return output;
}

function lengthUntil(text: string, from: number, end: string): number {
  const found = text.indexOf(end, from);
  return (found === -1 ? text.length : found) - from;
}

/** A slash divides after a value and begins a regular expression after an operator or keyword. */
function isRegexStart(before: string): boolean {
  const code = before.trimEnd();
  return code === '' || /[(,=:[!&|?{};+\-*%<>~^]$/.test(code) || /\b(?:return|typeof|case|in|of|await)$/.test(code);
}

function regexLength(text: string, from: number): number {
  let isInClass = false;
  for (let at = from + 1; at < text.length && text[at] !== '\n'; at++) {
    const character = text[at];
    if (character === '\\') at++;
    else if (character === '[') isInClass = true;
    else if (character === ']') isInClass = false;
    else if (character === '/' && !isInClass) return at + 1 - from;
  }
  return 1;
}
