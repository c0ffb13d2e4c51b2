/**
 * Submits that wait for a server, oldest first. Rule: jobs that end while they wait do not count against the limit.
 */
import { Fifo } from '../link/fifo.ts';
import type { Job } from './job.ts';

export class OfflineQueue {
  readonly #jobs = new Fifo<Job>();
  /** Queued jobs that have ended meanwhile. */
  #endedCount = 0;

  /** Jobs that still wait. */
  get count(): number {
    return this.#jobs.size - this.#endedCount;
  }

  push(job: Job): void {
    job.isQueuedOffline = true;
    this.#jobs.push(job);
  }

  /** A queued job has ended. The queue is rebuilt when half of it have. */
  forget(job: Job): void {
    job.isQueuedOffline = false;
    this.#endedCount++;
    if (this.#endedCount * 2 > this.#jobs.size)
      for (const waiting of this.takeAll()) this.push(waiting);
  }

  /** Removes and returns all waiting jobs that have not ended. */
  takeAll(): Job[] {
    this.#endedCount = 0;
    const jobs = this.#jobs.takeAll();
    for (const job of jobs) job.isQueuedOffline = false;
    return jobs.filter((job) => !job.hasEnded);
  }
}
