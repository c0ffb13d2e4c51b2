/**
 * Jobs as programs see them: pages of the job table, and the facts, errors and workload of one job. A page goes by slot
 * numbers: a job keeps its slot as long as it lives, so a walk meets each job that lives throughout exactly once. Rule:
 * one call reads a limited number of rows, whether they hold jobs or not. Texts are Latin-1, one character a byte.
 */
import { latin1 } from '../base/bytes.ts';
import { ROW_STEPS } from '../base/steps.ts';
import { hashBytes } from '../protocol/hash.ts';
import { errorsOf, handleText, STATES } from './dead-queries.ts';
import { attemptsOf } from './failures.ts';
import type { FunctionQueue } from './functions.ts';
import { Job } from './job-table.ts';
import { Flag } from './jobs.ts';
import { jobOfNumbers } from './named-job.ts';
import type { RunError } from './runs.ts';
import type { BrokerState } from './state.ts';
import { keyHash } from './uniques.ts';

/** One failed run. */
export interface RunErrorFacts {
  readonly cause: string;
  /** Wall clock, milliseconds. */
  readonly atMs: number;
  readonly runMs: number;
  /** Who ran it; empty if nobody, or not known. */
  readonly worker: string;
  readonly text: string;
}

/** What a row of a page says of a job. Times: wall clock, milliseconds. */
export interface JobFacts {
  readonly slot: number;
  readonly handle: string;
  readonly function: string;
  readonly state: string;
  /** 0 = high. */
  readonly priority: number;
  readonly isBackground: boolean;
  readonly isCancelled: boolean;
  readonly sinceMs: number;
  readonly attempts: number;
  readonly losses: number;
  readonly nextRunMs: number | null;
  readonly workloadBytes: number;
  /** Empty without one. */
  readonly unique: string;
  readonly lastError: RunErrorFacts | null;
}

/** All that is known of one job, without its workload. */
export interface WholeJobFacts extends JobFacts {
  readonly errors: readonly RunErrorFacts[];
  readonly numerator: number;
  readonly denominator: number;
  readonly hasProgress: boolean;
  readonly watchers: number;
  /** Thread and id of the connection that runs it. */
  readonly worker: readonly [thread: number, conn: number] | null;
}

/** Which jobs a page has. A field that is left out lets all pass. */
export interface JobFilter {
  readonly function?: string;
  readonly state?: string;
  /** The unique contains it, or with `isExact` is it. */
  readonly unique?: string;
  readonly isExact?: boolean;
  /** The text of the last error contains it. */
  readonly error?: string;
  /** Jobs that came into their state then or later. */
  readonly since?: number;
}

/** A piece of a page: `cursor` is the last slot that was read, 0 = the table is at its end. */
export interface JobPiece {
  readonly jobs: readonly JobFacts[];
  readonly scanned: number;
  readonly cursor: number;
}

/** Rows that one call reads, jobs among them that it looks at, and jobs that it returns. */
const READ_MAX = 16_384;
const SCANNED_MAX = 2_000;
const FOUND_MAX = 100;
/** Functions that one call searches for a unique. */
const SEARCHED_MAX = 2_000;
/** Characters of texts in a row of a page, and of a call's rows together. */
const ERROR_CHARS_MAX = 200;
const PIECE_CHARS_MAX = 64 * 1024;

/** The jobs that match, after slot `cursor` (0 = from the start), at most `countMax`. */
export function jobPiece(
  broker: BrokerState,
  filter: JobFilter,
  cursor: number,
  countMax: number,
): JobPiece {
  const fn = filter.function === undefined ? undefined : broker.functionCalled(filter.function);
  if (fn === null) return { jobs: [], scanned: 0, cursor: 0 };
  if (filter.isExact === true && filter.unique !== undefined)
    return exactPiece(broker, { ...filter, unique: filter.unique }, fn, cursor);
  const { table } = broker.jobs;
  const last = cursor + READ_MAX;
  const jobs: JobFacts[] = [];
  let scanned = 0;
  let chars = 0;
  let at = cursor;
  while (scanned < SCANNED_MAX && jobs.length < Math.min(countMax, FOUND_MAX)) {
    if (chars > PIECE_CHARS_MAX) break;
    const job = table.next(at, last);
    if (job === 0) {
      at = last;
      break;
    }
    at = job;
    scanned++;
    broker.steps.count += ROW_STEPS;
    if (!matches(broker, job, filter, fn)) continue;
    const facts = factsOf(broker, job);
    chars += facts.function.length + facts.unique.length + (facts.lastError?.text.length ?? 0);
    jobs.push(facts);
  }
  return { jobs, scanned, cursor: at + 1 >= table.numberEnd ? 0 : at };
}

/** Live jobs with that unique: one for each function at most. `cursor`: the last function that was searched. */
function exactPiece(
  broker: BrokerState,
  filter: JobFilter & { readonly unique: string },
  fn: FunctionQueue | undefined,
  cursor: number,
): JobPiece {
  const { functions, uniques, options } = broker;
  const unique = Uint8Array.from(filter.unique, (char) => char.charCodeAt(0));
  const hash = hashBytes(unique, 0, unique.length, options.hashSeed);
  const first = fn?.index ?? cursor + 1;
  const end = fn === undefined ? Math.min(functions.indexEnd, first + SEARCHED_MAX) : first + 1;
  const jobs: JobFacts[] = [];
  let scanned = 0;
  let index = first;
  for (; index < end && jobs.length < FOUND_MAX; index++) {
    broker.steps.count++;
    const searched = functions.at(index);
    if (searched === null || searched.total === 0) continue;
    broker.steps.count += ROW_STEPS;
    scanned++;
    const job = uniques.find(searched, keyHash(index, hash), unique, 0, unique.length, 0, false);
    if (job !== 0 && matches(broker, job, filter, fn)) jobs.push(factsOf(broker, job));
  }
  const isEnd = fn !== undefined || index >= functions.indexEnd;
  return { jobs, scanned, cursor: isEnd ? 0 : index - 1 };
}

