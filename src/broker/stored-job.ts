import type { StoredJob } from '../store/store.ts';
import type { Broker } from './broker.ts';
import { Job } from './job-table.ts';

const NO_BYTES = new Uint8Array(0);

/** What the store is to keep of a job; the bytes are the job's own. */
export function storedJob({ jobs, blobs }: Broker, job: number, startMs: number): StoredJob {
  const block = jobs.word(job, Job.BLOCK);
  const uniqueBytes = jobs.word(job, Job.UNIQUE_BYTES);
  const workloadBytes = jobs.word(job, Job.WORKLOAD_BYTES);
  const blob = jobs.word(job, Job.BLOB);
  const chunk = block === 0 ? NO_BYTES : jobs.slab.chunkOf(block);
  const at = block === 0 ? 0 : jobs.slab.offsetOf(block);
  let workload: Uint8Array;
  if (blob === 0) workload = chunk.subarray(at + uniqueBytes, at + uniqueBytes + workloadBytes);
  else {
    workload = new Uint8Array(workloadBytes);
    blobs.blobRead(blob, 0, workload, 0, workloadBytes);
  }
  return {
    functionName: jobs.functionOf(job).name,
    unique: uniqueBytes === 0 ? NO_BYTES : chunk.subarray(at, at + uniqueBytes),
    reducer: jobs.reducer(job) ?? NO_BYTES,
    priority: jobs.priority(job),
    startMs,
    workload,
  };
}
