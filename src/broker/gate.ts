/**
 * The gate of one function: how many of its jobs may start now. Pause, concurrency and rate close it. Only functions
 * with a policy, and functions that were paused or drained, have one.
 *
 * The rate is one time: that of the next start, `#nextMs`. A start moves it by the interval. While no job waits, it
 * falls behind the clock by at most the burst; while jobs wait, by LATE_MS more, so that late timers and the way of a
 * woken worker do not lower the rate.
 */
import type { GateSettings } from '../policy/gate-settings.ts';

/** How much lateness is made up for. */
const LATE_MS = 100;
/** A start may come by this part of an interval too early, so that no rounded time delays it by a turn. */
const ROUNDING = 1e-6;

/** Why jobs of a function wait although workers might take them; `open` = they do not. */
export type GateState = 'open' | 'paused' | 'concurrency' | 'rate';

export class Gate {
  #settings: GateSettings;
  #nextMs = Number.NEGATIVE_INFINITY;
  #nowMs = 0;

  constructor(settings: GateSettings, nowMs: number) {
    this.#settings = settings;
    this.advance(nowMs, false);
  }

  /** The wait for the next start is at most the new interval. */
  change(settings: GateSettings, nowMs: number): void {
    this.#settings = settings;
    this.#nextMs = Math.min(this.#nextMs, nowMs + settings.intervalMs);
    this.advance(nowMs, false);
  }

  /** New jobs are refused. */
  get isDraining(): boolean {
    return this.#settings.isDraining;
  }

  /** Sets the time; `isWaiting`: jobs have been waiting until now. */
  advance(nowMs: number, isWaiting: boolean): void {
    const { intervalMs, burst } = this.#settings;
    this.#nowMs = nowMs;
    const savedMs = (burst - 1) * intervalMs + (isWaiting ? LATE_MS : 0);
    this.#nextMs = Math.max(this.#nextMs, nowMs - savedMs);
  }

  /** A job starts. */
  start(): void {
    this.#nextMs += this.#settings.intervalMs;
  }

  /** Jobs that may start now beside `assigned` running ones; maybe Infinity. */
  room(assigned: number): number {
    const { concurrency, intervalMs, isPaused } = this.#settings;
    if (isPaused) return 0;
    const slots = concurrency === 0 ? Number.POSITIVE_INFINITY : concurrency - assigned;
    const starts = intervalMs === 0 ? Number.POSITIVE_INFINITY : this.#starts;
    return Math.max(0, Math.min(slots, starts));
  }

  /** When the rate lets the next job start, if nothing else closes the gate; Infinity otherwise. */
  opensAtMs(assigned: number): number {
    return this.stateAt(assigned) === 'rate' ? this.#nextMs : Number.POSITIVE_INFINITY;
  }

  /** Why it is closed with `assigned` running jobs. */
  stateAt(assigned: number): GateState {
    const { concurrency, intervalMs, isPaused } = this.#settings;
    if (isPaused) return 'paused';
    if (concurrency > 0 && assigned >= concurrency) return 'concurrency';
    return intervalMs > 0 && this.#starts === 0 ? 'rate' : 'open';
  }

  get #starts(): number {
    const intervals = (this.#nowMs - this.#nextMs) / this.#settings.intervalMs;
    return Math.max(0, Math.floor(intervals + 1 + ROUNDING));
  }
}
