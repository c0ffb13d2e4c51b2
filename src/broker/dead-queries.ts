/** What operators see of failed jobs, and what they may do with them: list, show, kick, bury. */
import type { ByteWriter } from '../base/byte-writer.ts';
import { latin1 } from '../base/bytes.ts';
import { ROW_STEPS } from '../base/steps.ts';
import { escapeName } from '../policy/function-name.ts';
import { attemptsOf, bury, kick } from './failures.ts';
import type { FunctionQueue } from './functions.ts';
import { JOB_ROW_BYTES, Job } from './job-table.ts';
import { Flag } from './jobs.ts';
import { handleOf, jobOfNumbers } from './named-job.ts';
import type { RunError } from './runs.ts';
import type { BrokerState } from './state.ts';

/** Results by number; the number crosses rings. */
export const DeadResult = {
  /** Also the result of a shard that is not running. */
  notFound: 0,
  done: 1,
  uniqueInUse: 2,
  queueFull: 3,
  draining: 4,
  noMemory: 5,
  isRunning: 6,
  isForeground: 7,
} as const;

/** Dead jobs that one call kicks or lists. */
export const STEP_JOBS = 1000;
/** Characters of an error in a row of `dead`. */
const ERROR_CHARS_MAX = 200;

/**
 * Rows of `dead F`, the youngest job first: handle, unique, cause, attempts, losses, age in seconds, bytes of the
 * workload, worker of the last run, errors. `cursor`: the last job that was listed, 0 = from the youngest on. Writes at most `rowsMax` rows and
 * one step's, and none after `bytesMax` bytes; returns the next cursor, 0 at the end, and the rows that are left then.
 */
export function listDead(
  broker: BrokerState,
  fn: FunctionQueue | null,
  cursor: number,
  rowsMax: number,
  bytesMax: number,
  out: ByteWriter,
): { readonly cursor: number; readonly rowsLeft: number } {
  const dead = fn?.dead ?? null;
  // The last one may have been kicked meanwhile: then the list ends.
  const isCut = cursor !== 0 && !isDeadOf(broker, cursor, fn);
  if (dead === null || isCut) return { cursor: 0, rowsLeft: 0 };
  let job = cursor === 0 ? dead.last : dead.previous(cursor);
  let last = cursor;
  let rows = 0;
  for (; job !== 0 && rows < Math.min(rowsMax, STEP_JOBS) && out.length < bytesMax; rows++) {
    broker.steps.count += ROW_STEPS;
    out.text(`${deadRow(broker, job)}\n`);
    last = job;
    job = dead.previous(job);
  }
  const rowsLeft = job === 0 ? 0 : rowsMax - rows;
  return { cursor: rowsLeft === 0 ? 0 : last, rowsLeft };
}

/**
 * Lines of `show job H`: KEY, tab, value; for each error age in seconds, cause, duration of the run in milliseconds,
 * worker, text. False when there is no such job.
 */
export function showJob(
  broker: BrokerState,
  slot: number,
  serial: number,
  out: ByteWriter,
): boolean {
  const { jobs, nowMs, wallMs } = broker;
  const job = jobOfNumbers(broker, slot, serial);
  if (job === 0) return false;
  const fn = jobs.functionOf(job);
  const errors = errorsOf(broker, job);
  const waitMs = jobs.retryTimes.has(job) ? Math.max(0, jobs.retryTimes.atOf(job) - nowMs) : 0;
  const lines: [string, string | number][] = [
    ['handle', handleText(broker, job)],
    ['function', escapeName(latin1(fn.name, 0, fn.name.length))],
    ['unique', uniqueOf(broker, job)],
    ['state', STATES[jobs.state(job)] as string],
    ['priority', ['high', 'normal', 'low'][jobs.priority(job)] as string],
    ['background', jobs.has(job, Flag.BACKGROUND) ? 1 : 0],
    ['attempts', attemptsOf(broker, job)],
    ['losses', jobs.retries(job)],
    ['next_run_ms', Math.ceil(waitMs)],
    ['workload_bytes', jobs.word(job, Job.WORKLOAD_BYTES)],
  ];
  for (const [key, value] of lines) out.text(`${key}\t${value}\n`);
  for (const { cause, atMs, runMs, worker, text } of errors) {
    const age = ageOf(wallMs, atMs);
    const line = lineOf(latin1(text, 0, text.length));
    out.text(`error\t${age}\t${cause}\t${runMs}\t${workerOf(worker)}\t${line}\n`);
  }
  return true;
}

/** `kick job`: a DeadResult. */
export function kickJob(broker: BrokerState, slot: number, serial: number): number {
  const { jobs } = broker;
  const job = jobOfNumbers(broker, slot, serial);
  if (job === 0 || jobs.state(job) !== Flag.DEAD) return DeadResult.notFound;
  const reason = whyNotKicked(broker, job);
  if (reason === DeadResult.done) kick(broker, job);
  return reason;
}

/**
 * `kick function`: kicks the dead jobs of a function, the oldest first, at most `countMax` and one step's. Jobs whose
 * unique is in use are left. `cursor`: the last job that was left, 0 = from the oldest on. `dead` of the result: how many
 * were dead before.
 */
