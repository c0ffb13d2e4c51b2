/**
 * What happened in a simulation, in order. Lines are made when they are printed: most runs succeed and print nothing.
 */

/** A rule of the server that did not hold. */
export class SimFailure extends Error {
  override readonly name = 'SimFailure';
}

/** Throws SimFailure unless `condition` holds; the text is made only then. */
export function ensure(condition: unknown, text: () => string): asserts condition {
  if (!condition) throw new SimFailure(text());
}

interface Entry {
  readonly atMs: number;
  readonly text: () => string;
}

export class Transcript {
  /** Virtual time, for the entries that follow. */
  nowMs = 0;
  readonly #entriesMax: number;
  #entries: Entry[] = [];
  #dropped = 0;

  /** Keeps the last `entriesMax` entries. */
  constructor(entriesMax: number) {
    this.#entriesMax = entriesMax;
  }

  /** `text` must not depend on anything that changes later. */
  add(text: () => string): void {
    this.#entries.push({ atMs: this.nowMs, text });
    if (this.#entries.length < this.#entriesMax * 2) return;
    this.#dropped += this.#entries.length - this.#entriesMax;
    this.#entries = this.#entries.slice(-this.#entriesMax);
  }

  /** One line an entry. */
  toString(): string {
    const kept = this.#entries.slice(-this.#entriesMax);
    const dropped = this.#dropped + this.#entries.length - kept.length;
    const lines = kept.map(({ atMs, text }) => `${atMs.toFixed(0).padStart(8)}  ${text()}`);
    return [`(${dropped} earlier events)`, ...lines].join('\n');
  }
}
