/**
 * GRAB at the home of a worker whose functions may have several owners. Rules:
 * - One owner is asked at a time. An owner that does not answer in time is passed over; the first job that comes while
 *   the GRAB is open is taken, whichever owner sends it, and any other one is returned.
 * - NO_JOB is sent when all owners have refused, or after NO_JOB_MS.
 * - A background job is taken only in the term of the lease in which it was asked for, and while the lease is valid.
 */
import { type Grab, type HomeState, heldText } from './home-state.ts';
import type { OwnerRecord } from './records.ts';

/** How long an owner may take at first, at most in the end, and all together. */
const WAIT_MS_MIN = 100;
const WAIT_MS_MAX = 2000;
const NO_JOB_MS = 2000;

/** What a GRAB reads of the lease of its server. */
export interface TermView {
  isValid(nowMs: number): boolean;
  term(nowMs: number): number;
}

export class HomeGrabs {
  readonly #state: HomeState;
  readonly #lease: TermView;
  /** Smoothed round trip to an incarnation in ms. */
  readonly #roundTripMs: (incarnation: string) => number;
  /** How long each worker last had to wait for an owner. */
  readonly #waits = new Map<number, number>();
  #lastNumber = 0;

  constructor(state: HomeState, lease: TermView, roundTripMs: (incarnation: string) => number) {
    this.#state = state;
    this.#lease = lease;
    this.#roundTripMs = roundTripMs;
  }

  begin(worker: number, buckets: ReadonlyMap<number, readonly string[]>, nowMs: number): void {
    const grab: Grab = {
      worker,
      number: ++this.#lastNumber,
      buckets,
      asked: new Set(),
      refused: new Set(),
      sinceMs: nowMs,
      askedMs: nowMs,
      waitMs: this.#waits.get(worker) ?? WAIT_MS_MIN,
    };
    this.#state.grabs.set(worker, grab);
    this.#askNext(grab, nowMs);
  }

  /** The worker has gone. */
  drop(worker: number): void {
    this.#state.grabs.delete(worker);
    this.#waits.delete(worker);
  }

  /** Another owner has the bucket: it is asked too. */
  routeChanged(bucket: number, nowMs: number): void {
    for (const grab of this.#state.grabs.values()) {
      if (!grab.buckets.has(bucket)) continue;
      grab.refused.delete(bucket);
      grab.asked.delete(bucket);
      this.#askNext(grab, nowMs);
    }
  }

  refuse(worker: number, number: number, bucket: number, nowMs: number): void {
    const grab = this.#state.grabs.get(worker);
    if (grab === undefined || grab.number !== number) return;
    grab.refused.add(bucket);
    if (grab.refused.size < grab.buckets.size) this.#askNext(grab, nowMs);
    else this.#giveUp(grab);
  }

  tick(nowMs: number): void {
    for (const grab of [...this.#state.grabs.values()]) {
      if (nowMs - grab.sinceMs >= NO_JOB_MS) this.#giveUp(grab);
      else if (nowMs - grab.askedMs >= grab.waitMs) this.#askNext(grab, nowMs);
    }
  }

  assign(
    from: string,
    bucket: number,
    epoch: number,
    record: OwnerRecord & { readonly type: 'assign' },
    nowMs: number,
  ): void {
    const { effects, grabs, held, routes } = this.#state;
    const { worker, grab: number, key, assignment, submit, fields, term } = record;
    const known = routes.get(bucket)?.epoch ?? 0;
    const grab = grabs.get(worker);
    const isOpen = grab !== undefined && grab.number === number && epoch === known;
    const isInTerm = this.#lease.isValid(nowMs) && this.#lease.term(nowMs) === term;
    if (grab === undefined || !isOpen || (fields.isBackground && !isInTerm)) {
      if (grab !== undefined && grab.number !== number) this.#slow(worker);
      const back = { type: 'return', key, assignment } as const;
      effects.push({ type: 'send', to: from, bucket, epoch, record: back });
      if (isOpen) this.refuse(worker, number, bucket, nowMs);
      return;
    }
    grabs.delete(worker);
    const job = {
      key,
      bucket,
      assignment,
      worker,
      submit,
      fields,
      packets: [],
      lastNumber: 0,
      isFinished: false,
    };
    held.set(heldText(bucket, key, assignment), job);
    effects.push({ type: 'assign', worker, job });
  }

  /** A job came too late for its GRAB. */
  #slow(worker: number): void {
    const waitMs = this.#waits.get(worker) ?? WAIT_MS_MIN;
    this.#waits.set(worker, Math.min(2 * waitMs, WAIT_MS_MAX));
  }

  #giveUp(grab: Grab): void {
    this.#state.grabs.delete(grab.worker);
    this.#state.effects.push({ type: 'noJob', worker: grab.worker });
  }

  #askNext(grab: Grab, nowMs: number): void {
    for (const [bucket, functionNames] of grab.buckets) {
      const route = this.#state.routes.get(bucket);
      if (route === undefined || grab.asked.has(bucket) || grab.refused.has(bucket)) continue;
      grab.asked.add(bucket);
      grab.askedMs = nowMs;
      const wait = Math.max(this.#waits.get(grab.worker) ?? 0, 4 * this.#roundTripMs(route.owner));
      grab.waitMs = Math.min(WAIT_MS_MAX, Math.max(WAIT_MS_MIN, wait));
      const { worker, number } = grab;
      const term = this.#lease.term(nowMs);
      this.#state.send(bucket, { type: 'grab', worker, grab: number, term, functionNames });
      return;
    }
  }
}
