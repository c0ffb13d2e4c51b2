/**
 * Handles and the jobs that they name. A job of this run has the handle of its row. A job with runs that a store gave
 * back has also the handle of its JOB_CREATED, which operators and clients know: it is shown to them and found by it.
 * Rule: the handle of JOB_CREATED is stored with the runs and is never replaced.
 */
import { bytesOf, latin1 } from '../base/bytes.ts';
import { Flag } from './jobs.ts';
import type { BrokerState } from './state.ts';

/**
 * The job that the numbers of a handle of this shard name: that of the row, or one that had this handle before the
 * shard was started again. 0 = none.
 */
export function jobOfNumbers(broker: BrokerState, slot: number, serial: number): number {
  const { jobs, handles } = broker;
  if (jobs.table.isLive(slot, serial)) return slot;
  if (jobs.runs.handleCount === 0) return 0;
  const bytes = new Uint8Array(handles.encode(slot, serial));
  handles.write(bytes, 0);
  return jobs.runs.jobOf(latin1(bytes, 0, bytes.length));
}

/** The job that was given back by a store and has this handle, Latin-1; its numbers, or 0 and 0. */
export function numbersOfHandle(
  { jobs }: BrokerState,
  handle: string,
): { readonly slot: number; readonly serial: number } {
  const slot = jobs.runs.jobOf(handle);
  return { slot, serial: slot === 0 ? 0 : jobs.table.serial(slot) };
}

/** The handle of the job's JOB_CREATED, or that of its row when it is not known. Owned. */
export function handleOf({ jobs, handles }: BrokerState, job: number): Uint8Array {
  const lasting = jobs.has(job, Flag.HAS_RUNS) ? jobs.runs.of(job).handle : null;
  if (lasting !== null) return bytesOf(lasting);
  const bytes = new Uint8Array(handles.encode(job, jobs.table.serial(job)));
  handles.write(bytes, 0);
  return bytes;
}
