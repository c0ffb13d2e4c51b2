import { expect, test } from 'vitest';
import { BOOTS_PER_RUN } from '../../../src/protocol/handle.ts';
import { nextBoot } from '../../../src/server/identity.ts';

const now = () => Math.floor((Date.now() - Date.UTC(2020)) / 100);

test('boot numbers are tenths of a second since 2020, and no two servers of a process have the same', () => {
  const before = now();
  const first = nextBoot();
  expect(first).toBeGreaterThanOrEqual(before);
  expect(nextBoot()).toBeGreaterThan(first);
  expect(String(first)).toHaveLength(10);
});

test('a boot number is above all that the last run can have used, also when the clock has been set back', () => {
  const used = now() + 1_000_000;
  expect(nextBoot(used)).toBe(used + BOOTS_PER_RUN);
});

test('a boot number of an earlier version, counted from 1970, is understood', () => {
  const used = now() + 2_000_000;
  expect(nextBoot(used + Date.UTC(2020) / 100)).toBe(used + BOOTS_PER_RUN);
});
