import { describe, expect, it } from 'vitest';
import { AssertionError, assert } from '../../../src/base/assert.ts';

describe('assert', () => {
  it('lets a true condition pass', () => {
    expect(() => assert(1, 'never seen')).not.toThrow();
  });

  it('throws an AssertionError with a stable code and the given message', () => {
    const attempt = () => assert(0, 'free a job: row is not live');
    expect(attempt).toThrow(AssertionError);
    expect(attempt).toThrow(
      expect.objectContaining({
        code: 'ERR_GEARTRAIN_ASSERT',
        name: 'AssertionError',
        message: 'free a job: row is not live',
      }),
    );
  });
});
