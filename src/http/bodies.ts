/**
 * Request bodies that are being read, or that the job server has not taken yet: the only place that counts their bytes,
 * against a limit of their own and as new work in the account of all memory. Rule: when there is no room, the slowest
 * body is dropped if it is too slow. So peers that stall, or send a byte from time to time, block others no longer than
 * `WINDOW_MS`.
 */
import type { Account, Holder } from '../base/account.ts';

/**
 * The speed of a body is measured over windows of this length; a body is not dropped before its first window is over.
 */
const WINDOW_MS = 1_000;
/** Slower bodies may be dropped to make room. */
const SLOW_BYTES_PER_SECOND = 1024 * 1024;

/** One body. `giveWay` is called at most once, to drop the body, and must `release` it. */
export class Body {
  bytes = 0;
  #windowBytes = 0;
  #windowAtMs: number;
  /** Bytes a second in the last complete window. */
  #rate = Number.POSITIVE_INFINITY;
  readonly giveWay: () => void;

  constructor(nowMs: number, giveWay: () => void) {
    this.#windowAtMs = nowMs;
    this.giveWay = giveWay;
  }

  add(bytes: number, nowMs: number): void {
    this.rateAt(nowMs);
    this.bytes += bytes;
    this.#windowBytes += bytes;
  }

  rateAt(nowMs: number): number {
    const elapsedMs = nowMs - this.#windowAtMs;
    if (elapsedMs >= WINDOW_MS) {
      this.#rate = (this.#windowBytes * 1000) / elapsedMs;
      this.#windowBytes = 0;
      this.#windowAtMs = nowMs;
    }
    return this.#rate;
  }
}

export class Bodies {
  readonly #bytesMax: number;
  readonly #account: Account;
  /** One holder for all bodies: a single body is not a connection that could be closed for its memory. */
  readonly #holder: Holder = { held: 0 };
  /** Bodies that are being read. */
  readonly #coming = new Set<Body>();

  /** `account` is that of the thread that reads the bodies. */
  constructor(bytesMax: number, account: Account) {
    this.#bytesMax = bytesMax;
    this.#account = account;
  }

  /** Bytes of all bodies, including those that wait for the job server. */
  get bytes(): number {
    return this.#holder.held;
  }

  /** Begins a body; release it when its request has ended. */
  begin(nowMs: number, giveWay: () => void): Body {
    const body = new Body(nowMs, giveWay);
    this.#coming.add(body);
    return body;
  }

  /** Counts a piece of `body`. False when there is no room even after slow bodies were dropped. */
  take(body: Body, bytes: number, nowMs: number): boolean {
    body.add(bytes, nowMs);
    this.#account.keep(this.#holder, bytes);
    while (!this.#hasRoom()) {
      const slowest = this.#slowest(body, nowMs);
      if (slowest === null) return false;
      slowest.giveWay();
      this.release(slowest);
    }
    return true;
  }

  /** The body is complete: it is not dropped any more. */
  complete(body: Body): void {
    this.#coming.delete(body);
  }

  /** The body's memory is released. */
  release(body: Body): void {
    this.#coming.delete(body);
    if (body.bytes === 0) return;
    this.#account.keep(this.#holder, -body.bytes);
    body.bytes = 0;
    // Gives it back to the other threads now; there may be no next turn.
    this.#account.rebalance();
  }

  /** Whether there is room. Bodies arrive outside of turns, so this also draws their memory. */
  #hasRoom(): boolean {
    return this.bytes <= this.#bytesMax && this.#account.admits(0) && this.#account.grow();
  }

  /** The slowest other body that holds bytes. Linear in the bodies, and only when there is no room. */
  #slowest(newcomer: Body, nowMs: number): Body | null {
    let slowest: Body | null = null;
    let least = SLOW_BYTES_PER_SECOND;
    for (const body of this.#coming) {
      const rate = body.rateAt(nowMs);
      if (body === newcomer || body.bytes === 0 || rate >= least) continue;
      slowest = body;
      least = rate;
    }
    return slowest;
  }
}
