/**
 * Takes descriptors from a process that runs, so that tests meet EMFILE exactly where they want it, and gives them back.
 * Needs Linux and the command `prlimit`.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';

/** Why the tests of it cannot run here; null: they can. */
export function whyNoDescriptorTests(): string | null {
  const { status } = spawnSync('prlimit', ['--version'], { stdio: 'ignore' });
  return status === 0 ? null : 'the command prlimit is not installed';
}

export function openDescriptors(pid: number): number[] {
  return readdirSync(`/proc/${pid}/fd`).map(Number);
}

/** Sets the soft limit of a process. */
export function limitDescriptors(pid: number, limit: number): void {
  execFileSync('prlimit', ['--pid', String(pid), `--nofile=${limit}:`]);
}

/** The process can open so many more; every further one is EMFILE. */
export function leaveDescriptors(pid: number, count: number): void {
  const open = new Set(openDescriptors(pid));
  let limit = 0;
  for (let free = 0; free < count || open.has(limit); limit++) if (!open.has(limit)) free++;
  limitDescriptors(pid, limit);
}
