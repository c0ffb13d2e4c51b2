import { StoredJob, type StoredRuns } from '../store/stored-job.ts';
import { Job } from './job-table.ts';
import { Flag, type Jobs } from './jobs.ts';
import { encodeErrors } from './runs.ts';
import type { BrokerState } from './state.ts';

const NO_BYTES = new Uint8Array(0);

/** The fields of a job that the store keeps. The bytes belong to the job, except those of a blob. */
export function storedJob({ jobs, blobs }: BrokerState, job: number, startMs: number): StoredJob {
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
  const { name } = jobs.functionOf(job);
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
    jobs.has(job, Flag.HAS_RUNS) ? storedRuns(jobs, job) : null,
  );
}

function storedRuns(jobs: Jobs, job: number): StoredRuns {
  const { attempts, dueMs, delayMs, errors } = jobs.runs.of(job);
  return {
    attempts,
    losses: jobs.retries(job),
    dueMs,
    delayMs,
    isDead: jobs.state(job) === Flag.DEAD,
    details: encodeErrors(errors),
  };
}
