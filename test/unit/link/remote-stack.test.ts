import { describe, expect, it } from 'vitest';
import { JobFailed } from '../../../src/index.ts';
import { splitStack, withStack } from '../../../src/link/remote-stack.ts';

function errorWith(message: string, stack: unknown): Error {
  return Object.assign(new Error(message), { stack });
}

describe('the text of an error with its stack', () => {
  it.each([
    [
      'no net',
      'Error: no net\n    at mail (/w.js:1:2)\n    at run (/w.js:3:4)',
      'no net\n    at mail (/w.js:1:2)\n    at run (/w.js:3:4)',
    ],
    ['', 'Error\n    at mail (/w.js:1:2)', '\n    at mail (/w.js:1:2)'],
    ['two\nlines', 'Error: two\nlines\n    at a', 'two\nlines\n    at a'],
    ['x\n    at y', 'Error: x\n    at y\n    at a', 'x\n    at y\n    at a'],
    ['changed', 'Error: before\n    at a', 'changed\n    at a'],
    ['no frames', 'Error: no frames', 'no frames'],
    ['none', undefined, 'none'],
    ['odd', 7, 'odd'],
  ])('of %j', (message, stack, text) => {
    expect(withStack(message, errorWith(message, stack))).toBe(text);
  });

  it('has whole lines, at most 4,096 characters of them', () => {
    const line = `\n    at f (${'x'.repeat(100)}:1:2)`;
    const text = withStack('m', errorWith('m', `Error: m${line.repeat(100)}`));
    expect(text).toBe(`m${line.repeat(Math.floor(4096 / line.length))}`);
    const long = errorWith('m', `Error: m\n    at ${'x'.repeat(5000)}`);
    expect(withStack('m', long)).toBe('m');
  });

  it('is taken apart again', () => {
    expect(splitStack('two\nlines\n    at a\n    at b')).toEqual({
      message: 'two\nlines',
      stack: '    at a\n    at b',
    });
    expect(splitStack('at home\n   at 3')).toEqual({ message: 'at home\n   at 3', stack: null });
    const failed = (text: string) => new JobFailed('', '', new TextEncoder().encode(text));
    expect(failed('né\n    at ü').remoteStack).toBe('    at ü');
    expect(failed('n').remoteStack).toBe(null);
    expect(new JobFailed().remoteStack).toBe(null);
  });
});
