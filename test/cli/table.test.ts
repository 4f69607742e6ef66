import { describe, expect, it } from 'vitest';
import { formatJson } from '#cli/json';
import { formatHumanSize, formatTable } from '#cli/table';

describe('formatTable', () => {
  it('pads all columns but the last to the widest cell and two spaces', () => {
    expect(
      formatTable(
        ['path', 'replica'],
        [
          ['/srv/shop/a.db', 's3'],
          ['/b', 'file'],
        ],
      ),
    ).toBe('path            replica\n/srv/shop/a.db  s3\n/b              file\n');
  });

  it('prints the header without rows', () => {
    expect(formatTable(['path', 'replica'], [])).toBe('path  replica\n');
  });

  it('counts characters, not bytes', () => {
    expect(formatTable(['a', 'b'], [['ü🙂', 'x']])).toBe('a   b\nü🙂  x\n');
  });
});

describe('formatHumanSize', () => {
  it.each([
    [0, '0 B'],
    [9, '9 B'],
    [82, '82 B'],
    [999, '999 B'],
    [1000, '1.0 kB'],
    [4152, '4.2 kB'],
    [16_512, '16 kB'],
    [32_992, '33 kB'],
    [4_120_032, '4.1 MB'],
    [1e15, '1.0 PB'],
  ])('prints %d bytes as %s', (bytes, text) => {
    expect(formatHumanSize(bytes)).toBe(text);
  });
});

describe('formatJson', () => {
  it('indents by two spaces, ends in one newline and keeps empty lists', () => {
    expect(formatJson({ a: [], b: 1 })).toBe('{\n  "a": [],\n  "b": 1\n}\n');
  });

  it('prints exact bigints as numbers and larger ones as text', () => {
    expect(formatJson([42n, 2n ** 60n])).toBe('[\n  42,\n  "1152921504606846976"\n]\n');
  });
});
