/**
 * Reports that no job server can be reached, where the program does not listen for it: without that, a program that
 * waits for a server looks as if it hung. Once for each client or worker, as a warning of the process.
 */
import type { Link } from './link.ts';

/** Longer than servers need to answer, short for whoever waits at a terminal. */
const PATIENCE_MS = 1000;

export class UnreachedWarning {
  readonly #what: string;
  readonly #links: () => readonly Link[];
  readonly #isHeard: () => boolean;
  #isStarted = false;

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
    setTimeout(() => this.#look(), PATIENCE_MS).unref();
  }

  #look(): void {
    const links = this.#links();
    if (this.#isHeard() || links.some(({ state }) => state === 'ready' || state === 'closed'))
      return;
    const reasons = links.map(
      ({ label, lastError }) => lastError?.message ?? `job server ${label} has not answered yet`,
    );
    const tried = [...new Set(reasons)].join('; ');
    process.emitWarning(
      `${this.#what}: no job server within ${PATIENCE_MS / 1000} s, trying on: ${tried}`,
      'GearmanWarning',
    );
  }
}
