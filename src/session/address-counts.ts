/**
 * Connections by address, counted by the acceptor for all threads (`--max-connections-per-address`). Connections are
 * counted for each thread, because they end when their thread dies. An address without connections is forgotten.
 */
export class AddressCounts {
  readonly #threads: Map<string, number>[] = [];

  /** Connections of `address` in all threads. Linear in the number of threads. */
  of(address: string): number {
    return this.#threads.reduce((sum, counts) => sum + (counts.get(address) ?? 0), 0);
  }

  add(address: string, thread: number): void {
    while (this.#threads.length <= thread) this.#threads.push(new Map());
    const counts = this.#threads[thread] as Map<string, number>;
    counts.set(address, (counts.get(address) ?? 0) + 1);
  }

  remove(address: string, thread: number): void {
    const counts = this.#threads[thread];
    const count = counts?.get(address) ?? 0;
    if (count > 1) counts?.set(address, count - 1);
    else counts?.delete(address);
  }

  /** Forgets the connections of a thread that has ended. */
  forget(thread: number): void {
    this.#threads[thread]?.clear();
  }
}
