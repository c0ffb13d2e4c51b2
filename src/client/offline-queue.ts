/** Submits that wait for a server, oldest first. Rule: jobs that are given up while they wait do not fill the queue. */
import { Fifo } from '../link/fifo.ts';
import type { Job } from './job.ts';

export class OfflineQueue {
  readonly #jobs = new Fifo<Job>();
  /** Those among them that have ended meanwhile. */
  #endedCount = 0;

  /** Jobs that still wait. */
  get count(): number {
    return this.#jobs.size - this.#endedCount;
  }

  push(job: Job): void {
    job.isQueuedOffline = true;
    this.#jobs.push(job);
  }

  /** A job has ended while it waited. The queue is renewed when half of it are such. */
  forget(job: Job): void {
    job.isQueuedOffline = false;
    this.#endedCount++;
    if (this.#endedCount * 2 > this.#jobs.size)
      for (const waiting of this.takeAll()) this.push(waiting);
  }

  /** Takes everything out that waits and has not ended. */
  takeAll(): Job[] {
    this.#endedCount = 0;
    const jobs = this.#jobs.takeAll();
    for (const job of jobs) job.isQueuedOffline = false;
    return jobs.filter((job) => !job.hasEnded);
  }
}
