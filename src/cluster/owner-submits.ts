/**
 * Submits at the owner of a bucket. Rules:
 * - A submit that is sent again has one effect: it is known by its home and number.
 * - A background submit is answered when its put is stored, also when it joins a foreground job.
 * - Until all servers have announced what they have, a submit with an unknown unique waits, and so does a foreground
 *   submit that was sent first under an earlier epoch: a worker somewhere may have its job.
 */
import { INLINE_WORKLOAD_BYTES_MAX } from './commit.ts';
import { newJob, type OwnedJob, type Watcher } from './owned-jobs.ts';
import { requeue, settle } from './owner-runs.ts';
import type { OwnerState } from './owner-state.ts';
import type { HomeRecord } from './records.ts';

type Submit = HomeRecord & { readonly type: 'submit' };

export function submit(state: OwnerState, from: string, record: Submit): void {
  const { answers, jobs, out } = state;
  const { number, fields } = record;
  answers.raise(from, record.lowest);
  if (record.key === null && answers.isOver(from, number)) return;
  if (answers.isCanceled(from, number)) {
    out.send(from, { type: 'canceled', number });
    return;
  }
  const known = answers.get(from, number);
  const key = known?.key ?? record.key;
  if (known?.isStored && fields.isBackground) {
    out.send(from, { type: 'created', number, key: known.key });
    return;
  }
  const job = key === null ? undefined : jobs.find(key);
  if (job !== undefined) join(state, from, record, job);
  else if (key !== null && !fields.isBackground) restart(state, from, record, key);
  else if (mustWait(state, record)) state.kept.push({ from, record });
  else decide(state, from, record);
}

/** Submits that waited until all servers had announced. */
export function decide(state: OwnerState, from: string, record: Submit): void {
  const { answers, jobs, out } = state;
  const { number, fields } = record;
  const known = answers.get(from, number);
  const job = known === undefined ? jobs.joined(fields) : jobs.find(known.key);
  if (job !== undefined) {
    join(state, from, record, job);
    return;
  }
  // Workloads in parts are read and written with the journal of real servers.
  const isTooLarge = fields.workload.length > INLINE_WORKLOAD_BYTES_MAX;
  if (fields.isBackground && (state.isFull || isTooLarge)) {
    out.send(from, { type: 'refused', number });
    return;
  }
  const key = { epoch: state.epoch, serial: state.nextSerial() };
  const created = newJob(key, { home: from, number }, fields, null);
  jobs.add(created);
  if (fields.isBackground) created.state = 'storing';
  else requeue(state, created, false);
  join(state, from, record, created);
}

function mustWait(state: OwnerState, { fields, firstEpoch }: Submit): boolean {
  if (state.isComplete) return false;
  if (fields.unique !== '') return state.jobs.joined(fields) === undefined;
  return !fields.isBackground && firstEpoch !== state.epoch;
}

/** A foreground job of which only the home of its client is left. */
function restart(state: OwnerState, from: string, record: Submit, key: OwnedJob['key']): void {
  const job = newJob(key, { home: from, number: record.number }, record.fields, null, true);
  state.jobs.add(job);
  join(state, from, record, job);
  requeue(state, job, false);
}

/** Attaches the submit to a live job. */
function join(state: OwnerState, from: string, record: Submit, job: OwnedJob): void {
  const { answers, out } = state;
  const { number, fields } = record;
  answers.set(from, number, job.key, fields.isBackground && job.isStored);
  if (!fields.isBackground) {
    // The announcement of a worker's home has no workload; that of a client's home has it.
    if (job.fields.workload.length === 0) job.fields = { ...job.fields, workload: fields.workload };
    watch(state, from, number, job);
  }
  if (fields.isBackground && job.putFor === null) {
    job.putFor = { home: from, number };
    out.put(job);
  }
  if (fields.isBackground ? !job.isStored : job.state === 'storing') {
    if (!job.owed.some((one) => one.home === from && one.number === number))
      job.owed.push({ home: from, number });
  } else out.send(from, { type: 'created', number, key: job.key });
}

/** The submit gets the packets of the job from now on, and those again that not all clients have. */
function watch({ out }: OwnerState, home: string, submitNumber: number, job: OwnedJob): void {
  const { key, assignment } = job;
  const others = job.watchers.filter((one) => one.home !== home || one.submit !== submitNumber);
  const number = job.delivered;
  const watcher = { home, submit: submitNumber, assignment, number, isAnnounced: true };
  job.watchers = [...others, watcher];
  for (const packet of job.packets)
    out.send(home, { type: 'result', submit: submitNumber, key, assignment, ...packet });
}

/** The put of the job is stored. */
export function stored({ answers, out }: OwnerState, job: OwnedJob): void {
  job.isStored = true;
  for (const { home, number } of job.owed) {
    const answer = answers.get(home, number);
    if (answer !== undefined) answer.isStored = true;
    out.send(home, { type: 'created', number, key: job.key });
  }
  job.owed = [];
}

/** The client of the submit has been refused by its home. */
export function cancel(state: OwnerState, from: string, number: number, lowest: number): void {
  const { answers, jobs, out } = state;
  answers.raise(from, lowest);
  state.kept = state.kept.filter(
    (one) => one.from !== from || one.record.type !== 'submit' || one.record.number !== number,
  );
  const known = answers.get(from, number);
  const job = known === undefined ? undefined : jobs.find(known.key);
  if (job !== undefined) {
    job.owed = job.owed.filter((one) => one.home !== from || one.number !== number);
    unwatch(state, job, ({ home, submit }) => home === from && submit === number);
    const isSole = job.putFor?.home === from && job.putFor.number === number;
    const isOpen = job.state === 'queued' || job.state === 'storing';
    if (isSole && isOpen && job.owed.length + job.watchers.length === 0) {
      out.forget(job);
      jobs.remove(job);
    }
  }
  answers.cancel(from, number);
  out.send(from, { type: 'canceled', number });
}

/** Ends the interest of the watchers for which `isOver` holds. */
export function unwatch(
  state: OwnerState,
  job: OwnedJob,
  isOver: (watcher: Watcher) => boolean,
): void {
  const before = job.watchers.length;
  job.watchers = job.watchers.filter((one) => !isOver(one));
  if (job.watchers.length === before) return;
  const isOpen = job.state === 'queued' || job.state === 'waiting';
  if (isOpen && job.putFor === null && job.watchers.length === 0 && state.isComplete)
    state.jobs.remove(job);
  else settle(state, job);
}
