/**
 * Reports that no job server can be reached, where the program does not listen for it: without that, a program that
 * waits for a server looks as if it hung. Once for each client or worker, as a warning of the process.
 */
import type { Link } from './link.ts';

/** A server that cannot be reached is soon known; one that only takes its time to answer is waited for. */
const FAILED_MS = 1000;
const SILENT_MS = 3000;

export class UnreachedWarning {
  readonly #what: string;
  readonly #links: () => readonly Link[];
  readonly #isHeard: () => boolean;
  #isStarted = false;
  #isWarned = false;

  /** `what` names the client or worker; `isHeard`: the program listens to `connection` events itself. */
  constructor(what: string, links: () => readonly Link[], isHeard: () => boolean) {
    this.#what = what;
    this.#links = links;
    this.#isHeard = isHeard;
  }

  /** The first connection begins; further calls do nothing. Does not keep the process alive. */
  start(): void {
    if (this.#isStarted) return;
    this.#isStarted = true;
    setTimeout(() => this.#look(FAILED_MS), FAILED_MS).unref();
    setTimeout(() => this.#look(SILENT_MS), SILENT_MS).unref();
  }

  #look(waitedMs: number): void {
    const links = this.#links();
    const isOver = links.some(({ state }) => state === 'ready' || state === 'closed');
    if (this.#isWarned || isOver || this.#isHeard()) return;
    if (waitedMs < SILENT_MS && links.every(({ lastError }) => lastError === null)) return;
    this.#isWarned = true;
    const reasons = links.map(
      ({ label, lastError }) => lastError?.message ?? `job server ${label} has not answered yet`,
    );
    const tried = [...new Set(reasons)].join('; ');
    process.emitWarning(
      `${this.#what}: no job server within ${waitedMs / 1000} s, trying on: ${tried}`,
      'GearmanWarning',
    );
  }
}
