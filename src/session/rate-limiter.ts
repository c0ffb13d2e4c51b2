/**
 * How fast one connection may send (`--max-packet-rate`, `--max-byte-rate`). Who has spent more than a second's worth is
 * not read for a while, at least a tenth of a second; nothing is dropped and nobody is refused.
 */
import { DeadlineHeap } from '../base/deadline-heap.ts';
import type { Frame } from '../protocol/frame.ts';
import { Incident } from './incidents.ts';
import { hold, unhold } from './replies.ts';
import { contextOf, Hold, type Session } from './session.ts';
import type { Home } from './session-table.ts';

/** A pause lasts until so much of a second's worth is there again. */
const SHARE = 0.1;

/** What a connection may still send now. */
export interface Allowance {
  packets: number;
  bytes: number;
  /** Monotonic time of these figures. */
  atMs: number;
}

export class Pace {
  readonly #packetRate: number;
  readonly #byteRate: number;
  readonly #pauses = new DeadlineHeap();

  /** By second; 0 = no limit. */
  constructor(packetRate: number, byteRate: number) {
    this.#packetRate = packetRate === 0 ? Number.POSITIVE_INFINITY : packetRate;
    this.#byteRate = byteRate === 0 ? Number.POSITIVE_INFINITY : byteRate;
  }

  /** A frame of `session` with so many bytes has been handled; it ends at `end` of the arena. */
  spend(home: Home, session: Session, bytes: number, end: number): void {
    if (home.live(session.conn) !== session) return;
    const allowance = this.#allowanceOf(session, home.incidents.nowMs);
    allowance.packets -= 1;
    allowance.bytes -= bytes;
    if (allowance.packets >= 0 && allowance.bytes >= 0) return;
    if ((session.holds & Hold.pace) !== 0) return;
    const seconds = Math.max(
      SHARE - share(allowance.packets, this.#packetRate),
      SHARE - share(allowance.bytes, this.#byteRate),
    );
    hold(home, session, Hold.pace, end);
    if (this.#pauses.has(session.conn)) this.#pauses.remove(session.conn);
    this.#pauses.insert(session.conn, allowance.atMs + seconds * 1000);
    const { address, port } = session;
    const text = `pause connection ${address}:${port}: it sends faster than --max-packet-rate or --max-byte-rate`;
    home.incidents.report(Incident.rateLimit, text, contextOf(session));
  }

  /** Reads those again whose pause is over; returns when to call again, or Infinity. */
  tick(home: Home): number {
    const { nowMs } = home.incidents;
    while (this.#pauses.peekAt() <= nowMs) {
      const session = home.live(this.#pauses.peekId());
      this.#pauses.pop();
      if (session !== null) unhold(home, session, Hold.pace);
    }
    return this.#pauses.peekAt();
  }

  #allowanceOf(session: Session, nowMs: number): Allowance {
    session.allowance ??= { packets: this.#packetRate, bytes: this.#byteRate, atMs: nowMs };
    const { allowance } = session;
    const seconds = (nowMs - allowance.atMs) / 1000;
    if (seconds <= 0) return allowance;
    allowance.atMs = nowMs;
    allowance.packets = refilled(allowance.packets, this.#packetRate, seconds);
    allowance.bytes = refilled(allowance.bytes, this.#byteRate, seconds);
    return allowance;
  }
}

/** Bytes of a frame on the wire. Whoever handles it may take its blob away. */
export function bytesOfFrame(frame: Frame): number {
  return frame.end - frame.start + (frame.blob === 0 ? 0 : frame.dataBytes);
}

function refilled(left: number, rate: number, seconds: number): number {
  return rate === Number.POSITIVE_INFINITY ? rate : Math.min(rate, left + rate * seconds);
}

/** What is left, as a part of a second's worth. */
function share(left: number, rate: number): number {
  return rate === Number.POSITIVE_INFINITY ? 1 : left / rate;
}
