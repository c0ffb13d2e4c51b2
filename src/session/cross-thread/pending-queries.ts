/**
 * Queries that this thread has put to others and whose results have not come. Rule: each gets one result; that of a
 * thread which does not run is that nothing is known.
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

  /** `writers`: the way to each other thread; null for dead ones. */
  constructor(writers: readonly (RingWriter | null)[]) {
    this.#writers = writers;
  }

  get count(): number {
    return this.#pending.size;
  }

  /** `done` is called later, at once when the thread does not run. */
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

  /** The result of query number `id`; one that comes after the death of its thread is of no use. */
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
