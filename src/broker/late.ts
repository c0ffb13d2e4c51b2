/**
 * Assignments that a connection has lost to a timeout. Its worker does not know this and continues, so its packets
 * about these jobs are not errors. Rule: contains only such assignments, the last LATE_MAX of a connection.
 */

/** Beyond that the oldest is forgotten: its packets get the answer for jobs that the connection does not hold. */
export const LATE_MAX = 64;

interface Late {
  /** Serial number of the job. */
  readonly job: number;
  /** Its first final packet may end the job: after CAN_DO_TIMEOUT, but not after the timeout of a policy. */
  readonly mayEnd: boolean;
}

export class LateAssignments {
  /** Oldest first; a job that was lost twice is listed twice. */
  readonly #lates: Late[] = [];

  add(job: number, mayEnd = true): void {
    this.#lates.push({ job, mayEnd });
    if (this.#lates.length > LATE_MAX) this.#lates.shift();
  }

  has(job: number): boolean {
    return this.#lates.some((late) => late.job === job);
  }

  /** Removes one assignment of the job, whose final packet has come. True when that packet may end the job. */
  take(job: number): boolean {
    const at = this.#lates.findIndex((late) => late.job === job);
    return at >= 0 && this.#lates.splice(at, 1)[0]?.mayEnd === true;
  }
}
