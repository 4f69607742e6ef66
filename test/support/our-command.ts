/** Our own command as users run it: the built file, in a process of its own. Build first (`npm run build`). */
import { type ProgramOptions, type ProgramResult, type RunningProgram, runProgram, startProgram } from './program.ts';
import { inProject } from './project.ts';

/** The file that the package's `litestream` command starts. */
export const ourCommandPath = inProject('dist/src/cli/main.js');

/** Starts `litestream ARGS…` in the background: wait with `saw`, end with `stop` (a signal) or `kill` (SIGKILL). */
export const startOurs = (args: readonly string[], options: ProgramOptions = {}): Promise<RunningProgram> =>
  startProgram(process.execPath, [ourCommandPath, ...args], options);

/** Runs `litestream ARGS…` to its end, whatever its exit code. */
export const runOurs = (args: readonly string[], options: ProgramOptions = {}): Promise<ProgramResult> =>
  runProgram(process.execPath, [ourCommandPath, ...args], options);
