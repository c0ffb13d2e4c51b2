/**
 * Shards that have died and are being started again. If a store restores their jobs, frames for them wait: reading the
 * connections of these frames is paused until the shard runs or the wait is over. Without a store, frames do not wait.
 * Source: docs/design.md, section 7; src/DECISIONS.md, no. 7.
 */
import type { Frame } from '../../protocol/frame.ts';
import type { Incidents } from '../incidents.ts';
import { hold, type ReplyHost, unhold } from '../replies.ts';
import { Hold, type Session } from '../session.ts';

/** The parts of the session table that restarts need. */
interface RestartHost extends ReplyHost {
  readonly incidents: Incidents;
}

interface ShardRestart {
  /** Monotonic time from which on frames for the shard are refused. */
  readonly endMs: number;
  /** Connections whose next frame is for that shard. */
  readonly waiting: number[];
}

export class ShardRestarts {
  readonly #waitMs: number;
  readonly #restarts = new Map<number, ShardRestart>();

  /** `waitMs`: how long frames wait, counted from the shard's death; 0 = not at all. */
  constructor(waitMs: number) {
    this.#waitMs = waitMs;
  }

  /** Call when a shard has died, also when it dies again before it runs. */
  begin(thread: number, nowMs: number): void {
    if (this.#waitMs === 0 || this.#restarts.has(thread)) return;
    this.#restarts.set(thread, { endMs: nowMs + this.#waitMs, waiting: [] });
  }

  /** Call when the shard runs again: reads the connections that waited for it. */
  end(table: RestartHost, thread: number): void {
    const restart = this.#restarts.get(thread);
    this.#restarts.delete(thread);
    if (restart !== undefined) release(table, restart);
  }

  /** Holds the connection at `frame`, which is for that shard. False when it has waited long enough. */
  hold(table: RestartHost, session: Session, frame: Frame, thread: number): boolean {
    const restart = this.#restarts.get(thread);
    if (restart === undefined || table.incidents.nowMs >= restart.endMs) return false;
    restart.waiting.push(session.conn);
    hold(table, session, Hold.restart, frame.start);
    return true;
  }

  /** Whether the shard is down, and its frames wait or have waited. */
  has(thread: number): boolean {
    return this.#restarts.has(thread);
  }

  /** Resumes connections that have waited long enough; returns when to call again, or Infinity. */
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
