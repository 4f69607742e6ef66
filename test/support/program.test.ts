import { describe, expect, test } from 'vitest';
import { runProgram, runSuccessfully, startProgram } from './program.ts';

const node = process.execPath;
const script = (text: string): readonly string[] => ['-e', text];
const waitForSignal = `console.log('ready'); setInterval(() => {}, 1000);`;

describe('programs of tests', () => {
  test('an exit code and both outputs are reported', async () => {
    const result = await runProgram(node, script(`console.log('out'); console.error('err'); process.exitCode = 3`));
    expect(result).toEqual({ code: 3, signal: null, stdout: 'out\n', stderr: 'err\n' });
  });

  test('a failure that must not happen shows the output', async () => {
    const running = runSuccessfully(node, script(`console.error('the reason'); process.exitCode = 1`));
    await expect(running).rejects.toThrow('the reason');
  });

  test('waiting for text that never comes ends with the program', async () => {
    await using program = await startProgram(node, script(`console.log('something else')`));
    await expect(program.saw('what we want')).rejects.toThrow('something else');
  });

  test('a signal reaches the program', async () => {
    await using program = await startProgram(
      node,
      script(`process.on('SIGTERM', () => process.exit(7)); ${waitForSignal}`),
    );
    await program.saw('ready');
    expect((await program.stop()).code).toBe(7);
  });

  test('a program that outlives its block is killed', async () => {
    const inside = async () => {
      await using program = await startProgram(node, script(waitForSignal));
      await program.saw('ready');
      return program;
    };
    const program = await inside();
    expect(program.outcome()?.signal).toBe('SIGKILL');
  });
});
