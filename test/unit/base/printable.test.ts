/** What of a stranger's text may reach a terminal. */
import { expect, test } from 'vitest';
import { printable } from '../../../src/base/printable.ts';

test('control characters of both sets are written out', () => {
  expect(printable('a\x00\t\x1b[2J\x7f\u0080\u009b31m\u009f')).toBe(
    'a\\x00\\x09\\x1b[2J\\x7f\\x80\\x9b31m\\x9f',
  );
});

test('a line feed is written as people write it, other line ends by number', () => {
  expect(printable('a\nb\r\u0085\u2028\u2029c')).toBe('a\\nb\\x0d\\x85\\u{2028}\\u{2029}c');
});

test('marks that turn or hide text are written out', () => {
  expect(printable('\u202eevil\u202c \u2066x\u2069 \u200f \ufeff \u{e0041}')).toBe(
    '\\u{202e}evil\\u{202c} \\u{2066}x\\u{2069} \\u{200f} \\u{feff} \\u{e0041}',
  );
});

test('everything that people read stays as it is', () => {
  const text = 'größe 漢字 \u05d0\u05d1 😀 a\\b "c"';
  expect(printable(text)).toBe(text);
});
