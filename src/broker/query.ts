/**
 * Queries about jobs and functions of this shard: status by handle and by unique, and the listings of the text
 * protocol. Listings are cursors: a call writes at most `rowsMax` rows and returns where to continue, so that no turn
 * stalls.
 */
import type { ByteWriter } from '../base/byte-writer.ts';
import { ROW_STEPS } from '../base/steps.ts';
import { hashBytes } from '../protocol/hash.ts';
import type { FunctionQueue } from './functions.ts';
import { Job, NO_JOB } from './job-table.ts';
import { Flag } from './jobs.ts';
import { jobOfNumbers } from './named-job.ts';
import type { BrokerState } from './state.ts';
import { keyHash } from './uniques.ts';

const BACKSLASH = 0x5c;

/** The fields of one job in STATUS_RES and STATUS_RES_UNIQUE. */
export interface JobStatus {
  readonly isKnown: boolean;
  readonly isRunning: boolean;
  readonly numerator: number;
  readonly denominator: number;
  readonly watcherCount: number;
  /** Serial number; later jobs of a shard have greater ones. 0 when the job is unknown. */
  readonly serial: number;
}

const UNKNOWN: JobStatus = {
  isKnown: false,
  isRunning: false,
  numerator: 0,
  denominator: 0,
  watcherCount: 0,
  serial: 0,
};

function statusOf(broker: BrokerState, job: number): JobStatus {
  const { jobs } = broker;
  if (jobs.state(job) === Flag.DEAD) return UNKNOWN;
  const { numerator, denominator } = jobs.progress(job);
  return {
    isKnown: true,
    isRunning: jobs.state(job) === Flag.ASSIGNED,
    numerator,
    denominator,
    watcherCount: jobs.watchers.count(job),
    serial: jobs.table.serial(job),
  };
}

/** Status of the job with handle numbers (slot, serial) of this shard. */
export function statusByHandle(broker: BrokerState, slot: number, serial: number): JobStatus {
  const job = jobOfNumbers(broker, slot, serial);
  return job === 0 ? UNKNOWN : statusOf(broker, job);
}

/**
 * Status of the job with that unique in the functions after `cursor` (0 = from the first on), and the next cursor; 0 =
 * all are done. Running jobs win over waiting ones, then the newest. Reads at most `functionsMax` functions.
 */
export function statusByUnique(
  broker: BrokerState,
  unique: Uint8Array,
  cursor: number,
  functionsMax: number,
): { readonly status: JobStatus; readonly cursor: number } {
  const hash = hashBytes(unique, 0, unique.length, broker.options.hashSeed);
  const { indexEnd } = broker.functions;
  const end = unique.length === 0 ? 0 : Math.min(indexEnd, cursor + 1 + functionsMax);
  let best = UNKNOWN;
  for (let index = cursor + 1; index < end; index++) {
    const fn = broker.functions.at(index);
    broker.steps.count++;
    if (fn === null || fn.total === 0) continue;
    broker.steps.count += ROW_STEPS;
    const key = keyHash(index, hash);
    const job = broker.uniques.find(fn, key, unique, 0, unique.length, 0, false);
    if (job === 0) continue;
    const status = statusOf(broker, job);
    if (isBetter(status, best)) best = status;
  }
  return { status: best, cursor: end < indexEnd && end > 0 ? end - 1 : 0 };
}

/** Whether status `a` is to be reported rather than `b`. */
export function isBetter(a: JobStatus, b: JobStatus): boolean {
  if (!a.isKnown || !b.isKnown) return a.isKnown;
  return a.isRunning === b.isRunning ? a.serial > b.serial : a.isRunning;
}

/** Listings of the text protocol by number; the number crosses rings. */
export const Listing = {
  status: 1,
  priorityStatus: 2,
  jobs: 3,
  uniqueJobs: 4,
  functions: 5,
  /** Not in the text protocol: the jobs that a draining server waits for. */
  awaited: 6,
} as const;
export type ListingKind = (typeof Listing)[keyof typeof Listing];

/** The listing, and the cursor after which it continues; 0 = from the start. */
export interface ListPiece {
  readonly listing: number;
  readonly cursor: number;
}

/**
 * Writes rows of a listing, at most `rowsMax`, and none after `bytesMax` bytes; returns the next cursor, 0 at the end.
 */
export function list(
  broker: BrokerState,
  { listing, cursor }: ListPiece,
  rowsMax: number,
  bytesMax: number,
  out: ByteWriter,
): number {
  // Rows of jobs are short.
  const isOfJobs = listing === Listing.jobs || listing === Listing.uniqueJobs;
  return isOfJobs
    ? listJobs(broker, listing, cursor, rowsMax, out)
    : listFunctions(broker, listing, cursor, rowsMax, bytesMax, out);
}

