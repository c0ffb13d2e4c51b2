/**
 * Shards that have died and are being started again. Where a store gives their jobs back, frames for them wait: their
 * connections are not read until the shard runs, or has been absent for too long. Without a store nobody waits.
 * Source: design rules, section 7; src/DECISIONS.md, no. 7.
 */
import type { Frame } from '../../protocol/frame.ts';
import { hold, unhold } from '../replies.ts';
import { Hold, type Session } from '../session.ts';
import type { Home } from '../session-table.ts';

interface Absence {
  /** Monotonic time from which on its frames are refused. */
  readonly endMs: number;
  /** Connections whose next frame is for that shard. */
  readonly waiting: number[];
}

export class Absences {
  readonly #waitMs: number;
  readonly #absences = new Map<number, Absence>();

  /** How long frames wait from the death on; 0 = not at all. */
  constructor(waitMs: number) {
    this.#waitMs = waitMs;
  }

  /** A shard has died, perhaps again before it ran. */
  begin(thread: number, nowMs: number): void {
    if (this.#waitMs === 0 || this.#absences.has(thread)) return;
    this.#absences.set(thread, { endMs: nowMs + this.#waitMs, waiting: [] });
  }

  /** It runs again: who waited for it is read again. */
  end(home: Home, thread: number): void {
    const absence = this.#absences.get(thread);
    this.#absences.delete(thread);
    if (absence !== undefined) release(home, absence);
  }

  /** Holds the connection at `frame`, which is for that shard. False when it has waited enough. */
  hold(home: Home, session: Session, frame: Frame, thread: number): boolean {
    const absence = this.#absences.get(thread);
    if (absence === undefined || home.incidents.nowMs >= absence.endMs) return false;
    absence.waiting.push(session.conn);
    hold(home, session, Hold.absence, frame.start);
    return true;
  }

  /** Whether the shard is absent, and its frames wait or have waited. */
  has(thread: number): boolean {
    return this.#absences.has(thread);
  }

  /** Lets those go on who have waited enough; returns when to call again, or Infinity. */
  tick(home: Home): number {
    let dueMs = Number.POSITIVE_INFINITY;
    for (const absence of this.#absences.values()) {
      if (home.incidents.nowMs >= absence.endMs) release(home, absence);
      else if (absence.waiting.length > 0) dueMs = Math.min(dueMs, absence.endMs);
    }
    return dueMs;
  }
}

function release(home: Home, { waiting }: Absence): void {
  for (const conn of waiting.splice(0)) {
    const session = home.live(conn);
    if (session !== null) unhold(home, session, Hold.absence);
  }
}
