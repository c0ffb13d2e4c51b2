/** Logs why jobs are refused: each reason at most once a second, with the number of refusals since. */
import { LogLevel } from '../../base/logger.ts';
import type { StoreHost } from '../store.ts';

const PAUSE_MS = 1_000;
/** At most so many reasons are kept. Normally there are few; more come only if reasons contain variable text. */
const REASONS_MAX = 100;

interface Told {
  atMs: number;
  unsaid: number;
}

export class Reasons {
  readonly #host: StoreHost;
  readonly #told = new Map<string, Told>();

  constructor(host: StoreHost) {
    this.#host = host;
  }

  /** A job was refused for this reason. */
  tell(reason: string): void {
    const nowMs = this.#host.nowMs();
    const told = this.#told.get(reason);
    if (told !== undefined && nowMs - told.atMs < PAUSE_MS) {
      told.unsaid++;
      return;
    }
    const more = told === undefined || told.unsaid === 0 ? '' : ` (and ${told.unsaid} more)`;
    if (this.#told.size >= REASONS_MAX) this.#told.clear();
    this.#told.set(reason, { atMs: nowMs, unsaid: 0 });
    this.#host.log(LogLevel.WARNING, `a background job was refused: ${reason}${more}`);
  }
}
