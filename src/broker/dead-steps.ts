/**
 * Goes over the dead jobs of a function that match a filter, in steps, and counts, kicks or removes them. Rule: jobs
 * that died after the walk began are not touched: deaths are numbered, and the walk has the number at its start.
 */
import { latin1 } from '../base/bytes.ts';
import { ROW_STEPS } from '../base/steps.ts';
import { DeadResult, errorsOf, kickJob } from './dead-queries.ts';
import { Job } from './job-table.ts';
import { Flag } from './jobs.ts';
import { cancel } from './loss.ts';
import type { BrokerState } from './state.ts';

/** Which dead jobs; a field that is left out lets all pass. Times: wall clock, milliseconds. */
export interface DeadFilter {
  /** Deaths with greater numbers are left alone; left out: all deaths so far. */
  readonly asOf?: number;
  readonly cause?: string;
  /** The text of the last error contains it (Latin-1). */
  readonly error?: string;
  readonly since?: number;
  readonly until?: number;
}

export type DeadAction = 'count' | 'kick' | 'remove';

export interface DeadStep {
  /** Jobs that match. */
  readonly matched: number;
  /** Of these, jobs that were changed. */
  readonly done: number;
  /** The last job that stays dead; 0 = the walk is at its end. */
  readonly cursor: number;
  /** The job of the cursor is not dead any more: nothing was done, begin again from 0. */
  readonly isCut: boolean;
  /** The number of the last death. */
  readonly asOf: number;
}

/** Jobs that one step looks at, and changes. */
const SCANNED_MAX = 1_000;
const CHANGED_MAX = 250;

/** One step after job `cursor` (0 and FRONT = from the oldest death on); changes at most `countMax` jobs. */
export function deadStep(
  broker: BrokerState,
  name: string,
  filter: DeadFilter,
  action: DeadAction,
  cursor: number,
  countMax: number,
): DeadStep {
  const { jobs } = broker;
  const fn = broker.functionCalled(name);
  const asOf = broker.deaths;
  const dead = fn?.dead ?? null;
  const step = { matched: 0, done: 0, cursor: 0, isCut: false, asOf };
  if (dead === null || fn === null) return { ...step, isCut: cursor > 0 };
  const isThere =
    cursor <= 0 ||
    (jobs.state(cursor) === Flag.DEAD && jobs.word(cursor, Job.FUNCTION) === fn.index);
  if (!isThere) return { ...step, isCut: true };
  const most = Math.min(countMax, CHANGED_MAX);
  let job = cursor <= 0 ? dead.first : dead.next(cursor);
  let last = Math.max(0, cursor);
  for (let scanned = 0; job !== 0 && scanned < SCANNED_MAX; scanned++) {
    if (action !== 'count' && step.done >= most) break;
    broker.steps.count += ROW_STEPS;
    const next = dead.next(job);
    if (!matches(broker, job, filter, asOf)) last = job;
    else {
      step.matched++;
      if (change(broker, job, action)) step.done++;
      else last = job;
    }
    job = next;
  }
  // At the front, with nothing that stays dead, the next step begins at the front again.
  return { ...step, cursor: job === 0 ? 0 : last === 0 ? FRONT : last };
}

/** As a cursor: go on, from the oldest death on. */
export const FRONT = -1;

function matches(broker: BrokerState, job: number, filter: DeadFilter, deaths: number): boolean {
  const { asOf = deaths, cause, error, since, until } = filter;
  if (broker.jobs.runs.of(job).death > asOf) return false;
  const diedMs = broker.jobs.diedAtMs(job);
  if ((since !== undefined && diedMs < since) || (until !== undefined && diedMs > until))
    return false;
  const last = errorsOf(broker, job).at(-1);
  if (cause !== undefined && last?.cause !== cause) return false;
  if (error === undefined) return true;
  const text = last === undefined ? '' : latin1(last.text, 0, last.text.length);
  broker.steps.count += text.length;
  return text.includes(error);
}

function change(broker: BrokerState, job: number, action: DeadAction): boolean {
  const serial = broker.jobs.table.serial(job);
  if (action === 'kick') return kickJob(broker, job, serial) === DeadResult.done;
  return action === 'remove' && cancel(broker, job, serial);
}
