/**
 * Bodies of requests that are being read or have not been taken by the job server: the one place where their bytes are
 * counted, against a limit of their own and as new work in the account of all memory. Rule: when there is no room, the one
 * that has come slowest makes some, if it is slow; so peers who stall, or send a byte now and then, keep nobody out for
 * longer than `WINDOW_MS`.
 */
import type { Account, Holder } from '../base/account.ts';

/** A body is judged by what came in the last whole window, never before it has been there for one. */
const WINDOW_MS = 1_000;
/** Slower ones may have to make room. */
const SLOW_BYTES_PER_SECOND = 1024 * 1024;

/** One body: `giveWay` is called at most once, and must `release` it. */
export class Body {
  bytes = 0;
  #windowBytes = 0;
  #windowAtMs: number;
  /** Bytes a second in the last whole window. */
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
  /** All bodies together: none of them is a connection that could be closed for what it holds. */
  readonly #holder: Holder = { held: 0 };
  /** Those that are being read. */
  readonly #coming = new Set<Body>();

  /** `account` is that of the thread that reads the bodies. */
  constructor(bytesMax: number, account: Account) {
    this.#bytesMax = bytesMax;
    this.#account = account;
  }

  /** Of all bodies, those that wait for the job server included. */
  get bytes(): number {
    return this.#holder.held;
  }

  /** A body begins; it is released when its request has ended. */
  begin(nowMs: number, giveWay: () => void): Body {
    const body = new Body(nowMs, giveWay);
    this.#coming.add(body);
    return body;
  }

  /** Counts a piece of `body`. False: there is no room for it, although slow ones have made room. */
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

  /** All of it has come: it makes no room any more. */
  complete(body: Body): void {
    this.#coming.delete(body);
  }

  /** Nothing of it is kept. */
  release(body: Body): void {
    this.#coming.delete(body);
    if (body.bytes === 0) return;
    this.#account.keep(this.#holder, -body.bytes);
    body.bytes = 0;
    // No turn may follow that would give it back to the other threads.
    this.#account.rebalance();
  }

  /** Bodies come outside of turns, so what is kept is drawn here. */
  #hasRoom(): boolean {
    return this.bytes <= this.#bytesMax && this.#account.admits(0) && this.#account.grow();
  }

  /** Another body that is slow and holds something. Linear in the bodies under way, and only when there is no room. */
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
