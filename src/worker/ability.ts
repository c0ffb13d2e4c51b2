/**
 * A function that a worker offers: its handler and limits. Rule: what a handler returns or throws becomes the end of its
 * job here and nowhere else.
 */
import { type Codec, encodeValue, type Workload } from '../link/codec.ts';
import { JobFailed, TimeoutError } from '../link/errors.ts';
import type { RunningJob } from './running-job.ts';
import type { JobContext, WorkerJob } from './types.ts';

/** The server's own timer starts earlier than ours; so much earlier ours ends, or a tenth of the time. */
const LEAD_MS = 100;

export interface Ability {
  readonly functionName: string;
  /** 0 = no limit. */
  readonly timeoutMs: number;
  readonly run: (job: WorkerJob<unknown>, context: JobContext) => unknown;
}

/** What running a job needs of the worker. */
export interface RunHost {
  readonly codec: Codec | null;
  readonly sendsExceptions: boolean;
  onJobError(error: unknown, job: RunningJob): void;
  /** The slot is free again. */
  onDone(job: RunningJob): void;
}

/** Runs the handler and sends how it ends; `onDone` is called once, when the handler has ended. */
export function runJob(ability: Ability, job: RunningJob, host: RunHost): void {
  if (ability.timeoutMs > 0) limit(ability, job, host);
  let returned: unknown;
  try {
    returned = ability.run(job, job);
  } catch (error) {
    failed(job, error, host);
    return;
  }
  if (isThenable(returned))
    returned.then(
      (value) => succeeded(job, value, host),
      (error) => failed(job, error, host),
    );
  else succeeded(job, returned, host);
}

function limit(ability: Ability, job: RunningJob, host: RunHost): void {
  const { timeoutMs } = ability;
  job.timer = setTimeout(
    () => {
      const error = new TimeoutError(`job ${job.handle} of ${job.functionName}`, timeoutMs);
      // The end is sent first: what the handler does when it hears of it comes too late.
      job.fail(host.sendsExceptions ? error.message : null);
      job.abort(error);
      host.onJobError(error, job);
    },
    timeoutMs - Math.min(LEAD_MS, Math.floor(timeoutMs / 10)),
  );
}

function succeeded(job: RunningJob, value: unknown, host: RunHost): void {
  let result: Workload;
  try {
    const isNothing = host.codec === null && value === undefined;
    result = isNothing ? '' : encodeValue(value, host.codec, `result of ${job.functionName}`);
  } catch (error) {
    failed(job, error, host);
    return;
  }
  job.complete(result);
  host.onDone(job);
}

function failed(job: RunningJob, error: unknown, host: RunHost): void {
  // What a handler throws behind its end, for example because its signal aborted, is no news.
  if (!job.hasEnded) {
    const isSilent = error instanceof JobFailed || !host.sendsExceptions;
    job.fail(isSilent ? null : exceptionOf(error));
    host.onJobError(error, job);
  }
  host.onDone(job);
}

function exceptionOf(error: unknown): Workload {
  if (error instanceof Uint8Array || typeof error === 'string') return error;
  if (error instanceof Error) return error.message === '' ? error.name : error.message;
  try {
    return String(error);
  } catch {
    return 'something that is no text was thrown';
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as PromiseLike<unknown> | null | undefined)?.then === 'function';
}
