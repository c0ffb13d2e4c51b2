import { expect, it } from 'vitest';
import { mayWait } from '../../../src/store/pending-limit.ts';

const MIB = 1024 * 1024;

it('lets jobs wait until 64 MiB of them do', () => {
  expect(mayWait(63 * MIB, MIB)).toBe(true);
  expect(mayWait(63 * MIB, MIB + 1)).toBe(false);
  expect(mayWait(64 * MIB, 1)).toBe(false);
});

it('lets a job of any size wait when nothing else does', () => {
  expect(mayWait(0, 500 * MIB)).toBe(true);
  expect(mayWait(1, 500 * MIB)).toBe(false);
});
