/**
 * Detects that a server has no more work: no thread has a job except those that its store keeps, every record has
 * arrived, and nothing has changed since the last check. Then nothing can be on its way between threads. Source:
 * docs/design.md, section 7.
 */
import type { ThreadFigure, ThreadStats } from '../session/thread-queries.ts';

/** Checks the figures of all threads repeatedly until the last job has ended. */
export class LastJob {
  readonly #shardCount: number;
  #before: readonly ThreadStats[] | null = null;

  constructor(shardCount: number) {
    this.#shardCount = shardCount;
  }

  /**
   * `threads`: the current figures of every thread, the acceptor first, queried by the acceptor in this order. True
   * when this check and the one before found no jobs and the same figures. If a thread is missing, it has died: check
   * again.
   */
  look(threads: readonly ThreadStats[]): boolean {
    const before = this.#before;
    const isWhole = threads.length === this.#shardCount + 1;
    const isIdle =
      isWhole &&
      threads.every((thread) => thread.jobs === thread.keptJobs) &&
      this.#isArrived(threads);
    this.#before = isIdle ? threads : null;
    return isIdle && before !== null && this.#isUnmoved(before, threads);
  }

  /**
   * Whether all sent records have been received. The acceptor counted before it sent the queries, each shard after its
   * query and before its result.
   */
  #isArrived(threads: readonly ThreadStats[]): boolean {
    const sent = sum(threads, 'recordsSent') + this.#shardCount;
    return sent === sum(threads, 'recordsReceived');
  }

  /** Whether, between two checks, threads sent only the results of the first check and the queries of the second. */
  #isUnmoved(before: readonly ThreadStats[], threads: readonly ThreadStats[]): boolean {
    const sent = sum(threads, 'recordsSent') - sum(before, 'recordsSent');
    return sent === 2 * this.#shardCount && sum(threads, 'submitted') === sum(before, 'submitted');
  }
}

function sum(threads: readonly ThreadStats[], field: ThreadFigure): number {
  return threads.reduce((total, thread) => total + thread[field], 0);
}
