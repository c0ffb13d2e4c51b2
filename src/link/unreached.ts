/**
 * Reports unreachable job servers when the program does not listen to `connection` events: otherwise a program that
 * waits for a server looks as if it hung. One warning of the process for each client or worker.
 */
import type { ConnectionError } from './errors.ts';
import type { Link } from './link.ts';

/** After this time, connections to unreachable servers have failed; a server that is only slow gets more time. */
const FAILED_MS = 1000;
const SILENT_MS = 3000;

/** Why no server can be reached; null while one is ready, or none has failed yet. */
export function whyUnreachable(links: readonly Link[]): ConnectionError | null {
  if (links.some(({ state }) => state === 'ready')) return null;
  return links.find(({ lastError }) => lastError !== null)?.lastError ?? null;
}

/**
 * Calls `look` after one second, when servers may have failed, and two seconds later, when none has answered in time
 * (`isLast`), until it returns true. Bytes that have arrived are read before each call, so that a busy process does
 * not report too early. Returns a function that cancels; does not keep the process alive.
 */
export function lookForServers(look: (waitedMs: number, isLast: boolean) => boolean): () => void {
  let timer: NodeJS.Timeout | null = null;
  let isOver = false;
  const lookAfter = (waitMs: number, waitedMs: number): void => {
    timer = setTimeout(() => setImmediate(lookNow, waitedMs), waitMs).unref();
  };
  const lookNow = (waitedMs: number): void => {
    const isLast = waitedMs === SILENT_MS;
    if (!isOver && !look(waitedMs, isLast) && !isLast) lookAfter(SILENT_MS - waitedMs, SILENT_MS);
  };
  lookAfter(FAILED_MS, FAILED_MS);
  return () => {
    isOver = true;
    if (timer !== null) clearTimeout(timer);
  };
}

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

  /** Call when the first connection begins; later calls have no effect. Does not keep the process alive. */
  start(): void {
    if (this.#isStarted) return;
    this.#isStarted = true;
    lookForServers((waitedMs, isLast) => this.#look(waitedMs, isLast));
  }

  /** Whether the check is done. */
  #look(waitedMs: number, isLast: boolean): boolean {
    const links = this.#links();
    const isOver = links.some(({ state }) => state === 'ready' || state === 'closed');
    if (isOver || this.#isHeard()) return true;
    if (!isLast && links.every(({ lastError }) => lastError === null)) return false;
    const reasons = links.map(
      ({ label, lastError }) => lastError?.message ?? `job server ${label} has not answered yet`,
    );
    const tried = [...new Set(reasons)].join('; ');
    process.emitWarning(
      `${this.#what}: no job server within ${waitedMs / 1000} s, trying on: ${tried}`,
      'GearmanWarning',
    );
    return true;
  }
}
