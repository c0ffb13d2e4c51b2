/**
 * One incarnation of a simulated server: lease, buckets, links and the home of its connections, and what a server does around
 * them: it carries effects out, takes the buckets that are its by rendezvous, and gives away those that are not.
 */
import { deserialize, serialize } from 'node:v8';
import { decodeOwner } from '../../../src/cluster/beat.ts';
import { Bucket } from '../../../src/cluster/bucket.ts';
import type { BucketEffect, BucketEvent } from '../../../src/cluster/bucket-events.ts';
import { type HomeEvent, HomeJobs } from '../../../src/cluster/home-jobs.ts';
import type { HomeEffect } from '../../../src/cluster/home-state.ts';
import { Lease, type LeaseEffect, type LeaseEvent } from '../../../src/cluster/lease.ts';
import { Link, type LinkEvent } from '../../../src/cluster/link.ts';
import { decodeLinkMessage } from '../../../src/cluster/link-message.ts';
import { rendezvous } from '../../../src/cluster/names.ts';
import type { Nats, NatsReply, NatsRequest } from '../../../src/cluster/nats.ts';
import type { ToHome, ToOwner } from '../../../src/cluster/records.ts';
import type { SimConnections } from './connections.ts';
import type { World } from './world.ts';

export const TTL_MS = 3000;
const LEASE_TICK_MS = TTL_MS / 6;
const TICK_MS = 100;

type Record = ({ readonly for: 'owner' } & ToOwner) | ({ readonly for: 'home' } & ToHome);

export class SimServer {
  readonly name: string;
  readonly world: World;
  readonly lease: Lease;
  readonly buckets: Bucket[] = [];
  readonly home: HomeJobs;
  connections!: SimConnections;
  isDead = false;
  /** It takes nothing new and ends when nothing is left. */
  isLeaving = false;
  /** Effects that it still carries out; then it dies. */
  effectsLeft = Number.POSITIVE_INFINITY;
  readonly #nats: Nats;
  readonly #rate: number;
  readonly #links = new Map<string, Link>();
  /** It stands still before. */
  #suspendedUntilMs = 0;
  #delayed: (() => void)[] = [];
  #hasInbox = false;
  #isValid = false;
  #lastTurnMs = 0;

  constructor(world: World, name: string, rate: number, nonce: string) {
    this.world = world;
    this.name = name;
    this.#rate = rate;
    this.#nats = world.nats.connect(name);
    const { subjects, plan } = world;
    this.lease = new Lease({ server: name, subjects, ttlMs: TTL_MS, nonce });
    const { lease } = this;
    const isBroken = (rule: string) => plan.broken === rule;
    const term = (nowMs: number) =>
      isBroken('terms-are-ignored') ? Math.min(1, lease.term(nowMs)) : lease.term(nowMs);
    const view = {
      get incarnation() {
        return lease.incarnation;
      },
      get shownSentMs() {
        const isOld = isBroken('announcing-servers-are-known-from-an-old-look');
        return isOld ? Number.POSITIVE_INFINITY : lease.shownSentMs;
      },
      isValid: (nowMs: number) => lease.isValid(nowMs),
      term,
      alive: () => (isBroken('nobody-has-to-announce') ? [] : lease.alive()),
      isDead: (incarnation: string) => lease.isDead(incarnation),
      isGone: (incarnation: string) => lease.isGone(incarnation),
    };
    for (let bucket = 0; bucket < plan.bucketCount; bucket++)
      this.buckets.push(
        new Bucket({
          bucket,
          ownerSubject: subjects.owner(bucket),
          journalSubject: subjects.journal(bucket),
          ttlMs: TTL_MS,
          lease: view,
          purgeBytesMin: plan.purgeBytesMin,
          readMessages: plan.readMessages,
        }),
      );
    const isFree = isBroken('lease-of-the-home-is-ignored');
    this.home = new HomeJobs(
      isFree ? { isValid: () => true, term: () => 1 } : { isValid: view.isValid, term },
      (incarnation) => this.#links.get(incarnation)?.roundTripMs ?? 0,
    );
  }

  get incarnation(): string {
    return this.lease.incarnation;
  }

  get isSuspended(): boolean {
    return this.#suspendedUntilMs > this.world.clock.nowMs;
  }

  /** The monotonic clock of the machine, which goes on while the process stands still. */
  nowMs(): number {
    return 5000 + this.world.clock.nowMs * this.#rate;
  }

