import { describe, expect, it } from 'vitest';
import { bytesOf } from '../../../src/base/bytes.ts';
import { parseInteger, parseTimeout, parseUint32 } from '../../../src/protocol/numbers.ts';

/** The text with other digits around it, so that reading past the ends shows. */
function within<T>(parse: (bytes: Uint8Array, start: number, end: number) => T, text: string): T {
  return parse(bytesOf(`-9${text}9`), 2, 2 + text.length);
}

describe('parseInteger', () => {
  it.each([
    ['0', 0],
    ['42', 42],
    ['007', 7],
    ['+5', 5],
    ['-5', -5],
    [' \t\n\v\f\r5', 5],
    ['5abc', 5],
    ['5 6', 5],
    ['', 0],
    ['-', 0],
    ['+-5', 0],
    ['- 5', 0],
    ['abc', 0],
    ['\x005', 0],
    ['1700000000', 1_700_000_000],
    ['9007199254740991', Number.MAX_SAFE_INTEGER],
  ])('reads %j as %i', (text, value) => {
    expect(within(parseInteger, text)).toBe(value);
  });

  it.each(['9223372036854775808', '-9999999999999999999', '1'.repeat(400)])(
    'reads %s as NaN: it is beyond 64 bits',
    (text) => {
      expect(within(parseInteger, text)).toBeNaN();
    },
  );
});

describe('parseUint32', () => {
  it.each([
    ['7', 7],
    ['abc', 0],
    ['-', 0],
    ['-1', 4294967295],
    ['4294967295', 4294967295],
    ['4294967296', 0],
    ['-4294967297', 4294967295],
    ['99999999999', 1215752191],
    ['9007199254740993', 1],
    ['9223372036854770000', 4294961488],
    ['9223372036854775808', 4294967295],
  ])('cuts %s to %i', (text, value) => {
    expect(within(parseUint32, text)).toBe(value);
  });
});

describe('parseTimeout', () => {
  it.each([
    ['1', 1000],
    ['1000', 1000],
    ['1001', 1001],
    ['0', 0],
    ['-7', 0],
    ['', 0],
    ['x', 0],
    ['00000000000000001500', 1500],
    ['000000000000000001500', -1],
    ['99999999999999999999', -1],
  ])('reads %j as %i ms', (text, value) => {
    expect(within(parseTimeout, text)).toBe(value);
  });
});
