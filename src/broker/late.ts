/**
 * Runs that a connection has lost to a timeout. Its worker does not know this and continues, so its packets about these
 * jobs are not errors. Rule: contains only such runs, the last LATE_MAX of a connection.
 *
 * Of a function with a policy about runs, a worker that runs several jobs at a time owes the final packet: while it does, it does not get the
 * job again (owed.ts), because that packet would be taken for the end of the second run. A worker that runs one job at a
 * time has left the first run when it grabs again.
 */
import type { FunctionQueue } from './functions.ts';

/** Beyond that the oldest is forgotten: its packets get the answer for jobs that the connection does not hold. */
export const LATE_MAX = 64;

export interface Late {
  /** Serial number of the job. */
  readonly job: number;
  /** The number in the handle of the run, 0 = a plain handle. */
  readonly run: number;
  /** Its first final packet may end the job while that is queued and `version` (owed.ts) is this; -1 = never. */
  endsVersion: number;
  /** The function of a job that the worker does not get until it has sent the final packet; null when it may. */
  owedOf: FunctionQueue | null;
}

export class LateAssignments {
  /** Oldest first; a job that was lost twice is listed twice. */
  readonly #lates: Late[] = [];

  /** Adds a run; returns the one that is forgotten for it. */
  add(late: Late): Late | null {
    this.#lates.push(late);
    return this.#lates.length > LATE_MAX ? (this.#lates.shift() as Late) : null;
  }

  has(job: number, run: number): boolean {
    return this.#lates.some((late) => late.job === job && late.run === run);
  }

  /** Whether the worker must not get this job. */
  owes(job: number): boolean {
    return this.#lates.some((late) => late.job === job && late.owedOf !== null);
  }

  get owesAny(): boolean {
    return this.#lates.some(({ owedOf }) => owedOf !== null);
  }

  all(): readonly Late[] {
    return this.#lates;
  }

  /** Removes a run of the job, whose final packet has come; null when there is none. */
  take(job: number, run: number): Late | null {
    const at = this.#lates.findIndex((late) => late.job === job && late.run === run);
    return at < 0 ? null : (this.#lates.splice(at, 1)[0] as Late);
  }
}