export function kickSome(
  broker: BrokerState,
  fn: FunctionQueue | null,
  cursor: number,
  countMax: number,
): { kicked: number; left: number; cursor: number; reason: number; dead: number } {
  const dead = fn?.dead ?? null;
  const count = dead?.count ?? 0;
  let kicked = 0;
  let left = 0;
  if (dead === null || (cursor !== 0 && !isDeadOf(broker, cursor, fn)))
    return { kicked, left, cursor: 0, reason: DeadResult.done, dead: count };
  let last = cursor;
  let job = cursor === 0 ? dead.first : dead.next(cursor);
  while (job !== 0 && kicked < countMax && kicked + left < STEP_JOBS) {
    broker.steps.count += ROW_STEPS;
    const next = dead.next(job);
    const reason = whyNotKicked(broker, job);
    if (reason === DeadResult.done) {
      kick(broker, job);
      kicked++;
    } else if (reason === DeadResult.uniqueInUse) {
      left++;
      last = job;
    } else return { kicked, left, cursor: 0, reason, dead: count };
    job = next;
  }
  const isMore = job !== 0 && kicked < countMax;
  // Without a job that was left, the next step begins at the oldest again.
  const reason = isMore ? MORE : DeadResult.done;
  return { kicked, left, cursor: isMore ? last : 0, reason, dead: count };
}

/** `kickSome` has more to do. */
export const MORE = -1;

/** `bury job`: a DeadResult. */
export function buryJob(broker: BrokerState, slot: number, serial: number): number {
  const { jobs } = broker;
  const job = jobOfNumbers(broker, slot, serial);
  const isThere = job !== 0 && !jobs.has(job, Flag.IGNORED);
  if (!isThere || jobs.state(job) === Flag.DEAD) return DeadResult.notFound;
  if (jobs.state(job) === Flag.ASSIGNED) return DeadResult.isRunning;
  if (!jobs.has(job, Flag.BACKGROUND)) return DeadResult.isForeground;
  bury(broker, job);
  return DeadResult.done;
}

/** Why a dead job cannot be queued again now: it passes what a submit passes. */
function whyNotKicked(broker: BrokerState, job: number): number {
  const { jobs, uniques, account } = broker;
  const fn = jobs.functionOf(job);
  const limit = fn.queueMax[jobs.priority(job)] as number;
  if (fn.gate?.isDraining === true) return DeadResult.draining;
  if (limit > 0 && fn.total >= limit) return DeadResult.queueFull;
  if (!account.admits(JOB_ROW_BYTES)) return DeadResult.noMemory;
  return uniques.rivalOf(job) === 0 ? DeadResult.done : DeadResult.uniqueInUse;
}

function isDeadOf({ jobs }: BrokerState, job: number, fn: FunctionQueue | null): boolean {
  return jobs.state(job) === Flag.DEAD && jobs.word(job, Job.FUNCTION) === fn?.index;
}

function deadRow(broker: BrokerState, job: number): string {
  const { jobs, wallMs } = broker;
  const errors = errorsOf(broker, job);
  const texts = errors.map(({ cause, text }) => {
    const line = lineOf(latin1(text, 0, Math.min(text.length, ERROR_CHARS_MAX)));
    return line === '' ? cause : `${cause}: ${line}`;
  });
  return [
    handleText(broker, job),
    uniqueOf(broker, job),
    errors.at(-1)?.cause ?? '-',
    attemptsOf(broker, job),
    jobs.retries(job),
    ageOf(wallMs, jobs.diedAtMs(job)),
    jobs.word(job, Job.WORKLOAD_BYTES),
    workerOf(errors.at(-1)?.worker ?? ''),
    texts.join(' | '),
  ].join('\t');
}

/** Names of the states of jobs. */
export const STATES: Readonly<Record<number, string>> = {
  [Flag.SCHEDULED]: 'scheduled',
  [Flag.QUEUED]: 'queued',
  [Flag.ASSIGNED]: 'running',
  [Flag.STORING]: 'storing',
  [Flag.KEPT]: 'kept',
  [Flag.RETRYING]: 'retrying',
  [Flag.DEAD]: 'dead',
};

/** The last errors of a job, oldest first. */
export function errorsOf({ jobs }: BrokerState, job: number): readonly RunError[] {
  return jobs.has(job, Flag.HAS_RUNS) ? jobs.runs.of(job).errors : [];
}

/** The handle that operators see, Latin-1. */
export function handleText(broker: BrokerState, job: number): string {
  const handle = handleOf(broker, job);
  return latin1(handle, 0, handle.length);
}

/** The unique, %-escaped; `-` without one. */
function uniqueOf({ jobs }: BrokerState, job: number): string {
  const count = jobs.word(job, Job.UNIQUE_BYTES);
  if (count === 0) return '-';
  const block = jobs.word(job, Job.BLOCK);
  const at = jobs.slab.offsetOf(block);
  return escapeName(latin1(jobs.slab.chunkOf(block), at, at + count));
}

/** Whole seconds. */
function ageOf(wallMs: number, atMs: number): number {
  return Math.max(0, Math.round((wallMs - atMs) / 1000));
}

/** The worker of an error as a cell: `-` when it is not known. */
const workerOf = (worker: string): string => (worker === '' ? '-' : lineOf(worker));

/** A Latin-1 text as a part of a row: control characters, backslashes and what separates errors as \xHH. */
function lineOf(text: string): string {
  return text.replace(
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be in a row
    /[\x00-\x1f\x7f\\|]/g,
    (byte) => `\\x${byte.charCodeAt(0).toString(16).padStart(2, '0')}`,
  );
}
