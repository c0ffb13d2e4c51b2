/**
 * Client mode: submits a job of every function for each workload. Background jobs are pipelined; foreground jobs of one
 * workload run together, and workloads one after the other unless `--parallel` allows more. Rule: a failed job does not
 * stop the other jobs; an unreachable server stops all.
 */
import { randomUUID } from 'node:crypto';
import { Client } from '../../../client/client.ts';
import type { ManyJob } from '../../../client/submit-many.ts';
import type { SubmitOptions } from '../../../client/types.ts';
import type { BytesFunctions } from '../../../link/codec.ts';
import {
  ConnectionError,
  JobFailed,
  JobLostError,
  MaybeQueuedError,
  TimeoutError,
} from '../../../link/errors.ts';
import { reasonOf, UnreachableError } from '../../tool/failure.ts';
import { closedHint } from '../../tool/tls.ts';
import type { GearmanValues } from '../options.ts';
import { type Servers, sayWhenSilent, show } from '../servers.ts';
import { murmur3 } from './murmur3.ts';
import type { NoWorkerHint } from './no-worker.ts';
import type { ProgressLine } from './progress-line.ts';
import type { JobFacts, Report } from './report.ts';
import { Silence } from './silence.ts';
import type { Workloads } from './workloads.ts';

/** Counts at the end of a run. */
export interface Ending {
  /** Jobs that failed in their workers. */
  readonly failed: number;
  /** Jobs that were refused, lost, or took too long. */
  readonly broken: number;
}

export interface ClientRun {
  readonly values: GearmanValues;
  readonly servers: Servers;
  readonly workloads: Workloads;
  readonly report: Report;
  readonly progress: ProgressLine;
  readonly hint: NoWorkerHint;
  /** Reports a sentence to the user. */
  readonly say: (text: string) => void;
}

/** Limits the output when a server refuses everything. */
const ERRORS_TOLD_MAX = 20;

function submitOptions(
  values: GearmanValues,
  workload: Uint8Array,
): Pick<SubmitOptions, 'unique' | 'priority'> {
  const { unique, priority } = values;
  const key = unique === '#' ? String(murmur3(workload)) : (unique ?? randomUUID());
  return { unique: key, priority };
}

/** Whether the run cannot continue after this error. */
function isFatal(error: unknown): boolean {
  return error instanceof ConnectionError;
}

/** Why a connect failed: the system's reason, or what the server may have expected. */
function connectReason(error: unknown, servers: Servers): string {
  if (error instanceof ConnectionError && error.code === 'ERR_GEARMAN_LOST')
    return `the server closed the connection before it answered; ${closedHint(servers.tls)}`;
  const { cause } = error as Error;
  return reasonOf(cause instanceof Error ? cause : error);
}

/** The error for a failed connect. */
function explained(error: unknown, servers: Servers): UnreachableError {
  const where = servers.all.map(show).join(', ');
  return new UnreachableError(`connect to ${where}: ${connectReason(error, servers)}`, {
    cause: error,
  });
}

/** Runs everything. Rejects when no server can be reached. */
export async function submitJobs(run: ClientRun): Promise<Ending> {
  const { values, servers } = run;
  const client = new Client({
    servers: servers.all.map(show),
    tls: servers.tls ?? false,
    ...(servers.token !== null && { token: servers.token }),
    whenOffline: 'fail',
    // No event is lost when our output is read slowly.
    unreadBytesMax: Number.MAX_SAFE_INTEGER,
  });
  try {
    const limit = values.timeoutMs < 0 ? {} : { timeoutMs: Math.max(1, values.timeoutMs) };
    const heard = sayWhenSilent(() => client.servers, run.say);
    await connect(client, servers, limit).finally(heard);
    return await (values.background ? inBackground(client, run) : inForeground(client, run));
  } finally {
    run.progress.clear();
    await client.close();
  }
}

/** Resolves when a server is ready; rejects as soon as every server has failed. */
async function connect(
  client: Client,
  servers: Servers,
  limit: { readonly timeoutMs?: number },
): Promise<void> {
  const failed = new Set<string>();
  const hopeless = new Promise<never>((_, reject) => {
    client.on('connection', ({ server, state, error }) => {
      if (state !== 'waiting') return;
      failed.add(server);
      if (failed.size === servers.all.length) reject(explained(error, servers));
    });
  });
  try {
    await Promise.race([client.connect(limit), hopeless]);
  } catch (error) {
    throw error instanceof TimeoutError ? explained(error, servers) : error;
  }
}

async function* manyJobs(run: ClientRun): AsyncGenerator<ManyJob<BytesFunctions>> {
  const { values, workloads } = run;
  const limit = values.timeoutMs < 0 ? {} : { timeoutMs: Math.max(1, values.timeoutMs) };
  for await (const input of workloads.all()) {
    for (const functionName of values.functions) {
      const options = submitOptions(values, input);
      yield { functionName, input, background: true, ...options, ...limit };
    }
  }
}

