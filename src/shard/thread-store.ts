/**
 * The store of the jobs that a thread owns, as the thread uses it: it gives jobs back at the start, is heard in turns, and
 * is given at the end what it has not. Rule: no turn waits for it.
 */
import type { Clock } from '../base/clock.ts';
import { type Logger, LogLevel } from '../base/logger.ts';
import type { Broker } from '../broker/broker.ts';
import { Restore } from '../broker/restore.ts';
import type { Storing } from '../broker/storing.ts';
import type { Store, StoreHost } from '../store/store.ts';

/** Between two lines of progress while jobs come back. */
const PROGRESS_MS = 1_000;
/** Between two looks at what the store has done. */
const STEP_MS = 1;

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

/** What the thread does around events in which jobs come back. */
interface RestoreEvents {
  /** Sets the time. */
  begin(): void;
  /** All of them may run; in the same event. */
  ready(): void;
}

/**
 * Jobs that the store kept come back before peers are served, with a line of progress each second. Where the store is away
 * at the start they come while peers are served: then each may run as soon as it is there.
 * Resolves to the number of jobs, 0 when they come later; rejects when the store cannot be used.
 */
function restoreJobs(
  broker: Broker,
  store: Store,
  clock: Clock,
  log: Logger,
  { begin, ready }: RestoreEvents,
): Promise<number> {
  const restore = new Restore(broker);
  const startMs = clock.nowMs();
  let firstMs = startMs;
  let lineMs = startMs;
  let count = 0;
  let isLate = false;
  begin();
  const tell = (nowMs: number): void => {
    const perSecond = (count * 1000) / Math.max(1, nowMs - firstMs);
    const leftSeconds = Math.ceil((store.health.jobs - count) / Math.max(1, perSecond));
    const rate = Math.round(perSecond);
    log.log(
      LogLevel.NOTICE,
      `replay: ${count} of ${store.health.jobs} jobs, ${rate} jobs/s, ${leftSeconds} s left`,
    );
    lineMs = nowMs;
  };
  return new Promise((resolve, reject) => {
    store.replay(
      (job, reference, order) => {
        if (count === 0) firstMs = clock.nowMs();
        if (isLate) begin();
        restore.take(job, reference, order);
        if (isLate) restore.finish();
        count++;
        if ((count & 0xfff) === 0 && clock.nowMs() - lineMs >= PROGRESS_MS) tell(clock.nowMs());
      },
      (error) => {
        if (error !== null) {
          reject(error);
          return;
        }
        begin();
        restore.finish();
        ready();
        const seconds = ((clock.nowMs() - startMs) / 1000).toFixed(2);
        if (count > 0) log.log(LogLevel.NOTICE, `replay: all ${count} jobs in ${seconds} s`);
        resolve(count);
      },
      () => {
        isLate = true;
        resolve(0);
      },
    );
  });
}

/**
 * `--store-queue-on-shutdown`: all background jobs that the store does not have are handed to it when the server ends, as
 * much at a time as it takes; a store that fails is not waited for. Hands everything over; `look` has the store told what became of it.
 */
async function storeAtEnd(storing: Storing, store: Store, look: () => void): Promise<void> {
  for (const job of storing.unstored()) {
    while (!storing.storeLate(job)) {
      const { isAccepting, uncommitted } = store.health;
      if (!isAccepting) return;
      // With nothing under way it is this job that is not taken.
      if (uncommitted === 0) break;
      look();
      await new Promise((resolve) => setTimeout(resolve, STEP_MS));
    }
  }
}
