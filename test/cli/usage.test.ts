import { describe, expect, it } from 'vitest';
import { COMMAND_FLAGS, isCommandName } from '#cli/command-flags';
import { formatOverview, formatTry, formatUsage, unknownCommandMessage } from '#cli/usage';

describe('usage texts', () => {
  it('lists the commands that work alphabetically, each on one line, without wal', () => {
    const names = [...formatOverview().matchAll(/^ {2}([a-z]+) {2,}\S/gm)].map((match) => match[1]);
    expect(names).toEqual(['databases', 'history', 'ltx', 'replicate', 'reset', 'restore', 'status', 'version']);
  });

  it('names every flag and the effective configuration file', () => {
    const usage = formatUsage('restore', { configPath: '/srv/litestream.yml' });
    for (const name of Object.keys(COMMAND_FLAGS.restore)) {
      expect(usage).toContain(`  -${name}`);
    }
    expect(usage).toContain('(default /srv/litestream.yml)');
    expect(usage).toContain('(default 1s)');
  });

  it('shows how to call a command', () => {
    expect(formatTry('register')).toBe('Try: litestream register -replica s3://bucket/prefix /path/to/db');
    expect(formatTry('ltx')).toBe('Try: litestream ltx /path/to/db');
    expect(formatTry('sync')).toBe('Try: litestream sync /path/to/db');
  });

  it('names the unknown command and the nearest known one', () => {
    expect(unknownCommandMessage('frobnicate')).toBe('litestream frobnicate: unknown command');
    expect(unknownCommandMessage('replicat')).toBe('litestream replicat: unknown command (did you mean replicate?)');
  });

  it('knows its commands by their own names only', () => {
    expect(isCommandName('restore')).toBe(true);
    expect(isCommandName('toString')).toBe(false);
  });
});
