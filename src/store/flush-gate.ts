/**
 * When a store that has changes and writes none may begin its next commit: at once, or, while nobody waits for a job,
 * once a flush interval. Rule: it decides about time only; whether there is something to commit its owner knows.
 */
export class FlushGate {
  readonly #relaxedMs: number | null;
  /** When the last commit was let through. */
  passedAtMs = 0;

  /** Milliseconds from one commit that nobody waits for to the next; null: none waits. */
  constructor(relaxedMs: number | null) {
    this.#relaxedMs = relaxedMs;
  }

  /** The time from which a commit may begin; 0 = at once. `isAwaited`: a client waits for one of its jobs. */
  dueMs(isAwaited: boolean): number {
    return isAwaited || this.#relaxedMs === null ? 0 : this.passedAtMs + this.#relaxedMs;
  }

  /** A commit begins: the interval counts from now. */
  pass(nowMs: number): void {
    this.passedAtMs = nowMs;
  }
}
