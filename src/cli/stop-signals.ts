/**
 * Signals that end the daemon: TERM and INT end it at once in good order, USR1 after the last job; TERM or INT again
 * exits without waiting.
 */

export type StopKind = 'graceful' | 'now';

/** Remembers the request, so that a signal during the start is not lost. */
export class StopSignals {
  readonly #abort = new AbortController();
  #wanted: StopKind | null = null;
  #act: ((kind: StopKind, signal: string) => void) | null = null;
  #signal = '';

  /** Aborts at the first signal: ends the wait for a busy port. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** Takes over the process's signals. */
  install(): void {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      process.on(signal, () => {
        if (this.#wanted === 'now') process.exit(0);
        this.#want('now', signal);
      });
    }
    process.on('SIGUSR1', () => {
      if (this.#wanted === null) this.#want('graceful', 'SIGUSR1');
    });
  }

  /**
   * Sets the function that ends the server; it is called at once when a signal has come already, and again for a
   * stronger one.
   */
  onStop(act: (kind: StopKind, signal: string) => void): void {
    this.#act = act;
    if (this.#wanted !== null) act(this.#wanted, this.#signal);
  }

  #want(kind: StopKind, signal: string): void {
    this.#wanted = kind;
    this.#signal = signal;
    this.#abort.abort();
    this.#act?.(kind, signal);
  }
}
