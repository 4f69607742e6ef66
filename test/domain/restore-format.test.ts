import { expect, test } from 'vitest';
import { chooseFormat } from '#domain/restore-format';

test('the layout with the newer state is taken, LTX among equals (R-9)', () => {
  expect(chooseFormat({ ltxReachedMs: 5, v03ReachedMs: 6 })).toBe('v0.3');
  expect(chooseFormat({ ltxReachedMs: 6, v03ReachedMs: 5 })).toBe('ltx');
  expect(chooseFormat({ ltxReachedMs: 5, v03ReachedMs: 5 })).toBe('ltx');
});

test('the only layout there is is taken, and nothing when there is none', () => {
  expect(chooseFormat({ ltxReachedMs: undefined, v03ReachedMs: 5 })).toBe('v0.3');
  expect(chooseFormat({ ltxReachedMs: 5, v03ReachedMs: undefined })).toBe('ltx');
  expect(chooseFormat({ ltxReachedMs: undefined, v03ReachedMs: undefined })).toBeUndefined();
});

test('a TXID or following means LTX, whatever v0.3 has', () => {
  for (const constraint of [{ hasTxid: true }, { isFollowing: true }]) {
    expect(chooseFormat({ ltxReachedMs: 5, v03ReachedMs: 6 }, constraint)).toBe('ltx');
    expect(chooseFormat({ ltxReachedMs: undefined, v03ReachedMs: 6 }, constraint)).toBeUndefined();
  }
});
