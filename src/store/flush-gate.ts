/**
 * Decides when a store with pending changes may begin its next commit: at once, or, while no client waits for a job,
 * once in each flush interval. Rule: it decides about time only; its owner knows whether there are changes.
 */
export class FlushGate {
  readonly #relaxedMs: number | null;
  /** Time of the last commit. */
  passedAtMs = 0;

  /** Milliseconds between commits without a waiting client; null: no interval. */
  constructor(relaxedMs: number | null) {
    this.#relaxedMs = relaxedMs;
  }

  /** The time from which a commit may begin; 0 = at once. `isAwaited`: a client waits for one of its jobs. */
  dueMs(isAwaited: boolean): number {
    return isAwaited || this.#relaxedMs === null ? 0 : this.passedAtMs + this.#relaxedMs;
  }

  /** A commit begins: the interval restarts. */
  pass(nowMs: number): void {
    this.passedAtMs = nowMs;
  }
}
