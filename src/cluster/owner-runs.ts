/**
 * Runs of jobs at the owner of a bucket. Rules:
 * - A packet counts if it names the assignment that the job has. A final packet of another one ends a job that is
 *   queued; otherwise it is answered with `ended`.
 * - Packets are kept until the homes of all clients have them. `ended` means that the final packet is there too, and
 *   that the forget is stored.
 */
import type { JobKey } from './entries.ts';
import { newJob, type OwnedJob } from './owned-jobs.ts';
import type { OwnerState } from './owner-state.ts';
import type { HomeRecord } from './records.ts';

type Of<T extends HomeRecord['type']> = HomeRecord & { readonly type: T };

/** Assigns the best job. `mayHandOut`: background jobs too. */
export function grab(
  state: OwnerState,
  from: string,
  record: Of<'grab'>,
  mayHandOut: boolean,
): void {
  const { worker, grab: number, term, functionNames } = record;
  const { jobs, out } = state;
  const job = jobs.best(functionNames, mayHandOut && term > 0);
  if (job === undefined) {
    out.send(from, { type: 'noJob', worker, grab: number });
    return;
  }
  const assignment = state.nextAssignment();
  jobs.assign(job, from, worker, assignment);
  const { key, submit } = job;
  const fields = { ...job.fields, isBackground: job.putFor !== null };
  out.send(from, { type: 'assign', worker, grab: number, term, key, assignment, submit, fields });
}

export function work(state: OwnerState, from: string, record: Of<'work'>): void {
  const { jobs, out } = state;
  const { key, assignment, number, isFinal, packet } = record;
  const job = jobs.find(key);
  if (!state.isComplete && (job === undefined || key.epoch !== state.epoch)) {
    state.kept.push({ from, record });
    return;
  }
  if (job === undefined) {
    refuse(state, from, record);
    return;
  }
  if (job.state === 'ending') {
    // Sent again after its link began anew: what is missing is on its way.
    if (job.assignment !== assignment) refuse(state, from, record);
    else settle(state, job);
    return;
  }
  if (job.state !== 'assigned' && isFinal) jobs.assign(job, from, 0, assignment);
  if (job.state !== 'assigned' || job.assignment !== assignment || job.home !== from) {
    refuse(state, from, record);
    return;
  }
  if (number > job.lastNumber) {
    job.lastNumber = number;
    job.packets.push({ number, isFinal, packet });
    for (const { home, submit } of job.watchers)
      out.send(home, { type: 'result', submit, key, assignment, number, isFinal, packet });
    if (isFinal) end(state, job);
  }
  settle(state, job);
}

/** The packet is not needed. */
function refuse({ out }: OwnerState, from: string, record: Of<'work'>): void {
  const { key, assignment, number, isFinal } = record;
  if (isFinal) out.send(from, { type: 'ended', key, assignment });
  else out.send(from, { type: 'delivered', key, assignment, number });
}

function end({ jobs, out }: OwnerState, job: OwnedJob): void {
  jobs.end(job);
  if (job.putFor !== null) out.forget(job);
  else job.isForgotten = true;
}

/** Reports how far the clients are, and the end when nothing is missing. */
export function settle({ jobs, out }: OwnerState, job: OwnedJob): void {
  if (job.state !== 'assigned' && job.state !== 'ending') return;
  const { key, assignment, home } = job;
  let number = job.lastNumber;
  for (const watcher of job.watchers)
    number = Math.min(number, watcher.assignment === assignment ? watcher.number : 0);
  if (number > job.delivered) {
    job.delivered = number;
    job.packets = job.packets.filter((packet) => packet.number > number);
    out.send(home, { type: 'delivered', key, assignment, number });
  }
  if (job.state !== 'ending' || !job.isForgotten || job.packets.length > 0) return;
  jobs.remove(job);
  out.send(home, { type: 'ended', key, assignment });
}

export function got(state: OwnerState, from: string, record: Of<'got'>): void {
  const job = state.jobs.find(record.key);
  const { submit, assignment, number } = record;
  const watcher = job?.watchers.find((one) => one.home === from && one.submit === submit);
  if (job === undefined || watcher === undefined || assignment !== job.assignment) return;
  if (assignment !== watcher.assignment) watcher.number = 0;
  watcher.assignment = assignment;
  watcher.number = Math.max(watcher.number, number);
  settle(state, job);
}

/** The assignment is over without a result. `isReturn`: no worker has had it. */
export function giveBack(
  state: OwnerState,
  from: string,
  key: JobKey,
  assignment: number,
  isReturn: boolean,
): void {
  const job = state.jobs.find(key);
  if (job?.state !== 'assigned' || job.assignment !== assignment || job.home !== from) return;
  requeue(state, job, isReturn);
}

/** Makes a job runnable, or lets it wait, or drops it when nobody wants it. */
export function requeue(state: OwnerState, job: OwnedJob, isFirst: boolean): void {
  const { jobs, epoch, isComplete } = state;
  const isBackground = job.putFor !== null;
  if (isBackground || job.key.epoch === epoch || isComplete) {
    const isWanted = isBackground || job.watchers.length > 0 || job.assignment === 0;
    if (isWanted) jobs.queue(job, isFirst);
    else jobs.remove(job);
  } else jobs.wait(job);
}

/** A home announces that a worker of it has the job. */
export function held(state: OwnerState, from: string, record: Of<'held'>): void {
  const { jobs, answers } = state;
  const { key, assignment, worker, submit, fields } = record;
  let job = jobs.find(key);
  if (job === undefined) {
    // A background job that the journal does not have is over; its final packet will be answered so.
    if (fields.isBackground) return;
    job = newJob(key, submit, fields, null, true);
    jobs.add(job);
    if (answers.get(submit.home, submit.number) === undefined)
      answers.set(submit.home, submit.number, key, false);
  }
  if (job.state === 'ending') return;
  if (job.state === 'assigned' && job.assignment >= assignment) {
    if (job.assignment === assignment && job.home === from) job.isAnnounced = true;
    return;
  }
  jobs.assign(job, from, worker, assignment);
}
