/** Every statechart can be built (a transition to a state that does not exist throws), and its drawing shows its states. */
import { describe, expect, test } from 'vitest';
import { projectPath } from '../support/project.ts';
import { codeOnly, openingComment, sourceFiles } from './source-files.ts';

interface Statechart {
  readonly states: Readonly<Record<string, unknown>>;
}

const machineFiles = sourceFiles('machines').filter(({ path }) => path.endsWith('.machine.ts'));

/** The statecharts a module exports. */
async function machinesOf(path: string): Promise<readonly Statechart[]> {
  const module = (await import(`${projectPath}/${path}`)) as Readonly<Record<string, unknown>>; // checked just below
  return Object.values(module).filter(isMachine);
}

const isMachine = (value: unknown): value is Statechart =>
  typeof value === 'object' && value !== null && 'states' in value && 'transition' in value;

describe('machines', () => {
  test('there are machines to look at', () => {
    expect(machineFiles.length).toBeGreaterThanOrEqual(5);
  });

  test.each(machineFiles)('$path builds, and its drawing has every top state', async ({ path, text }) => {
    const machines = await machinesOf(path);
    expect(machines).toHaveLength(1);
    const drawing = openingComment(text);
    expect(drawing).toMatch(/--.*>/);
    const names = machines.flatMap(({ states }) => Object.keys(states));
    expect(names.filter((name) => !new RegExp(`\\b${name}\\b`).test(drawing))).toEqual([]);
  });

  test.each(machineFiles)('$path states its invariants', ({ text }) => {
    expect(openingComment(text)).toMatch(/Invariant/);
  });

  test('a machine file holds one machine and lies in the folder of its name', () => {
    const misplaced = machineFiles.filter(({ path }) => !/^machines\/([a-z-]+)\/\1\.machine\.ts$/.test(path));
    expect(misplaced.map(({ path }) => path)).toEqual([]);
  });

  test('a machine does not wait, and starts nothing by itself', () => {
    const found = sourceFiles('machines').filter(({ text }) => /\b(?:await|createActor)\b/.test(codeOnly(text)));
    expect(found.map(({ path }) => path)).toEqual([]);
  });
});
