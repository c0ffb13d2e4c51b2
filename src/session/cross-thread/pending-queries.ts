/**
 * Queries of this thread to other threads whose results have not come. Rule: each query gets exactly one result; if the
 * other thread is not running, the result is empty.
 */
import type { RingWriter } from '../../ring/writer.ts';
import { DONE, type ThreadQuery, type ThreadResult } from '../thread-queries.ts';
import { writeQuery } from './records.ts';

interface Pending {
  readonly thread: number;
  readonly done: (result: ThreadResult) => void;
}

export class PendingQueries {
  readonly #writers: readonly (RingWriter | null)[];
  readonly #pending = new Map<number, Pending>();
  #nextId = 1;

  /** `writers`: the ring writer to each other thread; null for dead ones. */
  constructor(writers: readonly (RingWriter | null)[]) {
    this.#writers = writers;
  }

  get count(): number {
    return this.#pending.size;
  }

  /** `done` is called later, or at once when the thread is not running. */
  send(thread: number, query: ThreadQuery, done: (result: ThreadResult) => void): void {
    const writer = this.#writers[thread];
    if (writer == null) {
      done(DONE);
      return;
    }
    const id = this.#nextId;
    this.#nextId = (id + 1) & 0x7fffffff;
    this.#pending.set(id, { thread, done });
    writeQuery(writer, id, query);
  }

  /** Takes the result of query number `id`; ignored when its thread has died before. */
  end(id: number, result: ThreadResult): void {
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    pending?.done(result);
  }

  /** The thread has died. */
  endAllOf(thread: number): void {
    for (const [id, pending] of [...this.#pending])
      if (pending.thread === thread) this.end(id, DONE);
  }
}
