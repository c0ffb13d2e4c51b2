/**
 * Finds how many processors this process may use: those of its affinity, limited by the quota of its cgroup
 * (containers). Source: cgroup v2 `cpu.max` ("QUOTA PERIOD" or "max PERIOD"), v1 `cpu.cfs_quota_us` and
 * `cpu.cfs_period_us`.
 */
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';

/** Text of a file, or null where there is none. */
export type ReadText = (path: string) => string | null;

const readSystemText: ReadText = (path) => {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return null;
  }
};

function quotaOf(quota: string | undefined, period: string | undefined): number {
  const share = Number(quota) / Number(period);
  return share > 0 && Number.isFinite(share) ? share : Number.POSITIVE_INFINITY;
}

/** The folder of the process's own cgroup and all folders above it, because each may have a quota. */
function* foldersUp(path: string): Generator<string> {
  const parts = path.split('/').filter((part) => part !== '' && part !== '..');
  for (let count = parts.length; count >= 0; count--) {
    yield parts.slice(0, count).reduce((folder, part) => `${folder}/${part}`, '');
  }
}

/** The smallest processor quota above this process, in processors; Infinity without one. */
export function cgroupQuota(read: ReadText = readSystemText): number {
  let quota = Number.POSITIVE_INFINITY;
  for (const line of (read('/proc/self/cgroup') ?? '').split('\n')) {
    const [id, controllers = '', ...path] = line.split(':');
    const isV2 = id === '0' && controllers === '';
    if (!isV2 && !controllers.split(',').includes('cpu')) continue;
    for (const folder of foldersUp(path.join(':'))) {
      if (isV2) {
        const [max, period] = (read(`/sys/fs/cgroup${folder}/cpu.max`) ?? '').split(/\s+/);
        quota = Math.min(quota, quotaOf(max, period));
      } else {
        const base = `/sys/fs/cgroup/cpu${folder}/cpu.cfs_`;
        const period = read(`${base}period_us`) ?? undefined;
        quota = Math.min(quota, quotaOf(read(`${base}quota_us`) ?? undefined, period));
      }
    }
  }
  return quota;
}

/** Processors to use, at least 1. A quota of 2.5 counts as 2, so that no thread is throttled half of the time. */
export function usableCpus(affinity = availableParallelism(), quota = cgroupQuota()): number {
  return Math.max(1, Math.floor(Math.min(affinity, quota)));
}

const AUTO_THREADS_MAX = 16;

/** The value of `--threads auto`: one processor is left to the acceptor; 1 to 16. */
export function autoThreads(cpus = usableCpus()): number {
  return Math.min(AUTO_THREADS_MAX, Math.max(1, cpus - 1));
}
