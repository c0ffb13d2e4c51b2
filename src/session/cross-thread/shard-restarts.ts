/**
 * Shards that have died and are being started again. Where a store gives their jobs back, frames for them wait: their
 * connections are not read until the shard runs, or has been absent for too long. Without a store nobody waits.
 * Source: docs/design.md, section 7; src/DECISIONS.md, no. 7.
 */
import type { Frame } from '../../protocol/frame.ts';
import type { Incidents } from '../incidents.ts';
import { hold, type ReplyHost, unhold } from '../replies.ts';
import { Hold, type Session } from '../session.ts';

/** What restarts need of the session table. */
interface RestartHost extends ReplyHost {
  readonly incidents: Incidents;
}

interface ShardRestart {
  /** Monotonic time from which on its frames are refused. */
  readonly endMs: number;
  /** Connections whose next frame is for that shard. */
  readonly waiting: number[];
}

export class ShardRestarts {
  readonly #waitMs: number;
  readonly #restarts = new Map<number, ShardRestart>();

  /** How long frames wait from the death on; 0 = not at all. */
  constructor(waitMs: number) {
    this.#waitMs = waitMs;
  }

  /** A shard has died, perhaps again before it ran. */
  begin(thread: number, nowMs: number): void {
    if (this.#waitMs === 0 || this.#restarts.has(thread)) return;
    this.#restarts.set(thread, { endMs: nowMs + this.#waitMs, waiting: [] });
  }

  /** It runs again: who waited for it is read again. */
  end(table: RestartHost, thread: number): void {
    const restart = this.#restarts.get(thread);
    this.#restarts.delete(thread);
    if (restart !== undefined) release(table, restart);
  }

  /** Holds the connection at `frame`, which is for that shard. False when it has waited enough. */
  hold(table: RestartHost, session: Session, frame: Frame, thread: number): boolean {
    const restart = this.#restarts.get(thread);
    if (restart === undefined || table.incidents.nowMs >= restart.endMs) return false;
    restart.waiting.push(session.conn);
    hold(table, session, Hold.restart, frame.start);
    return true;
  }

  /** Whether the shard is absent, and its frames wait or have waited. */
  has(thread: number): boolean {
    return this.#restarts.has(thread);
  }

  /** Lets those go on who have waited enough; returns when to call again, or Infinity. */
  tick(table: RestartHost): number {
    let dueMs = Number.POSITIVE_INFINITY;
    for (const restart of this.#restarts.values()) {
      if (table.incidents.nowMs >= restart.endMs) release(table, restart);
      else if (restart.waiting.length > 0) dueMs = Math.min(dueMs, restart.endMs);
    }
    return dueMs;
  }
}

function release(table: RestartHost, { waiting }: ShardRestart): void {
  for (const conn of waiting.splice(0)) {
    const session = table.live(conn);
    if (session !== null) unhold(table, session, Hold.restart);
  }
}
