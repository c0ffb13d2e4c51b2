/**
 * The home of connections: what their clients and workers ask of the owners of buckets. Pure: `step` takes an event
 * and returns effects.
 *
 * Rules:
 * - Whatever an owner must know to go on is kept here until the owner has done its part for good: submits until they are
 *   answered, foreground submits until their final packet, jobs of workers and their packets until `ended`. To a new
 *   owner, and when a link begins anew, all of it is announced, and `done` ends it.
 * - After `done` nothing is taken from owners of earlier epochs: the new one decides anew about all that was announced.
 * - A client gets each packet once: those that were given already are only acknowledged.
 * - A submit without answer for SUBMIT_MS is refused, and canceled until the owner has acknowledged that.
 */
import type { JobKey } from './entries.ts';
import { HomeGrabs, type TermView } from './home-grabs.ts';
import {
  type HeldJob,
  type HomeEffect,
  HomeState,
  type HomeSubmit,
  heldText,
  type Route,
} from './home-state.ts';
import type { JobFields, OwnerRecord } from './records.ts';

/** A client gets QUEUE_ERROR after so long without an answer. */
export const SUBMIT_MS = 30_000;

export type HomeEvent =
  /** This server has read who owns a bucket. */
  | {
      readonly type: 'route';
      readonly bucket: number;
      readonly route: Route;
      readonly nowMs: number;
    }
  | {
      readonly type: 'submit';
      readonly client: number;
      readonly bucket: number;
      readonly fields: JobFields;
      readonly nowMs: number;
    }
  | {
      readonly type: 'grab';
      readonly worker: number;
      readonly buckets: ReadonlyMap<number, readonly string[]>;
      readonly nowMs: number;
    }
  /** A packet of a worker about a job that it has. */
  | {
      readonly type: 'work';
      readonly bucket: number;
      readonly key: JobKey;
      readonly assignment: number;
      readonly isFinal: boolean;
      readonly packet: Uint8Array;
    }
  | { readonly type: 'workerGone'; readonly worker: number }
  | { readonly type: 'clientGone'; readonly client: number }
  /** A record of the owner `from`. */
  | {
      readonly type: 'record';
      readonly from: string;
      readonly bucket: number;
      readonly epoch: number;
      readonly record: OwnerRecord;
      readonly nowMs: number;
    }
  /** The link to an incarnation begins anew. */
  | { readonly type: 'reset'; readonly incarnation: string }
  | { readonly type: 'tick'; readonly nowMs: number };

export class HomeJobs {
  readonly #state = new HomeState();
  readonly #grabs: HomeGrabs;
  /** Buckets whose owner was not ready for what was announced. */
  readonly #unannounced = new Set<number>();

  constructor(lease: TermView, roundTripMs: (incarnation: string) => number) {
    this.#grabs = new HomeGrabs(this.#state, lease, roundTripMs);
  }

