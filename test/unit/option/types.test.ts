/** Types of options: what they take, refuse and show beyond what the tables of options use. */
import { expect, test } from 'vitest';
import { keyOf, rowsOf } from '../../../src/option/row.ts';
import { flag, list, size } from '../../../src/option/types.ts';

test('a word of a flag is 1, true, on or 0, false, off, and no name of a property', () => {
  expect(['1', 'TRUE', 'on'].map((word) => flag.readText(word))).toEqual([true, true, true]);
  expect(['0', 'False', 'off'].map((word) => flag.readText(word))).toEqual([false, false, false]);
  expect(flag.readText('constructor')).toBeUndefined();
});

test('a list takes a word, or in programs a list of words that are all allowed', () => {
  const letters = list({
    argument: 'letter',
    allowed: 'a letter',
    read: (word) => (/^[a-z]$/.test(word) ? word : undefined),
    show: String,
    none: 'none',
  });
  expect(letters.readText('a')).toEqual(['a']);
  expect(letters.accept(['a', 'b'])).toEqual(['a', 'b']);
  for (const wrong of [['a', '1'], [1], 1, null]) expect(letters.accept(wrong)).toBeUndefined();
  expect(letters.show([])).toBe('none');
});

test('sizes are written with a suffix on a command line, and as numbers in programs', () => {
  const type = size({ min: 1024, max: 2 ** 30 });
  expect(type.readText('1M')).toBe(2 ** 20);
  expect(type.accept('1M')).toBeUndefined();
  expect(type.show(2 ** 20)).toBe('1M');
  expect(type.showCode?.(2 ** 20)).toBe('1 MiB');
});

test('a row has its key from its name, or as it says, and the heading of its table', () => {
  expect(keyOf({ name: 'max-packet-size' })).toBe('maxPacketSize');
  const row = { name: 'time-out', type: flag, defaultValue: false, help: '' };
  const rows = rowsOf([{ group: 'Times', rows: [row, { ...row, key: 'timeMs' }] }]);
  expect(rows.map(({ key, group }) => [key, group])).toEqual([
    ['timeOut', 'Times'],
    ['timeMs', 'Times'],
  ]);
});
