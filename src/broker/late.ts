/**
 * Assignments that a connection has lost to CAN_DO_TIMEOUT. Its worker does not know this and continues, so its packets
 * about these jobs are not errors. Rule: contains only such assignments, the last LATE_MAX of a connection.
 */

/** Beyond that the oldest is forgotten: its packets get the answer for jobs that the connection does not hold. */
export const LATE_MAX = 64;

export class LateAssignments {
  /** Job numbers, oldest first; a job that was lost twice is listed twice. */
  readonly #jobs: number[] = [];

  add(job: number): void {
    this.#jobs.push(job);
    if (this.#jobs.length > LATE_MAX) this.#jobs.shift();
  }

  has(job: number): boolean {
    return this.#jobs.includes(job);
  }

  /** Removes one assignment of the job, whose final packet has come. */
  take(job: number): void {
    const at = this.#jobs.indexOf(job);
    if (at >= 0) this.#jobs.splice(at, 1);
  }
}
