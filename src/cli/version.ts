/** `litestream version`. */
import { VERSION } from '#runtime/version';
import { defineCommand } from './define-command.ts';

const LABEL_WIDTH = 13;

/** The version alone, or with `-verbose` also what runs it. Surplus arguments are ignored. */
export const version = defineCommand('version', ({ flags, io }) => {
  const lines: readonly (readonly [string, string])[] = [
    ['Version:', VERSION],
    ['Runtime:', `Node.js ${process.version}`],
    ['OS/Arch:', `${process.platform}/${process.arch}`],
  ];
  io.stdout.write(
    flags.verbose ? lines.map(([label, value]) => `${label.padEnd(LABEL_WIDTH)}${value}\n`).join('') : `${VERSION}\n`,
  );
  return Promise.resolve(0);
});
