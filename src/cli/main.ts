#!/usr/bin/env node
/** The program `litestream`. */
import { formatError, runCommandLine } from './run.ts';

/** A reader that went away (`litestream ltx … | head`) is no reason to fail; replication goes on without one. */
const tolerateClosedPipe = (error: Error): void => {
  if (!('code' in error && error.code === 'EPIPE')) process.exitCode = 1;
};

process.stdout.on('error', tolerateClosedPipe);
process.stderr.on('error', tolerateClosedPipe);
// What nobody awaited and nobody caught is a bug of ours. One line, and no going on in an unknown state.
process.on('uncaughtException', (error) => {
  process.stderr.write(formatError(error));
  process.exit(1);
});
// Not `process.exit`: what was written to a pipe is still on its way.
process.exitCode = await runCommandLine(process.argv.slice(2), {
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
  cwd: process.cwd(),
});