  /** Jobs of workers that are not ended, for checks and for a stop in order. */
  get held(): readonly HeldJob[] {
    return [...this.#state.held.values()];
  }

  get submits(): readonly HomeSubmit[] {
    return [...this.#state.submits.values()];
  }

  route(bucket: number): Route | undefined {
    return this.#state.routes.get(bucket);
  }

  step(event: HomeEvent): HomeEffect[] {
    this.#state.effects = [];
    switch (event.type) {
      case 'route':
        this.#setRoute(event.bucket, event.route, event.nowMs);
        break;
      case 'submit':
        this.#submit(event.client, event.bucket, event.fields, event.nowMs);
        break;
      case 'grab':
        this.#grabs.begin(event.worker, event.buckets, event.nowMs);
        break;
      case 'work':
        this.#work(event);
        break;
      case 'workerGone':
        this.#workerGone(event.worker);
        break;
      case 'clientGone':
        this.#clientGone(event.client);
        break;
      case 'record':
        this.#hear(event.from, event.bucket, event.epoch, event.record, event.nowMs);
        break;
      case 'reset':
        for (const [bucket, { owner }] of this.#state.routes)
          if (owner === event.incarnation) this.#announce(bucket);
        break;
      case 'tick':
        this.#tick(event.nowMs);
        break;
    }
    return this.#state.effects;
  }

  #setRoute(bucket: number, route: Route, nowMs: number): void {
    const known = this.#state.routes.get(bucket);
    if (known !== undefined && route.epoch <= known.epoch) return;
    this.#state.routes.set(bucket, route);
    this.#announce(bucket);
    this.#grabs.routeChanged(bucket, nowMs);
  }

  #announce(bucket: number): void {
    const state = this.#state;
    this.#unannounced.delete(bucket);
    for (const submit of state.submits.values())
      if (submit.bucket === bucket) this.#sendSubmit(submit);
    for (const job of state.held.values()) {
      if (job.bucket !== bucket) continue;
      const { key, assignment, worker, submit, fields } = job;
      const { isBackground } = fields;
      const without = { ...fields, workload: new Uint8Array(0), isBackground };
      state.send(bucket, { type: 'held', key, assignment, worker, submit, fields: without });
      for (const packet of job.packets)
        state.send(bucket, { type: 'work', key, assignment, ...packet });
    }
    state.send(bucket, { type: 'done' });
  }

  #submit(client: number, bucket: number, fields: JobFields, nowMs: number): void {
    const state = this.#state;
    const number = ++state.lastNumber;
    const submit: HomeSubmit = {
      number,
      bucket,
      client,
      fields,
      sinceMs: nowMs,
      firstEpoch: 0,
      key: null,
      isCanceled: false,
      assignment: 0,
      packetNumber: 0,
    };
    state.submits.set(number, submit);
    state.unansweredOf(bucket).add(number);
    this.#sendSubmit(submit);
  }

