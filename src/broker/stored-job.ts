import { StoredJob, type StoredRuns } from '../store/stored-job.ts';
import { Job } from './job-table.ts';
import { Flag } from './jobs.ts';
import { handleOf } from './named-job.ts';
import { encodeErrors } from './runs.ts';
import type { BrokerState } from './state.ts';

const NO_BYTES = new Uint8Array(0);

/**
 * The fields of a job that the store keeps. A job of a function with a policy about runs has runs from its first append
 * on, because its handle is kept. The bytes belong to the job, except those of a blob.
 */
export function storedJob(broker: BrokerState, job: number, startMs: number): StoredJob {
  const { jobs, blobs } = broker;
  const block = jobs.word(job, Job.BLOCK);
  const uniqueBytes = jobs.word(job, Job.UNIQUE_BYTES);
  const workloadBytes = jobs.word(job, Job.WORKLOAD_BYTES);
  const blob = jobs.word(job, Job.BLOB);
  let bytes = block === 0 ? NO_BYTES : jobs.slab.chunkOf(block);
  let at = block === 0 ? 0 : jobs.slab.offsetOf(block);
  if (blob !== 0) {
    const whole = new Uint8Array(uniqueBytes + workloadBytes);
    whole.set(bytes.subarray(at, at + uniqueBytes));
    blobs.blobRead(blob, 0, whole, uniqueBytes, workloadBytes);
    bytes = whole;
    at = 0;
  }
  const { name, runPolicy } = jobs.functionOf(job);
  const reducer = jobs.reducer(job) ?? NO_BYTES;
  const priority = jobs.priority(job);
  return new StoredJob(
    name,
    reducer,
    priority,
    startMs,
    bytes,
    at,
    uniqueBytes,
    workloadBytes,
    runPolicy !== null || jobs.has(job, Flag.HAS_RUNS) ? storedRuns(broker, job) : null,
  );
}

function storedRuns(broker: BrokerState, job: number): StoredRuns {
  const { jobs } = broker;
  const handle = handleOf(broker, job);
  const losses = jobs.retries(job);
  if (!jobs.has(job, Flag.HAS_RUNS)) return { ...NO_RUNS, losses, handle };
  const { attempts, dueMs, delayMs, errors } = jobs.runs.of(job);
  const isDead = jobs.state(job) === Flag.DEAD;
  return { attempts, losses, dueMs, delayMs, isDead, details: encodeErrors(errors), handle };
}

const NO_RUNS = { attempts: 0, dueMs: 0, delayMs: 0, isDead: false, details: NO_BYTES };