function listFunctions(
  broker: BrokerState,
  kind: number,
  cursor: number,
  rowsMax: number,
  bytesMax: number,
  out: ByteWriter,
): number {
  const { functions } = broker;
  const end = functions.indexEnd;
  let index = cursor + 1;
  for (let rows = 0; index < end && rows < rowsMax; index++, rows++) {
    if (out.length >= bytesMax) break;
    broker.steps.count += ROW_STEPS;
    const fn = functions.at(index);
    if (fn === null) continue;
    if (kind === Listing.functions) writeEscaped(fn.name, out);
    else out.bytes(fn.name);
    out.text(functionColumns(broker, fn, kind));
  }
  return index < end ? index - 1 : 0;
}

/**
 * Writes a name in a listing that gearmand does not have. Control characters and backslashes become `\xHH`, so that
 * every row is one line and has all columns. In gearmand's listings names stay unchanged.
 */
function writeEscaped(name: Uint8Array, out: ByteWriter): void {
  for (let i = 0; i < name.length; i++) {
    const byte = name[i] as number;
    if (byte < 0x20 || byte === 0x7f || byte === BACKSLASH)
      out.text(`\\x${byte.toString(16).padStart(2, '0')}`);
    else out.bytes(name, i, i + 1);
  }
}

function functionColumns(broker: BrokerState, fn: FunctionQueue, kind: number): string {
  if (kind === Listing.status) return `\t${fn.total}\t${fn.assigned}\t${fn.registrations}\n`;
  if (kind === Listing.functions) {
    const { total, assigned, registrations, created } = fn;
    const oldest = oldestMs(broker, fn);
    const figures = [total - assigned, assigned, registrations, created, oldest].join('\t');
    return `\t${figures}\t${gateColumn(fn)}\t${fn.retrying}\t${fn.dead?.count ?? 0}\n`;
  }
  if (kind === Listing.awaited) {
    const queued = broker.isDraining ? fn.runnable : fn.total - fn.assigned;
    return `\t${queued}\t${fn.assigned}\t${fn.registrations}\n`;
  }
  const [high, normal, low] = fn.waiting as [number, number, number];
  const undue = fn.total - fn.assigned - fn.runnable;
  return `\t${high}\t${normal + undue}\t${low}\t${fn.registrations}\n`;
}

/** Why the gate is closed, or `open`; `-` without a gate. `+draining`: new jobs are refused. */
function gateColumn({ gate, gateState }: FunctionQueue): string {
  if (gate === null) return '-';
  return gate.isDraining ? `${gateState}+draining` : String(gateState);
}

/**
 * How long the oldest queued job has waited. Only the first job of each priority is looked at, because it is the
 * oldest.
 */
export function oldestMs(broker: BrokerState, fn: FunctionQueue): number {
  let oldest = 0;
  for (const job of fn.head) {
    if (job === NO_JOB) continue;
    oldest = Math.max(oldest, broker.jobs.age(job, broker.nowMs));
  }
  return oldest;
}

function listJobs(
  broker: BrokerState,
  kind: number,
  cursor: number,
  rowsMax: number,
  out: ByteWriter,
): number {
  const { table } = broker.jobs;
  let job = table.next(cursor);
  let last = cursor;
  for (let rows = 0; job !== 0 && rows < rowsMax; rows++) {
    broker.steps.count += ROW_STEPS;
    if (broker.jobs.state(job) !== Flag.DEAD) {
      if (kind === Listing.jobs) writeJob(broker, job, out);
      else writeUnique(broker, job, out);
    }
    last = job;
    job = table.next(job);
  }
  return job === 0 ? 0 : last;
}

function writeJob(broker: BrokerState, job: number, out: ByteWriter): void {
  const { jobs, handles } = broker;
  const serial = jobs.table.serial(job);
  const { bytes, at } = out.reserve(handles.encode(job, serial));
  handles.write(bytes, at);
  const ignored = jobs.has(job, Flag.IGNORED) ? 1 : 0;
  const queued = jobs.has(job, Flag.BACKGROUND) ? 1 : 0;
  out.text(`\t${jobs.retries(job)}\t${ignored}\t${queued}\n`);
}

function writeUnique(broker: BrokerState, job: number, out: ByteWriter): void {
  const { jobs } = broker;
  const block = jobs.word(job, Job.BLOCK);
  // A job with neither unique nor workload has no block.
  if (block !== 0) {
    const at = jobs.slab.offsetOf(block);
    out.bytes(jobs.slab.chunkOf(block), at, at + jobs.word(job, Job.UNIQUE_BYTES));
  }
  out.text('\n');
}
