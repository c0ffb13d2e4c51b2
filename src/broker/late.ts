/**
 * Assignments that a connection has lost to CAN_DO_TIMEOUT. Its worker does not know and goes on: what it says of them is
 * no error. Rule: only those are here, and only the last LATE_MAX of a connection.
 */

/** Beyond that the oldest is forgotten: its packets are answered as those of any job that is not the connection's. */
export const LATE_MAX = 64;

export class LateAssignments {
  /** Numbers of jobs, oldest first; a job that was lost twice is there twice. */
  readonly #jobs: number[] = [];

  add(job: number): void {
    this.#jobs.push(job);
    if (this.#jobs.length > LATE_MAX) this.#jobs.shift();
  }

  has(job: number): boolean {
    return this.#jobs.includes(job);
  }

  /** Forgets one assignment of the job: its final packet has come. */
  take(job: number): void {
    const at = this.#jobs.indexOf(job);
    if (at >= 0) this.#jobs.splice(at, 1);
  }
}
