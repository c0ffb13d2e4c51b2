/**
 * The dead jobs of one function, oldest first. They keep their rows, so their handles stay, but they are not among the
 * live jobs: no submit joins them, no count of the text protocol has them.
 */
import type { JobRows } from './job-rows.ts';
import { Job } from './job-table.ts';

export class DeadJobs {
  readonly #rows: JobRows;
  first = 0;
  last = 0;
  count = 0;
  /** Bytes of their rows, uniques, workloads and errors. */
  bytes = 0;

  constructor(rows: JobRows) {
    this.#rows = rows;
  }

  /** The next younger one; 0 after the youngest. */
  next(job: number): number {
    return this.#rows.word(job, Job.NEXT);
  }

  /** The next older one; 0 after the oldest. */
  previous(job: number): number {
    return this.#rows.word(job, Job.PREV);
  }

  add(job: number, bytes: number): void {
    const rows = this.#rows;
    rows.setWord(job, Job.PREV, this.last);
    rows.setWord(job, Job.NEXT, 0);
    if (this.last === 0) this.first = job;
    else rows.setWord(this.last, Job.NEXT, job);
    this.last = job;
    this.count++;
    this.bytes += bytes;
  }

  remove(job: number, bytes: number): void {
    const rows = this.#rows;
    const next = this.next(job);
    const previous = this.previous(job);
    if (previous === 0) this.first = next;
    else rows.setWord(previous, Job.NEXT, next);
    if (next === 0) this.last = previous;
    else rows.setWord(next, Job.PREV, previous);
    this.count--;
    this.bytes -= bytes;
  }
}
