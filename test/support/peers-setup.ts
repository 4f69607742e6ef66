/** Global setup of the suites against real programs: what they need is built or installed when it is missing. */
import { stat } from 'node:fs/promises';
import { ourCommandPath } from './our-command.ts';
import { runSuccessfully } from './program.ts';
import { inProject, projectPath } from './project.ts';
import { buildWriter } from './writer.ts';

/** Called once by Vitest before any test file of the suite. */
export async function setup(): Promise<void> {
  await runSuccessfully('bash', [inProject('test/support/install-peers.sh')], { timeoutMs: 600_000 });
  await buildWriter();
  const built = await stat(ourCommandPath).catch(() => undefined);
  const kernel = await stat(inProject('src/format/kernel/kernel.wasm')).catch(() => undefined);
  if (built === undefined || kernel === undefined) {
    await runSuccessfully('npm', ['run', 'build'], { cwd: projectPath, timeoutMs: 600_000 });
  }
}
