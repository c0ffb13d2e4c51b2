/**
 * Finds the owner of the job that a handle names. A handle of this run has the owner in its digits. A handle of an
 * earlier run may be that of a job with runs, which keeps it: all owners are asked for it. The number of a run at its end
 * is ignored.
 */
import { latin1 } from '../base/bytes.ts';
import { HANDLE_BYTES_MAX } from '../protocol/limits.ts';
import { suffixStart } from '../protocol/run-suffix.ts';
import { isOwner, ownerThreads } from '../protocol/shard-of.ts';
import type { SessionTable } from './session-table.ts';

/** A job, and the thread that owns it. */
export interface NamedJob {
  readonly owner: number;
  readonly job: { readonly slot: number; readonly serial: number };
}

const FORM = /:\d{21,34}$/;

/** The job of a handle of this run; null for all other words. */
export function jobOfThisRun(
  { handles, options }: SessionTable,
  handle: Uint8Array,
): NamedJob | null {
  const isOurs = handles.parseOfRun(handle, 0, handle.length);
  const { shard, slot, serial } = handles;
  return isOurs && isOwner(shard, options.shardCount)
    ? { owner: shard, job: { slot, serial } }
    : null;
}

/** Whether a word may be a handle of an earlier run of this server. */
export function mayBeOfEarlierRun({ handles }: SessionTable, handle: Uint8Array): boolean {
  const end = suffixStart(handle, 0, handle.length);
  if (end > HANDLE_BYTES_MAX || handles.parse(handle, 0, end)) return false;
  return FORM.test(latin1(handle, 0, end));
}

/** Asks the owners, one after the other, for the job of a handle of an earlier run; null when none has it. */
export function findJob(
  table: SessionTable,
  handle: Uint8Array,
  done: (found: NamedJob | null) => void,
): void {
  const owners = ownerThreads(table.options.shardCount);
  const text = latin1(handle, 0, suffixStart(handle, 0, handle.length));
  const ask = (index: number): void => {
    const owner = owners[index];
    if (owner === undefined) {
      done(null);
      return;
    }
    table.ask(owner, { kind: 'find', handle: text }, ({ cursor, part }) => {
      if (cursor === 0) ask(index + 1);
      else done({ owner, job: { slot: cursor, serial: part } });
    });
  };
  ask(0);
}

/** The job of any handle. */
export function jobNamed(
  table: SessionTable,
  handle: Uint8Array,
  done: (found: NamedJob | null) => void,
): void {
  const named = jobOfThisRun(table, handle);
  if (named !== null || !mayBeOfEarlierRun(table, handle)) done(named);
  else findJob(table, handle, done);
}
