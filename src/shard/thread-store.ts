/**
 * The store of the jobs that a thread owns, as the thread uses it: it restores jobs at the start, reports in turns,
 * and gets the remaining jobs at the end. Rule: no turn waits for it.
 */
import type { Clock } from '../base/clock.ts';
import { type Logger, LogLevel } from '../base/logger.ts';
import type { Broker } from '../broker/broker.ts';
import { Restore } from '../broker/restore.ts';
import type { Storing } from '../broker/storing.ts';
import type { Store, StoreHost } from '../store/store.ts';

/** Time between two progress lines while jobs are restored. */
const PROGRESS_MS = 1_000;
/** Pause between two checks of the store's results. */
const STEP_MS = 1;

/** The parts of the thread that the store needs. */
export interface StoreThread {
  readonly clock: Clock;
  readonly log: Logger;
  /** Begins an event outside of a turn; returns the monotonic time. */
  setTime(): number;
  /** Publishes changes to other threads. */
  publish(): void;
  /** Requests a turn. */
  requestTurn(): void;
}

export class ThreadStore {
  readonly store: Store;
  readonly #thread: StoreThread;
  /** The store has results. */
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

  /**
   * Restores the jobs of the store before peers are served. If the store is unreachable at the start, jobs come while
   * peers are served, and each may run at once. Call before the first turn. Resolves to the number of jobs, 0 when they
   * come later; rejects when the store is unusable.
   */
  restore(broker: Broker): Promise<number> {
    const { setTime, publish, requestTurn } = this.#thread;
    const restore = new Restore(broker);
    const progress = new Progress(this.store, this.#thread);
    let isLate = false;
    setTime();
    return new Promise((resolve, reject) => {
      this.store.replay(
        (job, reference, order) => {
          if (isLate) setTime();
          restore.take(job, reference, order);
          if (isLate) restore.finish();
          progress.count();
        },
        (error) => {
          if (error !== null) {
            reject(error);
            return;
          }
          setTime();
          restore.finish();
          // Other threads learn what is runnable here before they ask; the turn sets the timer of scheduled jobs.
          publish();
          requestTurn();
          progress.end();
          resolve(progress.jobs);
        },
        () => {
          isLate = true;
          resolve(0);
        },
      );
    });
  }

  /** Call in a turn: answers clients whose jobs have become durable, as many as one turn should. */
  answerDurable(storing: Storing): void {
    if (!this.#isAwake && !storing.hasUnsaved) return;
    this.#isAwake = !storing.answerDurable();
    if (this.#isAwake) this.#thread.requestTurn();
  }

  /**
   * Makes pending jobs durable and answers their clients; takes no more jobs. `isLate`: stores all jobs that the store
   * does not have only now. Resolves to the number of jobs that could not be stored.
   */
  async close(storing: Storing, isLate: boolean): Promise<number> {
    if (isLate) await this.#storeAtEnd(storing);
    await this.#updateAtEnd(storing);
    await new Promise<void>((resolve) => this.store.close(resolve));
    this.#look(storing);
    return isLate ? storing.unstored().length : 0;
  }

  /**
   * `--store-queue-on-shutdown`: at the end of the server, hands to the store all background jobs that it does not
   * have, as many at a time as it takes. If the store fails, this ends early.
   */
  async #storeAtEnd(storing: Storing): Promise<void> {
    for (const job of storing.unstored())
      if (!(await this.#offer(storing, () => storing.storeLate(job)))) return;
  }

  /** Repeats updates that the store refused, as many at a time as it takes. */
  async #updateAtEnd(storing: Storing): Promise<void> {
    await this.#offer(storing, () => storing.updateAgain());
  }

  /**
   * Repeats `offer` until the store takes everything, or refuses although nothing is pending. False when the store
   * fails. It polls, because a store reports nothing when it has committed only forgets.
   */
  async #offer(storing: Storing, offer: () => boolean): Promise<boolean> {
    while (!offer()) {
      const { isAccepting, uncommitted } = this.store.health;
      if (!isAccepting) return false;
      if (uncommitted === 0) break;
      this.#look(storing);
      await new Promise((resolve) => setTimeout(resolve, STEP_MS));
    }
    return true;
  }

  /** Call outside of a turn: handles all results at once. */
  #look(storing: Storing): void {
    const { setTime, publish } = this.#thread;
    this.store.flush(setTime());
    while (!storing.answerDurable());
    publish();
  }
}

/** Logs the progress of restoring, each second and at the end. */
class Progress {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #startMs: number;
  #firstMs = 0;
  #lineMs: number;
  jobs = 0;

  constructor(store: Store, { clock, log }: StoreThread) {
    this.#store = store;
    this.#clock = clock;
    this.#log = log;
    this.#startMs = clock.nowMs();
    this.#lineMs = this.#startMs;
  }

  /** Counts one restored job. */
  count(): void {
    if (this.jobs++ === 0) this.#firstMs = this.#clock.nowMs();
    if ((this.jobs & 0xfff) !== 0) return;
    const nowMs = this.#clock.nowMs();
    if (nowMs - this.#lineMs < PROGRESS_MS) return;
    this.#lineMs = nowMs;
    const all = this.#store.health.jobs;
    const perSecond = (this.jobs * 1000) / Math.max(1, nowMs - this.#firstMs);
    const leftSeconds = Math.ceil((all - this.jobs) / Math.max(1, perSecond));
    const rate = Math.round(perSecond);
    this.#say(`${this.jobs} of ${all} jobs, ${rate} jobs/s, ${leftSeconds} s left`);
  }

  end(): void {
    const seconds = ((this.#clock.nowMs() - this.#startMs) / 1000).toFixed(2);
    if (this.jobs > 0) this.#say(`all ${this.jobs} jobs in ${seconds} s`);
  }

  #say(text: string): void {
    this.#log.log(LogLevel.NOTICE, `replay: ${text}`);
  }
}
