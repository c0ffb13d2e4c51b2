import { describe, expect, it } from 'vitest';
import { escapeName, latin1Of, unescapeName } from '../../../src/policy/function-name.ts';

describe('the name of a function in a text', () => {
  it.each([
    ['resize_2.a-b', 'resize_2.a-b'],
    ['a b', 'a%20b'],
    ['a=b,c:d{e}', 'a%3Db%2Cc%3Ad%7Be%7D'],
    ['100%', '100%25'],
    ['\t\n', '%09%0A'],
    ['\xe9\xff', '%E9%FF'],
    ['__proto__', '__proto__'],
  ])('%j is written %s', (name, text) => {
    expect(escapeName(name)).toBe(text);
    expect(unescapeName(text)).toBe(name);
  });

  it('may be written with small digits, and with other bytes as they are', () => {
    expect(unescapeName('%e9%4A')).toBe('\xe9J');
    expect(unescapeName('caf\xe9/1')).toBe('caf\xe9/1');
  });

  it.each(['', '%', 'a%', 'a%4', 'a%4g', '%00', 'a%00b'])('is not %j', (text) => {
    expect(unescapeName(text)).toBeUndefined();
  });

  it('is compared by the bytes of UTF-8', () => {
    expect(latin1Of('caf\u00e9')).toBe('caf\xc3\xa9');
    expect(latin1Of('plain')).toBe('plain');
  });
});