/** Whether the job passes; the cheap conditions come first. */
function matches(
  broker: BrokerState,
  job: number,
  filter: JobFilter,
  fn: FunctionQueue | undefined,
): boolean {
  const { jobs } = broker;
  if (fn !== undefined && jobs.word(job, Job.FUNCTION) !== fn.index) return false;
  if (filter.state !== undefined && STATES[jobs.state(job)] !== filter.state) return false;
  if (filter.since !== undefined && sinceMs(broker, job) < filter.since) return false;
  if (filter.unique !== undefined && !hasUnique(broker, job, filter.unique, filter.isExact))
    return false;
  if (filter.error === undefined) return true;
  const text = errorsOf(broker, job).at(-1)?.text;
  if (text === undefined) return false;
  broker.steps.count += text.length;
  return latin1(text, 0, text.length).includes(filter.error);
}

function hasUnique(broker: BrokerState, job: number, wanted: string, isExact = false): boolean {
  const unique = uniqueText(broker, job);
  broker.steps.count += unique.length;
  return isExact ? unique === wanted : unique.includes(wanted);
}

function uniqueText({ jobs }: BrokerState, job: number): string {
  const count = jobs.word(job, Job.UNIQUE_BYTES);
  if (count === 0) return '';
  const block = jobs.word(job, Job.BLOCK);
  const at = jobs.slab.offsetOf(block);
  return latin1(jobs.slab.chunkOf(block), at, at + count);
}

/** Wall clock at which the job came into its state. */
function sinceMs(broker: BrokerState, job: number): number {
  const { jobs, wallMs, nowMs } = broker;
  const state = jobs.state(job);
  const failedMs = errorsOf(broker, job).at(-1)?.atMs;
  const isAfterRun = state === Flag.DEAD || state === Flag.RETRYING;
  return isAfterRun && failedMs !== undefined
    ? Math.round(failedMs)
    : Math.round(wallMs - jobs.age(job, nowMs));
}

function nextRunMs({ jobs, wallMs, nowMs }: BrokerState, job: number): number | null {
  if (jobs.retryTimes.has(job)) return Math.round(wallMs + jobs.retryTimes.atOf(job) - nowMs);
  return jobs.scheduled.has(job) ? Math.round(jobs.scheduled.atOf(job)) : null;
}

function factsOf(broker: BrokerState, job: number): JobFacts {
  const { jobs } = broker;
  const { name } = jobs.functionOf(job);
  const error = errorsOf(broker, job).at(-1);
  return {
    slot: job,
    handle: handleText(broker, job),
    function: latin1(name, 0, name.length),
    state: STATES[jobs.state(job)] as string,
    priority: jobs.priority(job),
    isBackground: jobs.has(job, Flag.BACKGROUND),
    isCancelled: jobs.has(job, Flag.IGNORED),
    sinceMs: sinceMs(broker, job),
    attempts: attemptsOf(broker, job),
    losses: jobs.retries(job),
    nextRunMs: nextRunMs(broker, job),
    workloadBytes: jobs.word(job, Job.WORKLOAD_BYTES),
    unique: uniqueText(broker, job),
    lastError: error === undefined ? null : errorFacts(error, ERROR_CHARS_MAX),
  };
}

function errorFacts(error: RunError, charsMax: number): RunErrorFacts {
  const { cause, runMs, worker } = error;
  const text = latin1(error.text, 0, Math.min(error.text.length, charsMax));
  return { cause, atMs: Math.round(error.atMs), runMs, worker, text };
}

/** The job of a handle of this shard; null when there is none. */
export function wholeJob(broker: BrokerState, slot: number, serial: number): WholeJobFacts | null {
  const { jobs, peers } = broker;
  const job = jobOfNumbers(broker, slot, serial);
  if (job === 0) return null;
  const { numerator, denominator } = jobs.progress(job);
  const isRunning = jobs.state(job) === Flag.ASSIGNED;
  const worker = isRunning ? peers.at(jobs.word(job, Job.WORKER)) : null;
  return {
    ...factsOf(broker, job),
    errors: errorsOf(broker, job).map((error) => errorFacts(error, error.text.length)),
    ...{ numerator, denominator, hasProgress: jobs.has(job, Flag.HAS_PROGRESS) },
    watchers: jobs.watchers.count(job),
    worker: worker === null ? null : [worker.thread, worker.conn],
  };
}

/** `count` bytes of the workload from `offset` on, fewer at its end, as a copy; null when there is no such job. */
export function workloadPiece(
  broker: BrokerState,
  slot: number,
  serial: number,
  offset: number,
  count: number,
): Uint8Array | null {
  const { jobs, blobs } = broker;
  const job = jobOfNumbers(broker, slot, serial);
  if (job === 0) return null;
  const workloadBytes = jobs.word(job, Job.WORKLOAD_BYTES);
  const start = Math.min(offset, workloadBytes);
  const bytes = new Uint8Array(Math.min(count, workloadBytes - start));
  if (bytes.length === 0) return bytes;
  const blob = jobs.word(job, Job.BLOB);
  if (blob !== 0) blobs.blobRead(blob, start, bytes, 0, bytes.length);
  else {
    const block = jobs.word(job, Job.BLOCK);
    const at = jobs.slab.offsetOf(block) + jobs.word(job, Job.UNIQUE_BYTES) + start;
    bytes.set(jobs.slab.chunkOf(block).subarray(at, at + bytes.length));
  }
  return bytes;
}
