/** Processors under cgroup quotas, and what `--threads auto` makes of them. */
import { expect, test } from 'vitest';
import { autoThreads, cgroupQuota, usableCpus } from '../../../src/server/usable-cpus.ts';

const system = (files: Record<string, string>) => (path: string) => files[path] ?? null;

test('without cgroups there is no quota', () => {
  expect(cgroupQuota(system({}))).toBe(Number.POSITIVE_INFINITY);
});

test('"max" is no quota', () => {
  const read = system({
    '/proc/self/cgroup': '0::/a\n',
    '/sys/fs/cgroup/a/cpu.max': 'max 100000\n',
  });
  expect(cgroupQuota(read)).toBe(Number.POSITIVE_INFINITY);
});

test('the smallest quota on the way to the root counts', () => {
  const read = system({
    '/proc/self/cgroup': '0::/a/b\n',
    '/sys/fs/cgroup/a/b/cpu.max': '400000 100000\n',
    '/sys/fs/cgroup/a/cpu.max': '250000 100000\n',
    '/sys/fs/cgroup/cpu.max': '800000 100000\n',
  });
  expect(cgroupQuota(read)).toBe(2.5);
});

test('a container that sees only its own root has its quota there', () => {
  const read = system({ '/proc/self/cgroup': '0::/\n', '/sys/fs/cgroup/cpu.max': '150000 100000' });
  expect(cgroupQuota(read)).toBe(1.5);
});

test('version 1 quotas count, -1 is none', () => {
  const base = '/sys/fs/cgroup/cpu/x/cpu.cfs_';
  const files = {
    '/proc/self/cgroup': '4:cpu,cpuacct:/x\n3:memory:/x\n',
    [`${base}period_us`]: '100000',
  };
  expect(cgroupQuota(system({ ...files, [`${base}quota_us`]: '300000' }))).toBe(3);
  expect(cgroupQuota(system({ ...files, [`${base}quota_us`]: '-1' }))).toBe(
    Number.POSITIVE_INFINITY,
  );
});

test('usable processors are the affinity cut by the quota, at least one', () => {
  expect(usableCpus(8, Number.POSITIVE_INFINITY)).toBe(8);
  expect(usableCpus(8, 2.5)).toBe(2);
  expect(usableCpus(8, 0.2)).toBe(1);
});

test('auto leaves one processor to the acceptor, from 1 to 16 threads', () => {
  expect([1, 2, 3, 17, 64].map(autoThreads)).toEqual([1, 1, 2, 16, 16]);
});