  start(): void {
    this.#every(LEASE_TICK_MS, () => {
      this.#lease({ type: 'tick', nowMs: this.nowMs(), isHealthy: true });
    });
    this.#every(TICK_MS, () => this.#tick());
  }

  /** One event; while the process stands still, it waits. */
  turn(run: () => void): void {
    if (this.isDead) return;
    if (this.isSuspended) {
      this.#delayed.push(run);
      return;
    }
    this.noticeLapse();
    run();
    for (const [incarnation, link] of this.#links) this.#flush(incarnation, link);
    this.#lastTurnMs = this.world.clock.nowMs;
    if (!this.#isValid && !this.isDead && this.lease.isValid(this.nowMs())) {
      this.#isValid = true;
      this.world.ledger.leaseIsBack(this.name);
    }
  }

  suspend(forMs: number): void {
    const untilMs = this.world.clock.nowMs + forMs;
    this.#suspendedUntilMs = Math.max(this.#suspendedUntilMs, untilMs);
    this.world.clock.after(forMs, () => {
      if (this.isSuspended) return;
      const delayed = this.#delayed;
      this.#delayed = [];
      // What came meanwhile is there in order, timers between it in any.
      for (const run of delayed) this.turn(run);
    });
  }

  die(): void {
    if (this.isDead) return;
    this.isDead = true;
    this.#nats.close();
    this.world.ledger.died(this.name);
    this.world.serverDied(this);
  }

  toHome(event: HomeEvent): void {
    this.#homeEffects(this.home.step(event));
  }

  leave(): void {
    this.isLeaving = true;
    this.#lease({ type: 'leave' });
  }

  noticeLapse(): void {
    if (this.isDead || !this.#isValid || this.lease.isValid(this.nowMs())) return;
    this.#isValid = false;
    this.world.ledger.leaseIsLost(this.name, this.#lastTurnMs);
  }

  #every(ms: number, run: () => void): void {
    const again = () => {
      if (this.isDead) return;
      this.turn(run);
      this.world.clock.after(ms / this.#rate, again);
    };
    this.world.clock.after(this.world.random.below(ms), again);
  }

  #tick(): void {
    const nowMs = this.nowMs();
    this.toHome({ type: 'tick', nowMs });
    for (const bucket of this.buckets) this.#bucket(bucket, { type: 'tick', nowMs });
    this.connections.tick();
    const isBusy = this.home.held.length > 0 || !this.connections.isQuiet;
    if (this.isLeaving && !isBusy && !this.isDead) this.#lease({ type: 'end' });
  }

  /** Carries out one effect, unless the server dies before. */
  #perform(run: () => void): void {
    if (this.isDead) return;
    if (--this.effectsLeft <= 0) this.die();
    else run();
  }

  #request(request: NatsRequest, done: (reply: NatsReply) => void): void {
    this.#nats.request(request, (reply) => this.turn(() => done(reply)));
  }

  // The lease.

  #lease(event: LeaseEvent): void {
    this.#leaseEffects(this.lease.step(event));
    if (!this.#hasInbox && this.incarnation !== '') {
      this.#hasInbox = true;
      const inbox = this.world.subjects.inbox(this.incarnation);
      this.#nats.listen(inbox, (bytes) => this.turn(() => this.#message(bytes)));
    }
  }

  #leaseEffects(effects: readonly LeaseEffect[]): void {
    for (const effect of effects)
      this.#perform(() => {
        switch (effect.type) {
          case 'request':
            this.#request(effect.request, (reply) => {
              const { id } = effect;
              const shown = this.world.shown(this, effect.request, reply);
              this.#lease({ type: 'reply', id, reply: shown, nowMs: this.nowMs() });
            });
            break;
          case 'up':
            this.world.log(`${this.incarnation} is up`);
            this.connections.open();
            break;
          case 'dead':
            this.world.log(`${this.incarnation} takes ${effect.incarnation} for dead`);
            this.#dead(effect.incarnation);
            break;
          case 'alive':
            this.world.log(`${this.incarnation} sees ${effect.incarnation} again`);
            this.#link(effect.incarnation, { type: 'alive' });
            break;
          case 'looked':
            this.#looked();
            break;
          case 'over':
            this.world.log(`${this.incarnation} is over: ${effect.reason}`);
            this.die();
            break;
        }
      });
  }

  #dead(incarnation: string): void {
    for (const bucket of this.buckets) this.#bucket(bucket, { type: 'dead', incarnation });
    if (this.lease.isGone(incarnation)) this.#links.delete(incarnation);
    else {
      const isHeard = this.world.plan.broken === 'the-dead-are-heard';
      this.#link(incarnation, { type: isHeard ? 'reset' : 'dead' });
    }
  }

  #looked(): void {
    const { lease } = this;
    const nowMs = this.nowMs();
    const keys = new Map(lease.owners.map((key) => [key.bucket, key]));
    for (const [at, bucket] of this.buckets.entries()) {
      const key = keys.get(at);
      if (key !== undefined) {
        this.#bucket(bucket, { type: 'key', owner: key });
        const route = { owner: key.incarnation, epoch: key.epoch };
        this.toHome({ type: 'route', bucket: at, route, nowMs });
      }
      if (!lease.isUp || !lease.isValid(nowMs)) continue;
      const candidates = lease.candidates();
      const first = rendezvous(at, candidates);
      const isOurs = key?.incarnation === this.incarnation;
      const isFree = key === undefined || lease.isDead(key.incarnation);
      if (bucket.phase === 'idle' && (isOurs || (isFree && first === this.incarnation)))
        this.#bucket(bucket, { type: 'claim' });
      else if (bucket.isComplete && first !== null && first !== this.incarnation)
        this.#bucket(bucket, { type: 'handOver', to: first });
    }
  }

  // Links.

  #linkTo(incarnation: string): Link {
    const known = this.#links.get(incarnation);
    if (known !== undefined) return known;
    const options = { messageBytesMax: 8192, recordBytesMax: 1e6 };
    const link = new Link({ incarnation: this.incarnation, ...options });
    this.#links.set(incarnation, link);
    return link;
  }

  #message(bytes: Uint8Array): void {
    const message = decodeLinkMessage(bytes);
    if (message === null) throw new Error('a link message cannot be read');
    if (this.lease.isGone(message.from)) return;
    this.#link(message.from, { type: 'message', message, nowMs: this.nowMs() });
  }

  #flush(incarnation: string, link: Link): void {
    for (const effect of link.step({ type: 'turn', nowMs: this.nowMs() }))
      if (effect.type === 'message')
        this.#perform(() => {
          this.#nats.send(this.world.subjects.inbox(incarnation), effect.bytes);
        });
  }

  #link(incarnation: string, event: LinkEvent): void {
    for (const effect of this.#linkTo(incarnation).step(event))
      this.#perform(() => {
        if (effect.type === 'record') this.#record(incarnation, deserialize(effect.record));
        else if (effect.type === 'reset') {
          for (const bucket of this.buckets) this.#bucket(bucket, { type: 'reset', incarnation });
          this.toHome({ type: 'reset', incarnation });
        }
      });
  }

  #send(to: string, record: Record): void {
    const changed = this.world.changed(record);
    if (changed === null) return;
    if (to === this.incarnation)
      this.world.clock.after(0, () => this.turn(() => this.#record(to, changed)));
    else if (!this.lease.isGone(to)) this.#link(to, { type: 'send', record: serialize(changed) });
  }

  #record(from: string, sent: Record): void {
    const nowMs = this.nowMs();
    if (sent.for === 'owner') {
      const bucket = this.buckets[sent.bucket] as Bucket;
      const { epoch, record } = sent;
      this.#bucket(bucket, { type: 'record', from, epoch, record, nowMs });
    } else {
      const { bucket, record } = sent;
      const isFree = this.world.plan.broken === 'assignments-of-earlier-epochs-are-taken';
      const epoch = isFree ? (this.home.route(bucket)?.epoch ?? 0) : sent.epoch;
      this.toHome({ type: 'record', from, bucket, epoch, record, nowMs });
    }
  }

  // Buckets and home.

  #bucket(bucket: Bucket, event: BucketEvent): void {
    const at = this.buckets.indexOf(bucket);
    for (const effect of bucket.step(event)) this.#perform(() => this.#bucketEffect(at, effect));
  }

  #bucketEffect(at: number, effect: BucketEffect): void {
    const bucket = this.buckets[at] as Bucket;
    switch (effect.type) {
      case 'request':
        this.#request(effect.request, (reply) => {
          this.#bucket(bucket, { type: 'reply', id: effect.id, reply, nowMs: this.nowMs() });
        });
        break;
      case 'send':
        this.#send(effect.to, {
          for: 'home',
          bucket: at,
          epoch: effect.epoch,
          record: effect.record,
        });
        break;
      case 'owned':
        this.world.log(`${this.incarnation} owns bucket ${at} in epoch ${effect.epoch}`);
        break;
      case 'dropped':
        this.world.log(`${this.incarnation} drops bucket ${at}: ${effect.reason}`);
        break;
      case 'expel':
        this.world.log(`${this.incarnation} expels ${effect.incarnation}`);
        this.#lease({ type: 'expel', incarnation: effect.incarnation });
        break;
      case 'stepDown':
        this.world.log(`${this.incarnation} steps down`);
        this.die();
        break;
      case 'error':
        throw new Error(effect.text);
    }
  }

  #homeEffects(effects: readonly HomeEffect[]): void {
    for (const effect of effects)
      this.#perform(() => {
        switch (effect.type) {
          case 'send':
            this.#send(effect.to, {
              for: 'owner',
              bucket: effect.bucket,
              epoch: effect.epoch,
              record: effect.record,
            });
            break;
          case 'readKey':
            this.#readKey(effect.bucket);
            break;
          default:
            this.connections.hear(effect);
        }
      });
  }

  #readKey(bucket: number): void {
    const subject = this.world.subjects.owner(bucket);
    this.#request({ kind: 'last', subject }, (reply) => {
      if (reply.kind !== 'message' || reply.message === null) return;
      const owner = decodeOwner(reply.message.bytes);
      if (owner === null) return;
      const route = { owner: owner.incarnation, epoch: owner.epoch };
      this.toHome({ type: 'route', bucket, route, nowMs: this.nowMs() });
    });
  }
}
