/**
 * Limits how fast one connection may send (`--max-packet-rate`, `--max-byte-rate`). When it has used more than a
 * second's allowance, reading is paused for at least a tenth of a second; nothing is dropped or refused.
 */
import { DeadlineHeap } from '../base/deadline-heap.ts';
import type { Frame } from '../protocol/frame.ts';
import { Incident, type Incidents } from './incidents.ts';
import { hold, type ReplyHost, unhold } from './replies.ts';
import { contextOf, Hold, type RateBudget, type Session } from './session.ts';

/** A pause ends when the connection may send this part of its rate per second again. */
const SHARE = 0.1;

/** The parts of the session table that the limit needs. */
interface RateHost extends ReplyHost {
  readonly incidents: Incidents;
}

export class RateLimiter {
  readonly #packetRate: number;
  readonly #byteRate: number;
  readonly #pauses = new DeadlineHeap();

  /** Rates per second; 0 = no limit. */
  constructor(packetRate: number, byteRate: number) {
    this.#packetRate = packetRate === 0 ? Number.POSITIVE_INFINITY : packetRate;
    this.#byteRate = byteRate === 0 ? Number.POSITIVE_INFINITY : byteRate;
  }

  /** Counts a handled frame of `session` with so many bytes; the frame ends at `end` of the arena. */
  spend(table: RateHost, session: Session, bytes: number, end: number): void {
    if (table.live(session.conn) !== session) return;
    const rateBudget = this.#budgetOf(session, table.incidents.nowMs);
    rateBudget.packets -= 1;
    rateBudget.bytes -= bytes;
    if (rateBudget.packets >= 0 && rateBudget.bytes >= 0) return;
    if ((session.holds & Hold.rateLimit) !== 0) return;
    const seconds = Math.max(
      SHARE - share(rateBudget.packets, this.#packetRate),
      SHARE - share(rateBudget.bytes, this.#byteRate),
    );
    hold(table, session, Hold.rateLimit, end);
    if (this.#pauses.has(session.conn)) this.#pauses.remove(session.conn);
    this.#pauses.insert(session.conn, rateBudget.atMs + seconds * 1000);
    const { address, port } = session;
    const text = `pause connection ${address}:${port}: it sends faster than --max-packet-rate or --max-byte-rate`;
    table.incidents.report(Incident.rateLimit, text, contextOf(session));
  }

  /** Resumes connections whose pause is over. Returns the time of the next call, or Infinity. */
  tick(table: RateHost): number {
    const { nowMs } = table.incidents;
    while (this.#pauses.peekAt() <= nowMs) {
      const session = table.live(this.#pauses.peekId());
      this.#pauses.pop();
      if (session !== null) unhold(table, session, Hold.rateLimit);
    }
    return this.#pauses.peekAt();
  }

  #budgetOf(session: Session, nowMs: number): RateBudget {
    session.rateBudget ??= { packets: this.#packetRate, bytes: this.#byteRate, atMs: nowMs };
    const { rateBudget } = session;
    const seconds = (nowMs - rateBudget.atMs) / 1000;
    if (seconds <= 0) return rateBudget;
    rateBudget.atMs = nowMs;
    rateBudget.packets = refilled(rateBudget.packets, this.#packetRate, seconds);
    rateBudget.bytes = refilled(rateBudget.bytes, this.#byteRate, seconds);
    return rateBudget;
  }
}

/** Bytes of a frame on the wire. Read it before a handler takes the blob away. */
export function bytesOfFrame(frame: Frame): number {
  return frame.end - frame.start + (frame.blob === 0 ? 0 : frame.dataBytes);
}

function refilled(left: number, rate: number, seconds: number): number {
  return rate === Number.POSITIVE_INFINITY ? rate : Math.min(rate, left + rate * seconds);
}

/** Which part of the bytes or packets for one second is left. */
function share(left: number, rate: number): number {
  return rate === Number.POSITIVE_INFINITY ? 1 : left / rate;
}
