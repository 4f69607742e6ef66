/** The layout table as a check: which folder may import which, and how. */
import { posix } from 'node:path';
import { describe, expect, test } from 'vitest';
import { importsOf, type SourceFile, sourceFiles } from './source-files.ts';

/** `packages`: what may be imported from outside the tree; `any` includes `node:*`. */
interface Layer {
  readonly mayImport: readonly string[];
  readonly packages: 'any' | readonly string[];
}

/** Path arithmetic and address syntax are pure functions that happen to live in Node. */
const pureNode = ['node:path', 'node:net'];

/** The compiled kernel lies beside its loader and is read once; everything else in `format` stays free of I/O. */
const packagesOfFiles: Readonly<Record<string, readonly string[]>> = {
  'src/format/kernel/load.ts': ['node:fs', 'node:url'],
};

const layers: Readonly<Record<string, Layer>> = {
  errors: { mayImport: [], packages: [] },
  domain: { mayImport: ['errors'], packages: [] },
  format: { mayImport: ['domain', 'errors'], packages: ['age-encryption'] },
  events: { mayImport: ['domain', 'errors'], packages: [] },
  ports: { mayImport: ['domain', 'events'], packages: [] },
  effects: { mayImport: ['ports', 'format', 'domain', 'events', 'errors'], packages: pureNode },
  config: { mayImport: ['domain', 'errors'], packages: [...pureNode, 'yaml', 'zod', 'picomatch'] },
  runtime: {
    mayImport: ['machines', 'effects', 'adapters', 'config', 'format', 'domain', 'events', 'ports', 'errors'],
    packages: 'any',
  },
  cli: { mayImport: ['runtime', 'config', 'domain', 'errors'], packages: 'any' },
  index: { mayImport: ['runtime', 'config', 'domain', 'errors'], packages: [] },
  machines: { mayImport: ['domain', 'events', 'errors'], packages: ['xstate'] },
  adapters: { mayImport: ['ports', 'format', 'domain', 'events', 'errors'], packages: 'any' },
};

/** `src/domain/txid.ts` and `domain/txid` are in `domain`, `machines/…` in `machines`. */
function layerOf(path: string): string {
  if (path === 'src/index.ts') return 'index';
  const [first = '', second = ''] = path.split('/');
  return first === 'src' ? second : first;
}

/** Adapters share the files that lie directly in the folder of their port, and nothing else with each other. */
function isForeignAdapter(from: string, to: string): boolean {
  const [, fromPort, ...fromRest] = from.split('/');
  const [, toPort, ...toRest] = to.split('/');
  if (fromPort !== toPort) return true;
  const isShared = toRest.length === 1;
  return !isShared && fromRest[0] !== toRest[0];
}

/** What is wrong with one import; nothing when it obeys the table. */
function complaint(file: SourceFile, specifier: string, isTypeOnly: boolean): string | undefined {
  const from = layerOf(file.path);
  const layer = layers[from];
  if (layer === undefined) return 'lies in a folder the layout does not know';
  if (specifier.startsWith('.')) {
    if (!specifier.endsWith('.ts') && !specifier.endsWith('.json')) return 'relative imports carry their extension';
    const target = posix.join(posix.dirname(file.path), specifier);
    if (layerOf(target) !== from) return 'folders are crossed by subpath imports (#domain/txid)';
    if (from === 'adapters' && isForeignAdapter(file.path, target)) return 'an adapter imports another adapter';
    return undefined;
  }
  if (specifier.startsWith('#')) {
    const to = specifier.slice(1).split('/')[0] ?? '';
    if (to === from) return 'inside one folder imports stay relative';
    if (/\.[tj]s$/.test(specifier)) return 'subpath imports have no extension';
    if (!layer.mayImport.includes(to)) return `${from} may not import ${to}`;
    if (from === 'ports' && !isTypeOnly) return 'ports hold types only: use "import type"';
    return undefined;
  }
  if (layer.packages === 'any') return undefined;
  const name = specifier.startsWith('node:') ? specifier : (/^(@[^/]+\/)?[^/]+/.exec(specifier)?.[0] ?? specifier);
  return layer.packages.includes(name) || packagesOfFiles[file.path]?.includes(name)
    ? undefined
    : `${from} may not import the package ${name}`;
}

const complaints = (files: readonly SourceFile[]): readonly string[] =>
  files.flatMap((file) =>
    importsOf(file.text).flatMap(({ specifier, isTypeOnly }) => {
      const wrong = complaint(file, specifier, isTypeOnly);
      return wrong === undefined ? [] : [`${file.path} imports ${specifier}: ${wrong}`];
    }),
  );

describe('layers', () => {
  test('every import follows the layout table', () => {
    const files = sourceFiles('src', 'machines', 'adapters');
    expect(files.length).toBeGreaterThan(20);
    expect(complaints(files)).toEqual([]);
  });

  test('every kind of forbidden import is noticed', () => {
    const of = (path: string, text: string) => complaints([{ path, text }]);
    expect(of('src/domain/a.ts', `import { x } from '#format/y';`)).toHaveLength(1);
    expect(of('src/domain/a.ts', `import { readFile } from 'node:fs/promises';`)).toHaveLength(1);
    expect(of('src/domain/a.ts', `export * from '../errors/codes.ts';`)).toHaveLength(1);
    expect(of('src/domain/a.ts', `const x = await import('#runtime/daemon');`)).toHaveLength(1);
    expect(of('src/domain/a.ts', `import {\n  type A,\n  b,\n} from '#domain/b';`)).toHaveLength(1);
    expect(of('src/cli/a.ts', `import type { A } from '#machines/host/host.types';`)).toHaveLength(1);
    expect(of('src/ports/a.ts', `import { Txid } from '#domain/txid';`)).toHaveLength(1);
    expect(of('machines/a/a.machine.ts', `import type { Clock } from '#ports/clock';`)).toHaveLength(1);
    expect(of('machines/a/a.machine.ts', `import 'node:fs';`)).toHaveLength(1);
    expect(of('adapters/storage/s3/a.ts', `import { b } from '../file/b.ts';`)).toHaveLength(1);
    expect(of('adapters/storage/s3/a.ts', `import { b } from '../../log/winston/b.ts';`)).toHaveLength(1);
    expect(of('adapters/storage/s3/a.ts', `import { b } from '#machines/failure';`)).toHaveLength(1);
    expect(of('adapters/storage/a.ts', `import { b } from './file/b.ts';`)).toHaveLength(1);
    expect(of('src/helpers/a.ts', `import { b } from '#errors/codes';`)).toHaveLength(1);
  });

  test('imports in comments and strings are no imports', () => {
    const text = `// import { x } from '#cli/main';\n/* import '#cli/main'; */\nconst s = "\\n import '#cli/main'";\nexport {};`;
    expect(complaints([{ path: 'src/domain/a.ts', text }])).toEqual([]);
  });

  test('adapters of one port share what lies beside their folders', () => {
    const text = `import { a } from '../abort.ts';\nimport { b } from './b.ts';`;
    expect(complaints([{ path: 'adapters/storage/s3/a.ts', text }])).toEqual([]);
  });
});
