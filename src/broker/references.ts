/**
 * References of stored jobs in their store: one word for each row of the job table. A segment is made when its first
 * job is stored, so a server without a store has no segments.
 */
import type { Account } from '../base/account.ts';
import { uncounted } from '../base/uncounted.ts';
import { SEGMENT_MASK, SEGMENT_SHIFT } from './job-table.ts';

const SEGMENT_BYTES = (SEGMENT_MASK + 1) * Uint32Array.BYTES_PER_ELEMENT;

export class References {
  readonly #segments: (Uint32Array | undefined)[] = [];
  readonly #account: Account;

  constructor(account: Account) {
    this.#account = account;
  }

  /** Memory of all segments. */
  get bytes(): number {
    return this.#segments.filter((words) => words !== undefined).length * SEGMENT_BYTES;
  }

  /** Valid for a job that `set` was called for, as long as it lives. */
  get(job: number): number {
    return (this.#segments[job >>> SEGMENT_SHIFT] as Uint32Array)[job & SEGMENT_MASK] as number;
  }

  set(job: number, reference: number): void {
    const segment = job >>> SEGMENT_SHIFT;
    let words = this.#segments[segment];
    if (words === undefined) {
      words = new Uint32Array(uncounted(SEGMENT_BYTES));
      this.#segments[segment] = words;
      this.#account.held += SEGMENT_BYTES;
    }
    words[job & SEGMENT_MASK] = reference;
  }
}
