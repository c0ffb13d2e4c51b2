/** The limit of `-t`: how long a job may stay silent. Each packet of the job restarts the time. */

export class Silence {
  readonly #limitMs: number;
  readonly #abort = new AbortController();
  #timer: NodeJS.Timeout | null = null;

  /** Negative: no limit. */
  constructor(limitMs: number) {
    this.#limitMs = limitMs;
    this.heard();
  }

  /** Options for a submit; empty without a limit. */
  get option(): { signal?: AbortSignal } {
    return this.#limitMs < 0 ? {} : { signal: this.#abort.signal };
  }

  get isOver(): boolean {
    return this.#abort.signal.aborted;
  }

  heard(): void {
    if (this.#limitMs < 0) return;
    this.end();
    this.#timer = setTimeout(() => {
      this.#abort.abort(new Error(`no answer within ${this.#limitMs} ms`));
    }, this.#limitMs);
  }

  end(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }
}
