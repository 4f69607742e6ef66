/** The drawings in the documents are those of the machines. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { drawMachines } from './draw-machines.ts';
import { inProject } from './project.ts';

test('docs/machines.md shows the machines as they are (else: npm run diagrams)', () => {
  expect(readFileSync(inProject('docs/machines.md'), 'utf8')).toBe(drawMachines());
});
