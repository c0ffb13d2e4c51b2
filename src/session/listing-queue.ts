/**
 * Limits how many listings a thread makes at a time; the others wait in the order of their requests. Rule: while a
 * listing waits for its peer to read, the next listing may begin. So no peer stops the others, and many listings
 * together keep only a few unsent parts.
 */

/** Listings that are made at the same time. */
const ACTIVE_MAX = 4;

export class ListingQueue {
  #active = 0;
  readonly #waiting: (() => void)[] = [];
  #isStarting = false;

  /** Calls `work` now or when its turn comes; `work` ends with `leave`, in the same call or later. */
  enter(work: () => void): void {
    this.#waiting.push(work);
    this.#start();
  }

  /** The listing that `enter` began is complete, or waits for its peer. */
  leave(): void {
    this.#active--;
    this.#start();
  }

  /**
   * Starts waiting listings. It is a loop, because a short listing leaves within its own call, and recursion would be
   * as deep as the queue.
   */
  #start(): void {
    if (this.#isStarting) return;
    this.#isStarting = true;
    while (this.#active < ACTIVE_MAX && this.#waiting.length > 0) {
      this.#active++;
      (this.#waiting.shift() as () => void)();
    }
    this.#isStarting = false;
  }
}