async function inBackground(client: Client, run: ClientRun): Promise<Ending> {
  const { values, report, progress, workloads } = run;
  const functionCount = values.functions.length;
  let broken = 0;
  // Jobs are reported in order while the run continues.
  let told: Promise<void> = Promise.resolve();
  const onJob = (
    outcome: { index: number; job: { functionName: string } } & (
      | { result: unknown }
      | { error: unknown }
    ),
  ): void => {
    const index = Math.floor(outcome.index / functionCount);
    const facts: JobFacts = { functionName: outcome.job.functionName, index, handle: null };
    if ('result' in outcome) {
      facts.handle = String(outcome.result);
      if (values.verbose || values.json) told = told.then(() => report.queued(facts));
      return;
    }
    broken++;
    if (isFatal(outcome.error)) throw stopped(outcome.error, facts);
    const message = `${facts.functionName}: ${reasonOf(outcome.error)}`;
    if (broken <= ERRORS_TOLD_MAX) told = told.then(() => report.error(facts, message));
  };
  const total = workloads.count === null ? null : workloads.count * functionCount;
  const result = await client.submitMany(manyJobs(run), {
    onJob,
    onProgress: ({ submitted, completed, failed }) => {
      if (total !== 1) progress.run({ total, submitted, done: completed, failed });
    },
  });
  await told;
  if (broken > ERRORS_TOLD_MAX) {
    const more = { functionName: '', index: result.submitted, handle: null };
    await report.error(more, `${broken - ERRORS_TOLD_MAX} more jobs were refused`);
  }
  return { failed: 0, broken };
}

/** The error for a lost server, with the position from which a run of many can be continued. */
function stopped(error: unknown, facts: JobFacts): UnreachableError {
  return new UnreachableError(`${reasonOf(error)}, at workload ${facts.index + 1}`, {
    cause: error,
  });
}

async function inForeground(client: Client, run: ClientRun): Promise<Ending> {
  const { values, workloads, progress } = run;
  const counts = { submitted: 0, done: 0, failed: 0, broken: 0 };
  const total = workloads.count === null ? null : workloads.count * values.functions.length;
  const isMany = total !== 1;
  const show = (): void => {
    const failed = counts.failed + counts.broken;
    if (isMany) progress.run({ total, submitted: counts.submitted, done: counts.done, failed });
  };
  const underWay = new Set<Promise<void>>();
  let fatal: { readonly error: unknown } | null = null;
  let index = 0;
  for await (const workload of workloads.all()) {
    const jobs = values.functions.map(async (functionName) => {
      counts.submitted++;
      counts[await oneJob(client, run, { functionName, index, handle: null }, workload)]++;
      show();
    });
    index++;
    const all = Promise.all(jobs).then(
      () => {},
      (error) => {
        fatal ??= { error };
      },
    );
    underWay.add(all);
    void all.then(() => underWay.delete(all));
    show();
    while (underWay.size >= values.parallel) await Promise.race(underWay);
    if (fatal !== null) break;
  }
  await Promise.all(underWay);
  if (fatal !== null) throw (fatal as { error: unknown }).error;
  return counts;
}

/** Runs one foreground job and reports its events. Rejects when no server is left. */
async function oneJob(
  client: Client,
  run: ClientRun,
  facts: JobFacts,
  workload: Uint8Array,
): Promise<'done' | 'failed' | 'broken'> {
  const { values, report, hint } = run;
  const { functionName } = facts;
  const silence = new Silence(values.timeoutMs);
  const heard = hint.watch(functionName);
  try {
    const options = { ...submitOptions(values, workload), ...silence.option };
    const job = client.submit(functionName, workload, options);
    facts.handle = await job.handle;
    silence.heard();
    await report.created(facts);
    for await (const event of job) {
      heard();
      silence.heard();
      if (event.type === 'data') await report.data(facts, event.data);
      else if (event.type === 'warning') await report.warning(facts, event.data);
      else if (event.type === 'status')
        await report.status(facts, event.numerator, event.denominator);
      else if (event.type === 'exception') await report.exception(facts, event.data);
      else await report.complete(facts, event.result);
    }
    return 'done';
  } catch (error) {
    if (error instanceof JobFailed) {
      await report.failed(facts);
      return 'failed';
    }
    if (isFatal(error)) throw stopped(error, facts);
    const isLost = error instanceof JobLostError || error instanceof MaybeQueuedError;
    const why = silence.isOver && !isLost ? await hint.reason(functionName) : '';
    const message = isLost ? reasonOf(error) : `${functionName}: ${reasonOf(error)}${why}`;
    await report.error(facts, message);
    return 'broken';
  } finally {
    heard();
    silence.end();
  }
}
