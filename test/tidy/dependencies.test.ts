/** Few dependencies, each pinned, used, and justified by a line in ARCHITECTURE.md. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { projectPath } from '../support/project.ts';
import { filesBelow, importsOf, sourceFiles, withoutComments } from './source-files.ts';

/** In package.json for work that has not landed. A line goes when the package is imported: the test says so. */
const plannedDependencies: readonly string[] = [
  '@aws-sdk/client-s3',
  '@azure/storage-blob',
  '@google-cloud/storage',
  '@modelcontextprotocol/server',
  'age-encryption',
  'fastify',
  'nats',
  'picomatch',
  'prom-client',
  'ssh2',
  'webdav',
  'ws',
  'zod',
];

/** Programs and type packages, which nothing imports. */
const toolsWithoutImports = ['@biomejs/biome', 'assemblyscript', 'tsx', 'typescript'];

interface PackageJson {
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
  readonly scripts: Readonly<Record<string, string>>;
}

const packageJson = JSON.parse(readFileSync(`${projectPath}/package.json`, 'utf8')) as PackageJson; // our own file
const all = { ...packageJson.dependencies, ...packageJson.devDependencies };

const packageOf = (specifier: string): string => /^(?:@[^/]+\/)?[^/]+/.exec(specifier)?.[0] ?? specifier;

/** Names of the packages that files below these folders import, also from `.mjs` files. */
function imported(...folders: readonly string[]): ReadonlySet<string> {
  const typescript = sourceFiles(...folders).map(({ text }) => text);
  const scripts = folders
    .flatMap(filesBelow)
    .filter((path) => path.endsWith('.mjs'))
    .map((path) => readFileSync(`${projectPath}/${path}`, 'utf8'));
  const specifiers = [...typescript, ...scripts].flatMap((text) => importsOf(text).map(({ specifier }) => specifier));
  const resolved = [...typescript, ...scripts].flatMap((text) =>
    [...withoutComments(text).matchAll(/\.resolve\(\s*['"]([^'"]+)['"]/g)].map(([, specifier]) => specifier ?? ''),
  );
  return new Set([...specifiers, ...resolved].filter((s) => s !== '' && !/^[.#]|^node:/.test(s)).map(packageOf));
}

describe('dependencies', () => {
  test('versions are exact', () => {
    const loose = Object.entries(all).filter(([, version]) => !/^\d+\.\d+\.\d+$/.test(version));
    expect(loose).toEqual([]);
  });

  test('each has a line in the dependency table of ARCHITECTURE.md, and no line is left over', () => {
    const text = readFileSync(`${projectPath}/ARCHITECTURE.md`, 'utf8');
    const section = /## Dependencies\n([\s\S]*?)(?=\n## |$)/.exec(text)?.[1] ?? '';
    const rows = section.split('\n').filter((line) => line.startsWith('| `'));
    const named = rows.flatMap((row) => [...(row.split('|')[1] ?? '').matchAll(/`([^`]+)`/g)].map(([, name]) => name));
    expect(new Set(named)).toEqual(new Set(Object.keys(all)));
    expect(named).toHaveLength(Object.keys(all).length);
    const unexplained = rows.filter((row) => (row.split('|')[2] ?? '').trim().length < 10);
    expect(unexplained).toEqual([]);
  });

  test('each runtime dependency is imported by the product, or planned', () => {
    const used = imported('src', 'machines', 'adapters');
    const unused = Object.keys(packageJson.dependencies).filter((name) => !used.has(name));
    expect(unused.filter((name) => !plannedDependencies.includes(name))).toEqual([]);
  });

  test('each development dependency is imported by tests, or is a tool', () => {
    const used = new Set([...imported('test', 'bench'), ...imported('src', 'machines', 'adapters')]);
    const unused = Object.keys(packageJson.devDependencies).filter(
      (name) => !used.has(name) && !name.startsWith('@types/') && !toolsWithoutImports.includes(name),
    );
    expect(unused.filter((name) => !plannedDependencies.includes(name))).toEqual([]);
  });

  test('what is planned has not landed yet', () => {
    const used = imported('src', 'machines', 'adapters', 'test', 'bench');
    expect(plannedDependencies.filter((name) => used.has(name))).toEqual([]);
    expect(plannedDependencies.filter((name) => !(name in all))).toEqual([]);
  });

  test('the product imports nothing but its dependencies', () => {
    const used = [...imported('src', 'machines', 'adapters')];
    expect(used.filter((name) => !(name in packageJson.dependencies))).toEqual([]);
  });
});
