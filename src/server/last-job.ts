/**
 * When is a server idle for good? No thread has a job but what its store keeps, every record has arrived, and nothing has moved since the last
 * look: only then can nothing be on its way between threads. Source: docs/design.md, section 7.
 */
import type { ThreadFigure, ThreadStats } from '../session/thread-queries.ts';

/** Looks at the figures of all threads, again and again, until the last job has ended. */
export class LastJob {
  readonly #shardCount: number;
  #before: readonly ThreadStats[] | null = null;

  constructor(shardCount: number) {
    this.#shardCount = shardCount;
  }

  /**
   * `threads`: what every thread has just answered, the acceptor first, asked by the acceptor in this order. True when
   * this look and the one before saw the same server without jobs. A thread that is missing has died: look again.
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
   * All that was sent has been received. The acceptor counted before it asked, each shard when the question had
   * reached it and before it answered.
   */
  #isArrived(threads: readonly ThreadStats[]): boolean {
    const sent = sum(threads, 'recordsSent') + this.#shardCount;
    return sent === sum(threads, 'recordsReceived');
  }

  /** Between two looks nothing was sent but the first look's answers and the second look's questions. */
  #isUnmoved(before: readonly ThreadStats[], threads: readonly ThreadStats[]): boolean {
    const sent = sum(threads, 'recordsSent') - sum(before, 'recordsSent');
    return sent === 2 * this.#shardCount && sum(threads, 'submitted') === sum(before, 'submitted');
  }
}

function sum(threads: readonly ThreadStats[], field: ThreadFigure): number {
  return threads.reduce((total, thread) => total + thread[field], 0);
}
