import { describe, expect, it } from 'vitest';
import { COMMAND_FLAGS } from '#cli/command-flags';
import { booleanFlag, durationFlag, integerFlag, parseFlags, textFlag } from '#cli/flags';

const table = {
  o: textFlag('PATH', 'output'),
  force: booleanFlag('replace'),
  parallelism: integerFlag('N', 'how many', 8),
  'follow-interval': durationFlag('DURATION', 'pause', 1000),
};
const parse = (...words: string[]) => parseFlags(table, words);
const refusal = (...words: string[]) => {
  const result = parse(...words);
  return result.kind === 'refused' ? result.message : result;
};

describe('parseFlags', () => {
  it('gives every flag its default when there are no words', () => {
    expect(parse()).toEqual({
      kind: 'parsed',
      flags: { o: '', force: false, parallelism: 8, 'follow-interval': 1000 },
      given: new Set(),
      args: [],
    });
  });

  it('takes one dash and two dashes, a word or an equals sign for the value', () => {
    for (const words of [['-o', 'x'], ['--o', 'x'], ['-o=x'], ['--o=x']]) {
      expect(parse(...words)).toMatchObject({ flags: { o: 'x' }, given: new Set(['o']), args: [] });
    }
  });

  it('keeps further equals signs and an empty value', () => {
    expect(parse('-o=a=b')).toMatchObject({ flags: { o: 'a=b' } });
    expect(parse('-o=')).toMatchObject({ flags: { o: '' }, given: new Set(['o']) });
    expect(parse('-o', '')).toMatchObject({ flags: { o: '' } });
  });

  it('takes the next word as a value even when it looks like a flag', () => {
    expect(parse('-o', '-force')).toMatchObject({ flags: { o: '-force', force: false } });
  });

  it.each(['1', 't', 'T', 'TRUE', 'true', 'True'])('reads =%s as true', (word) => {
    expect(parse(`-force=${word}`)).toMatchObject({ flags: { force: true } });
  });

  it.each(['0', 'f', 'F', 'FALSE', 'false', 'False'])('reads =%s as false', (word) => {
    expect(parse('-force', `-force=${word}`)).toMatchObject({ flags: { force: false } });
  });

  it('never takes a word as the value of a boolean', () => {
    expect(parse('-force', 'false')).toMatchObject({ flags: { force: true }, args: ['false'] });
  });

  it('ends at the first word that is no flag, at a lone dash and at two dashes', () => {
    expect(parse('db', '-force')).toMatchObject({ flags: { force: false }, args: ['db', '-force'] });
    expect(parse('-', '-force')).toMatchObject({ args: ['-', '-force'] });
    expect(parse('--', '-force')).toMatchObject({ args: ['-force'] });
    expect(parse('', '-force')).toMatchObject({ args: ['', '-force'] });
  });

  it('lets the last of repeated flags win', () => {
    expect(parse('-o', 'a', '-o', 'b')).toMatchObject({ flags: { o: 'b' } });
  });

  it('reads numbers and durations', () => {
    expect(parse('-parallelism', '0x10', '-follow-interval', '1m30s')).toMatchObject({
      flags: { parallelism: 16, 'follow-interval': 90_000 },
    });
    expect(parse('-parallelism', '-1')).toMatchObject({ flags: { parallelism: -1 } });
  });

  it('refuses with the messages scripts know', () => {
    expect(refusal('-bogus')).toBe('flag provided but not defined: -bogus');
    expect(refusal('--bogus=1')).toBe('flag provided but not defined: -bogus');
    expect(refusal('-constructor')).toBe('flag provided but not defined: -constructor');
    expect(refusal('-o')).toBe('flag needs an argument: -o');
    expect(refusal('-force=maybe')).toBe('invalid boolean value "maybe" for -force: parse error');
    expect(refusal('-force=yes')).toBe('invalid boolean value "yes" for -force: parse error');
    expect(refusal('-parallelism', 'x')).toBe('invalid value "x" for flag -parallelism: parse error');
    expect(refusal('-parallelism', '99999999999999999999')).toBe(
      'invalid value "99999999999999999999" for flag -parallelism: value out of range',
    );
    expect(refusal('-follow-interval', '5')).toBe('invalid value "5" for flag -follow-interval: parse error');
    expect(refusal('---o')).toBe('bad flag syntax: ---o');
    expect(refusal('-=x')).toBe('bad flag syntax: -=x');
  });

  it('asks for help with -h, -help and --help, unless a fault comes first', () => {
    expect(parse('-h')).toEqual({ kind: 'help' });
    expect(parse('-force', '--help')).toEqual({ kind: 'help' });
    expect(refusal('-bogus', '-h')).toBe('flag provided but not defined: -bogus');
    expect(parse('db', '-h')).toMatchObject({ kind: 'parsed', args: ['db', '-h'] });
  });
});

describe('flags of the commands', () => {
  it('refuses a TXID that is not 16 hex digits and reads upper case', () => {
    expect(parseFlags(COMMAND_FLAGS.restore, ['-txid', '5'])).toEqual({
      kind: 'refused',
      message: 'invalid value "5" for flag -txid: invalid txid format',
    });
    expect(parseFlags(COMMAND_FLAGS.restore, ['-txid', '000000000000002A'])).toMatchObject({ flags: { txid: 42n } });
  });

  it('waits 10 seconds for info and list and 30 for the rest', () => {
    expect(COMMAND_FLAGS.info.timeout.default).toBe(10);
    expect(COMMAND_FLAGS.sync.timeout.default).toBe(30);
  });
});
