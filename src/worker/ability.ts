/**
 * A function that a worker offers: its handler and limits. Rule: no other code turns the return value or the error of a
 * handler into the end of its job.
 */
import { type Codec, encodeValue, type Workload } from '../link/codec.ts';
import { Dead, JobFailed, Retry, TimeoutError } from '../link/errors.ts';
import { withStack } from '../link/remote-stack.ts';
import { type FailureOrder, writeOrder } from '../policy/failure-order.ts';
import type { RunningJob } from './running-job.ts';
import type { JobContext, WorkerJob } from './types.ts';

/**
 * The server's timer starts before ours. Ours ends earlier than the job's limit, by this time or by a tenth of the
 * limit.
 */
const LEAD_MS = 100;

export interface Ability {
  readonly functionName: string;
  /** 0 = no limit. */
  readonly timeoutMs: number;
  readonly run: (job: WorkerJob<unknown>, context: JobContext) => unknown;
}

/** The parts of the worker that a running job needs. */
export interface RunHost {
  readonly codec: Codec | null;
  readonly sendsExceptions: boolean;
  /** Exceptions end with the stack of the error. */
  readonly sendsStacks: boolean;
  onJobError(error: unknown, job: RunningJob): void;
  /** The slot is free again. */
  onDone(job: RunningJob): void;
}

/** Runs the handler and sends the end of the job; calls `onDone` once, when the handler has ended. */
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
      // The end is sent first: a handler that reacts to the abort comes too late.
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
  // Errors after the job's end, for example because its signal aborted, are ignored.
  if (!job.hasEnded) {
    const isSilent = error instanceof JobFailed || !host.sendsExceptions;
    const order = orderOf(error);
    if (order !== null) job.fail(writeOrder(order, (error as Error).message));
    else job.fail(isSilent ? null : exceptionOf(error, host.sendsStacks));
    host.onJobError(error, job);
  }
  host.onDone(job);
}

/** What the handler wants to happen with the job; null when it says nothing. */
function orderOf(error: unknown): FailureOrder | null {
  if (error instanceof Retry) return error.delayMs;
  return error instanceof Dead ? 'dead' : null;
}

function exceptionOf(error: unknown, hasStack: boolean): Workload {
  if (error instanceof Uint8Array || typeof error === 'string') return error;
  if (error instanceof Error) {
    const text = error.message === '' ? error.name : error.message;
    return hasStack ? withStack(text, error) : text;
  }
  try {
    return String(error);
  } catch {
    return 'the handler threw a value that is not text';
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as PromiseLike<unknown> | null | undefined)?.then === 'function';
}
