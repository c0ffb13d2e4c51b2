/**
 * The store of the jobs that a thread owns, as the thread uses it: it gives jobs back at the start, is heard in turns, and
 * is given at the end what it has not. Rule: no turn waits for it.
 */
import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';
import type { Broker } from '../broker/broker.ts';
import type { Storing } from '../broker/storing.ts';
import type { Store, StoreHost } from '../store/store.ts';
import { restoreJobs } from './restore-jobs.ts';
import { storeAtEnd } from './store-at-end.ts';

/** What the thread does for it. */
export interface StoreThread {
  readonly clock: Clock;
  readonly log: Logger;
  /** Begins an event outside of a turn; returns the monotonic time. */
  setTime(): number;
  /** Shows other threads what has changed. */
  publish(): void;
  /** Asks for a turn. */
  requestTurn(): void;
}

export class ThreadStore {
  readonly store: Store;
  readonly #thread: StoreThread;
  /** It has something to tell. */
  #isAwake = false;

  constructor(make: (host: StoreHost) => Store, thread: StoreThread) {
    const { clock, log } = thread;
    this.#thread = thread;
    this.store = make({
      wake: () => {
        this.#isAwake = true;
        thread.requestTurn();
      },
      log: (level, text) => log.log(level, text),
      nowMs: () => clock.nowMs(),
    });
  }

  /** Reads back what was kept; resolves to the number of jobs, 0 when they come later. Before the first turn. */
  restore(broker: Broker): Promise<number> {
    const { clock, log, setTime, publish, requestTurn } = this.#thread;
    return restoreJobs(broker, this.store, clock, log, {
      begin: setTime,
      ready: () => {
        // Other threads see what is runnable here before anybody asks; the turn sets the timer of scheduled jobs.
        publish();
        requestTurn();
      },
    });
  }

  /** In a turn: answers those whose jobs have become durable, as many as one turn should. */
  answerDurable(storing: Storing): void {
    if (!this.#isAwake) return;
    this.#isAwake = !storing.answerDurable();
    if (this.#isAwake) this.#thread.requestTurn();
  }

  /**
   * Makes durable what waits and answers who waited; nothing is taken from now on. `isLate`: all that it does not have is
   * stored only now. Resolves to the number of jobs that it could not be given.
   */
  async close(storing: Storing, isLate: boolean): Promise<number> {
    if (isLate) await storeAtEnd(storing, this.store, () => this.#look(storing));
    await new Promise<void>((resolve) => this.store.close(resolve));
    this.#look(storing);
    return isLate ? storing.unstored().length : 0;
  }

  /** Outside of a turn: hears everything at once. */
  #look(storing: Storing): void {
    const { setTime, publish } = this.#thread;
    this.store.flush(setTime());
    while (!storing.answerDurable());
    publish();
  }
}
