/** Words for people: errors of the system, and what a mistyped word most likely stands for. */
import { describe, expect, test } from 'vitest';
import { closest } from '../../../src/base/closest.ts';
import { isDenied, systemReason } from '../../../src/base/system-reason.ts';

describe('closest', () => {
  const known = ['port', 'listen', 'max-memory', 'max-functions', 'backlog'];

  test.each([
    ['por', 'port'],
    ['prot', 'port'],
    ['PORT', 'port'],
    ['max-memroy', 'max-memory'],
    ['maxmemory', 'max-memory'],
    ['listne', 'listen'],
  ])('%s stands for %s', (word, meant) => {
    expect(closest(word, known)).toBe(meant);
  });

  test.each(['', 'x', 'colour', 'queue', '='.repeat(5000)])('%j stands for none', (word) => {
    expect(closest(word, known)).toBeNull();
  });
});

describe('systemReason', () => {
  const failure = (code: string) => Object.assign(new Error('raw'), { code });

  test('has words and the code', () => {
    expect(systemReason(failure('ENOENT'))).toBe('there is no such file or folder (ENOENT)');
  });

  test('keeps the message of an error that it does not know', () => {
    expect(systemReason(failure('ESTRANGE'))).toBe('raw');
    expect(systemReason('text')).toBe('text');
  });

  test('rights are one kind', () => {
    expect(['EACCES', 'EPERM', 'ENOENT'].map((code) => isDenied(failure(code)))).toEqual([
      true,
      true,
      false,
    ]);
    expect(isDenied(undefined)).toBe(false);
  });
});
