/**
 * The events of one job as an async iterator. Rule: one reader; what it does not read is kept, and dropped when it leaves.
 */
import type { JobEvent } from './types.ts';

interface Reader {
  resolve(result: IteratorResult<JobEvent<unknown>>): void;
  reject(error: unknown): void;
}

const DONE: IteratorResult<JobEvent<unknown>> = { done: true, value: undefined };

export class JobEvents implements AsyncIterableIterator<JobEvent<unknown>> {
  #kept: JobEvent<unknown>[] = [];
  #next = 0;
  #readers: Reader[] = [];
  #isOver = false;
  /** What iteration ends with; taken by the read that it ends. */
  #failure: { readonly error: unknown } | null = null;

  push(event: JobEvent<unknown>): void {
    if (this.#isOver) return;
    const reader = this.#readers.shift();
    if (reader === undefined) this.#kept.push(event);
    else reader.resolve({ done: false, value: event });
  }

  /** No event comes any more. */
  end(failure: { readonly error: unknown } | null): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#failure = failure;
    for (const reader of this.#readers.splice(0)) this.#finish(reader);
  }

  next(): Promise<IteratorResult<JobEvent<unknown>>> {
    return new Promise((resolve, reject) => {
      if (this.#next < this.#kept.length) resolve({ done: false, value: this.#take() });
      else if (this.#isOver) this.#finish({ resolve, reject });
      else this.#readers.push({ resolve, reject });
    });
  }

  /** The reader leaves. */
  return(): Promise<IteratorResult<JobEvent<unknown>>> {
    this.#kept = [];
    this.#next = 0;
    this.#isOver = true;
    this.#failure = null;
    for (const reader of this.#readers.splice(0)) reader.resolve(DONE);
    return Promise.resolve(DONE);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #take(): JobEvent<unknown> {
    const event = this.#kept[this.#next++] as JobEvent<unknown>;
    if (this.#next === this.#kept.length) {
      this.#kept = [];
      this.#next = 0;
    }
    return event;
  }

  #finish(reader: Reader): void {
    const failure = this.#failure;
    this.#failure = null;
    if (failure === null) reader.resolve(DONE);
    else reader.reject(failure.error);
  }
}