  #sendSubmit(submit: HomeSubmit): void {
    const { number, bucket, key, fields } = submit;
    const route = this.#state.routes.get(bucket);
    if (route === undefined) return;
    const lowest = this.#state.lowest(bucket);
    if (submit.isCanceled) {
      this.#state.send(bucket, { type: 'cancel', number, lowest });
      return;
    }
    if (submit.firstEpoch === 0) submit.firstEpoch = route.epoch;
    const { firstEpoch } = submit;
    this.#state.send(bucket, { type: 'submit', number, lowest, firstEpoch, key, fields });
  }

  #work({ bucket, key, assignment, isFinal, packet }: HomeEvent & { type: 'work' }): void {
    const job = this.#state.held.get(heldText(bucket, key, assignment));
    if (job === undefined || job.isFinished) return;
    const number = ++job.lastNumber;
    job.isFinished = isFinal;
    job.packets.push({ number, isFinal, packet });
    this.#state.send(bucket, { type: 'work', key, assignment, number, isFinal, packet });
  }

  #workerGone(worker: number): void {
    this.#grabs.drop(worker);
    for (const [text, { key, bucket, assignment, ...job }] of this.#state.held) {
      if (job.worker !== worker || job.isFinished) continue;
      this.#state.held.delete(text);
      this.#state.send(bucket, { type: 'lost', key, assignment });
    }
  }

  #clientGone(client: number): void {
    for (const submit of this.#state.submits.values()) {
      if (submit.client !== client || submit.isCanceled) continue;
      const { number, bucket, key, fields } = submit;
      if (fields.isBackground) continue;
      if (key !== null) {
        this.#forget(submit);
        this.#state.send(bucket, { type: 'left', submit: number, key });
      } else this.#cancel(submit);
    }
  }

  #cancel(submit: HomeSubmit): void {
    submit.isCanceled = true;
    this.#sendSubmit(submit);
  }

  #forget({ number, bucket }: HomeSubmit): void {
    this.#state.submits.delete(number);
    this.#state.unansweredOf(bucket).delete(number);
  }

  #hear(from: string, bucket: number, epoch: number, record: OwnerRecord, nowMs: number): void {
    // The owner of the route decides about what was announced to it; an earlier owner must not do so too.
    const isOld = epoch < (this.#state.routes.get(bucket)?.epoch ?? 0);
    if (isOld && record.type !== 'notOwner') return;
    switch (record.type) {
      case 'created':
        this.#created(record.number, record.key);
        break;
      case 'refused':
      case 'canceled':
        this.#refused(record.number);
        break;
      case 'assign':
        this.#grabs.assign(from, bucket, epoch, record, nowMs);
        break;
      case 'noJob':
        this.#grabs.refuse(record.worker, record.grab, bucket, nowMs);
        break;
      case 'result':
        this.#result(from, bucket, epoch, record);
        break;
      case 'delivered': {
        const job = this.#state.held.get(heldText(bucket, record.key, record.assignment));
        // The final packet is kept until `ended`.
        if (job !== undefined)
          job.packets = job.packets.filter((one) => one.isFinal || one.number > record.number);
        break;
      }
      case 'ended':
        if (this.#state.held.delete(heldText(bucket, record.key, record.assignment)))
          this.#state.effects.push({ ...record, bucket });
        break;
      case 'notOwner':
        this.#notOwner(bucket, epoch, record, nowMs);
        break;
    }
  }

  #created(number: number, key: JobKey): void {
    const submit = this.#state.submits.get(number);
    if (submit === undefined || submit.isCanceled || submit.key !== null) return;
    submit.key = key;
    this.#state.unansweredOf(submit.bucket).delete(number);
    this.#state.effects.push({ type: 'answer', client: submit.client, number, key });
    if (submit.fields.isBackground) this.#state.submits.delete(number);
  }

  #refused(number: number): void {
    const submit = this.#state.submits.get(number);
    if (submit === undefined || submit.key !== null) return;
    this.#forget(submit);
    if (submit.isCanceled) return;
    this.#state.effects.push({ type: 'answer', client: submit.client, number, key: null });
  }

  #result(
    from: string,
    bucket: number,
    epoch: number,
    record: OwnerRecord & { readonly type: 'result' },
  ): void {
    const { submit: number, key, assignment, number: packetNumber, isFinal, packet } = record;
    const { effects, submits } = this.#state;
    const got = { type: 'got', submit: number, key, assignment, number: packetNumber } as const;
    effects.push({ type: 'send', to: from, bucket, epoch, record: got });
    const submit = submits.get(number);
    if (submit === undefined || submit.isCanceled) return;
    this.#created(number, key);
    // The owner may take the final packet of an earlier run for a job that is queued again.
    if (assignment < submit.assignment && !isFinal) return;
    if (assignment !== submit.assignment) submit.packetNumber = 0;
    submit.assignment = assignment;
    if (packetNumber <= submit.packetNumber) return;
    submit.packetNumber = packetNumber;
    effects.push({ type: 'result', client: submit.client, number, isFinal, packet });
    if (isFinal) this.#forget(submit);
  }

  #notOwner(
    bucket: number,
    epoch: number,
    { known, grab, worker }: OwnerRecord & { readonly type: 'notOwner' },
    nowMs: number,
  ): void {
    const own = this.#state.routes.get(bucket)?.epoch ?? 0;
    if (grab > 0) this.#grabs.refuse(worker, grab, bucket, nowMs);
    if (known > own) this.#state.effects.push({ type: 'readKey', bucket });
    else if (epoch === own) this.#unannounced.add(bucket);
  }

  #tick(nowMs: number): void {
    for (const bucket of [...this.#unannounced]) this.#announce(bucket);
    this.#grabs.tick(nowMs);
    for (const submit of this.#state.submits.values()) {
      if (submit.isCanceled || submit.key !== null || nowMs - submit.sinceMs < SUBMIT_MS) continue;
      const { client, number } = submit;
      this.#state.effects.push({ type: 'answer', client, number, key: null });
      this.#cancel(submit);
    }
  }
}
