/**
 * The events of one job as an async iterator. Rule: one reader; unread events are kept up to a limit and dropped when
 * the reader stops. A slow reader delays no other job of the connection.
 */
import { UnreadError } from '../link/errors.ts';
import type { JobEvent } from './types.ts';

interface Reader {
  resolve(result: IteratorResult<JobEvent<unknown>>): void;
  reject(error: unknown): void;
}

/** Memory of an event besides its data, approximately. */
const EVENT_BYTES = 100;

const DONE: IteratorResult<JobEvent<unknown>> = { done: true, value: undefined };

export class JobEvents implements AsyncIterableIterator<JobEvent<unknown>> {
  readonly #bytesMax: number;
  #kept: JobEvent<unknown>[] = [];
  #next = 0;
  #keptBytes = 0;
  #readers: Reader[] = [];
  #isOver = false;
  /** The error that ends the iteration; one read gets it. */
  #failure: { readonly error: unknown } | null = null;

  /** When more than `bytesMax` bytes are kept, iteration ends with an error. */
  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  push(event: JobEvent<unknown>): void {
    if (this.#isOver) return;
    const reader = this.#readers.shift();
    if (reader !== undefined) {
      reader.resolve({ done: false, value: event });
      return;
    }
    this.#kept.push(event);
    this.#keptBytes += sizeOf(event);
    // The last event is the job's result, which is kept anyway.
    if (this.#keptBytes > this.#bytesMax && event.type !== 'complete') this.#giveUp();
  }

  /** No more events will come. */
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

  /** The reader stops. */
  return(): Promise<IteratorResult<JobEvent<unknown>>> {
    this.#drop();
    this.#isOver = true;
    this.#failure = null;
    for (const reader of this.#readers.splice(0)) reader.resolve(DONE);
    return Promise.resolve(DONE);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #giveUp(): void {
    this.#drop();
    this.end({ error: new UnreadError(this.#bytesMax) });
  }

  #drop(): void {
    this.#kept = [];
    this.#next = 0;
    this.#keptBytes = 0;
  }

  #take(): JobEvent<unknown> {
    const event = this.#kept[this.#next++] as JobEvent<unknown>;
    this.#keptBytes -= sizeOf(event);
    if (this.#next === this.#kept.length) this.#drop();
    return event;
  }

  #finish(reader: Reader): void {
    const failure = this.#failure;
    this.#failure = null;
    if (failure === null) reader.resolve(DONE);
    else reader.reject(failure.error);
  }
}

function sizeOf(event: JobEvent<unknown>): number {
  return EVENT_BYTES + ('data' in event ? event.data.length : 0);
}
