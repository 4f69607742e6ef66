/** What README.md promises is true: its commands run, its configuration loads, its links lead somewhere. Build first. */
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import Database from 'better-sqlite3';
import { describe, expect, test } from 'vitest';
import { isCommandName } from '#cli/command-flags';
import { loadConfiguration } from '#runtime/configuration/load';
import { runInProcess } from '../cli/run-in-process.ts';
import { runOurs } from '../support/our-command.ts';
import { runProgram } from '../support/program.ts';
import { inProject } from '../support/project.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const readText = (path: string): string => readFileSync(inProject(path), 'utf8');
const readme = readText('README.md');
const { scripts } = JSON.parse(readText('package.json')) as { readonly scripts: Readonly<Record<string, string>> }; // our own file

/** Contents of the fenced blocks in one language. */
const blocksIn = (language: string): readonly string[] =>
  [...readme.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\``, 'gm'))].map(([, text = '']) => text);

/** What stands between backquotes, outside of fenced blocks. */
const inlineCode = (text: string): readonly string[] =>
  [...text.replace(/^```[\s\S]*?^```/gm, '').matchAll(/`([^`\n]+)`/g)].map(([, code = '']) => code);

const shellLines = blocksIn('sh').flatMap((block) => block.trim().split('\n'));
const litestreamLines = shellLines.filter((line) => line.startsWith('litestream '));

/** Lines without what differs from run to run. Sorted: two processes write them, and only each keeps its own order. */
const steady = (output: string): readonly string[] =>
  output
    .replace(/time=\S+/g, 'time=T')
    .replace(/\/\S*litestream-quickstart-\w+/g, '/DIR')
    .trim()
    .split('\n')
    .sort();

describe('README.md', () => {
  test('names npm scripts and files that exist', () => {
    const code = [...shellLines, ...inlineCode(readme)];
    const named = code.flatMap((line) => [...line.matchAll(/npm run ([\w:-]+)/g)].map(([, name = '']) => name));
    expect(named.length).toBeGreaterThan(5);
    expect(named.filter((name) => !Object.hasOwn(scripts, name))).toEqual([]);
    const started = code.flatMap((line) => /^bash (\S+)/.exec(line)?.[1] ?? []);
    expect(started.length).toBeGreaterThan(0);
    expect(started.filter((path) => !existsSync(inProject(path)))).toEqual([]);
  });

  test('has links that lead to files of the project', () => {
    const links = [...readme.matchAll(/\]\(([^)#]+)[^)]*\)/g)].map(([, target = '']) => target);
    const local = links.filter((target) => !target.includes('://'));
    expect(local).toContain('ARCHITECTURE.md');
    expect(local.filter((target) => !existsSync(inProject(target)))).toEqual([]);
  });

  test('calls commands that exist, and says of the rest that they do not', async () => {
    const row = (state: string): readonly string[] =>
      readme.split('\n').filter((line) => line.startsWith('| ') && line.endsWith(`| ${state} |`));
    const commandsIn = (lines: readonly string[]): readonly string[] =>
      lines.filter((line) => /^\| .*[Cc]ommands/.test(line)).flatMap(inlineCode);
    const working = commandsIn(row('work'));
    const absent = commandsIn(row('not yet'));
    expect(working.length).toBeGreaterThan(7);
    expect(absent.length).toBeGreaterThan(7);
    for (const name of working) {
      expect(isCommandName(name), name).toBe(true);
      expect(await runInProcess([name, '-h'], { home: '/' }), name).toMatchObject({ code: 0, stderr: '' });
    }
    for (const name of absent) {
      expect((await runInProcess([name], { home: '/' })).stderr, name).toContain('not available in this version yet');
    }
  });

  test('shows a configuration that loads without a warning', async () => {
    await using directory = await temporaryDirectory('readme');
    const path = directory.join('litestream.yml');
    const examples = blocksIn('yaml');
    expect(examples).toHaveLength(1);
    await writeFile(path, examples.join(''));
    const { configuration, warnings } = await loadConfiguration({ path, env: {} });
    expect(warnings).toEqual([]);
    expect(configuration.databases[0]?.replicas.map(({ type }) => type)).toEqual(['file', 'file']);
  });

  test('has commands that run with that configuration', async () => {
    await using directory = await temporaryDirectory('readme');
    const here = (text: string): string => text.replace(/\/(?=srv\/|backup\/|mnt\/|tmp\/)/g, `${directory.path}/`);
    for (const name of ['srv/app', 'tmp', 'state']) await mkdir(directory.join(name), { recursive: true });
    await writeFile(directory.join('litestream.yml'), here(blocksIn('yaml').join('')));
    const application = new Database(directory.join('srv/app/app.db'));
    try {
      application.pragma('journal_mode = WAL');
      application.exec("CREATE TABLE fruits(name TEXT); INSERT INTO fruits VALUES ('apple')");
    } finally {
      application.close();
    }
    const env = { LITESTREAM_CONFIG: directory.join('litestream.yml'), STATE_DIRECTORY: directory.join('state') };
    // Without end; the quick start shows it.
    const ending = litestreamLines.filter((line) => line !== 'litestream replicate');
    expect(ending.length).toBeGreaterThan(5);
    for (const line of ending) {
      const result = await runOurs(here(line).split(' ').slice(1), { env });
      expect(result, line).toMatchObject({ code: 0 });
    }
    const copy = new Database(directory.join('tmp/copy.db'), { readonly: true });
    try {
      expect(copy.prepare('SELECT name FROM fruits').pluck().all()).toEqual(['apple']);
    } finally {
      copy.close();
    }
  });

  test('shows what the quick start really prints', async () => {
    const { code, stdout } = await runProgram(process.execPath, [inProject('test/quickstart.mjs')]);
    expect(code).toBe(0);
    expect(steady(stdout)).toEqual(steady(blocksIn('text').join('')));
  });
});
