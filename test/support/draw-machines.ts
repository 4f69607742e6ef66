/** Writes docs/machines.md: every statechart as a Mermaid diagram, drawn from the machines themselves (`npm run diagrams`). */
import { writeFileSync } from 'node:fs';
import type { AnyStateMachine, AnyStateNode } from 'xstate';
import { databaseMachine } from '#machines/database/database.machine';
import { hostMachine } from '#machines/host/host.machine';
import { replicaMachine } from '#machines/replica/replica.machine';
import { shardMachine } from '#machines/shard/shard.machine';
import { supervisorMachine } from '#machines/supervisor/supervisor.machine';
import { inProject } from './project.ts';

const machines: readonly AnyStateMachine[] = [
  supervisorMachine,
  shardMachine,
  hostMachine,
  databaseMachine,
  replicaMachine,
];

/** Mermaid wants names without dots. */
const nameOf = (node: AnyStateNode): string => node.path.join('_');

/** `xstate.done.actor.0.replica.syncing` is `done`, `xstate.after.retryDelay.replica.backingOff` is `after retryDelay`. */
const labelOf = (eventType: string, guard: unknown): string => {
  const [, kind = '', delay = ''] = /^xstate\.(done|error|after)\.(?:actor\.)?([^.]*)/.exec(eventType) ?? [];
  const label = kind === 'after' ? `after ${delay}` : kind || eventType || 'always';
  const guardName = typeof guard === 'object' && guard !== null && 'type' in guard ? String(guard.type) : guard;
  return typeof guardName === 'string'
    ? `${label} [${guardName}]`
    : typeof guard === 'function'
      ? `${label} [in state]`
      : label;
};

const linesOf = (node: AnyStateNode, depth: number): readonly string[] => {
  const indent = '  '.repeat(depth);
  const children = Object.values(node.states);
  return children.flatMap((child, index) => {
    const below = Object.keys(child.states).length > 0;
    return [
      ...(node.type === 'parallel' && index > 0 ? [`${indent}--`] : []),
      ...(node.type !== 'parallel' && node.initial.target[0] === child ? [`${indent}[*] --> ${nameOf(child)}`] : []),
      ...(below
        ? [`${indent}state "${child.key}" as ${nameOf(child)} {`, ...linesOf(child, depth + 1), `${indent}}`]
        : [`${indent}state "${child.key}" as ${nameOf(child)}`]),
      ...(child.type === 'final' ? [`${indent}${nameOf(child)} --> [*]`] : []),
    ];
  });
};

/** Every transition with a target; those that only note something stay in the tables of the tests. */
const edgesOf = (node: AnyStateNode): readonly string[] => {
  const own = [...[...node.transitions.values()].flat(), ...(node.always ?? [])];
  const edges = own.flatMap(({ target, eventType, guard }) =>
    (target ?? []).map(
      (to) => `  ${node.path.length === 0 ? 'any' : nameOf(node)} --> ${nameOf(to)}: ${labelOf(eventType, guard)}`,
    ),
  );
  return [...edges, ...Object.values(node.states).flatMap(edgesOf)];
};

const diagramOf = (machine: AnyStateMachine): string => {
  const edges = [...new Set(edgesOf(machine.root))];
  const any = edges.some((edge) => edge.startsWith('  any ')) ? ['  state "in any state" as any'] : [];
  return [
    `## ${machine.id}`,
    '',
    '```mermaid',
    'stateDiagram-v2',
    ...linesOf(machine.root, 1),
    ...any,
    ...edges,
    '```',
    '',
  ].join('\n');
};

/** The whole document. */
export const drawMachines = (): string =>
  [
    '# The machines',
    '',
    'Drawn from the statecharts by `npm run diagrams`; a test fails when this file is stale. What each event does in each',
    'state, the ignored ones included, stands in the tables of `test/machines`.',
    '',
    ...machines.map(diagramOf),
  ].join('\n');

if (process.argv[1]?.endsWith('draw-machines.ts')) writeFileSync(inProject('docs/machines.md'), drawMachines());
