/** Jobs of an owner as puts of its journal, and back. */
import { EntryKind, isParts, keyText, type Put } from './entries.ts';
import { newJob, type OwnedJob } from './owned-jobs.ts';
import type { OwnerState } from './owner-state.ts';

/** The put of a job that has one. */
export function putOf({ key, submit: first, putFor, fields }: OwnedJob): Put {
  const { functionName, unique, reducer, priority, startMs, workload } = fields;
  return {
    kind: EntryKind.PUT,
    key,
    functionName,
    unique,
    reducer,
    priority,
    startMs,
    runs: null,
    submit: putFor ?? first,
    workload,
  };
}

/** The job of a put that is stored; null when its workload is kept in parts. */
export function jobOf(put: Put): OwnedJob | null {
  const { functionName, unique, reducer, priority, startMs, workload } = put;
  if (isParts(workload)) return null;
  const fields = {
    functionName,
    unique,
    reducer,
    priority,
    startMs,
    isBackground: true,
    workload,
  };
  const job = newJob(put.key, put.submit, fields, put.submit);
  job.isStored = true;
  return job;
}

/**
 * The stream has lost commits that it had acknowledged. `rescued`: the live background jobs that the owner had in
 * memory. Those that the journal lacks are put again; what it has beyond them was over, and is forgotten again.
 */
export function rescue(owner: OwnerState, rescued: readonly OwnedJob[]): void {
  const { answers, jobs, out } = owner;
  const live = new Set(rescued.map(({ key }) => keyText(key)));
  for (const job of jobs.all()) {
    if (live.has(keyText(job.key))) continue;
    jobs.remove(job);
    out.forget(job);
  }
  for (const { key, submit, fields, putFor, owed } of rescued) {
    if (jobs.find(key) !== undefined) continue;
    const job = newJob(key, submit, fields, putFor);
    job.state = 'storing';
    job.owed = owed;
    jobs.add(job);
    const { home, number } = putFor ?? submit;
    answers.set(home, number, key, false);
    out.put(job);
  }
}
