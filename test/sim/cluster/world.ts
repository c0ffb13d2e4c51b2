/** A simulated cluster: servers, NATS, faults, and the drain at the end. */
import { type Beat, decodeBeat } from '../../../src/cluster/beat.ts';
import { Subjects } from '../../../src/cluster/names.ts';
import type { NatsReply, NatsRequest } from '../../../src/cluster/nats.ts';
import { Random } from '../../support/random.ts';
import { Clock } from './clock.ts';
import { SimConnections } from './connections.ts';
import { checkJournal } from './journals.ts';
import { Ledger } from './ledger.ts';
import { SimNats } from './nats.ts';
import type { Fault, Plan } from './plan.ts';
import { SimServer } from './server.ts';

/** A dead server starts again after. */
const RESTART_MS = [200, 1500, 6000] as const;
/** After the faults everything must be done within this time. */
const DRAIN_MS = 30_000;

export class World {
  readonly plan: Plan;
  readonly random: Random;
  readonly clock = new Clock();
  readonly subjects = new Subjects('sim', 2);
  readonly nats: SimNats;
  readonly ledger = new Ledger(
    () => this.clock.nowMs,
    () => {
      for (const server of this.servers) server.noticeLapse();
    },
  );
  /** The present incarnation of each server. */
  readonly servers: SimServer[] = [];
  /** Clients submit. */
  isActive = true;
  readonly #lines: string[] = [];
  #nonces = 0;

  constructor(plan: Plan) {
    this.plan = plan;
    this.random = new Random(plan.seed ^ 0x5eed);
    this.nats = new SimNats(this.clock, this.random, plan, this.subjects);
  }

  log(line: string): void {
    this.#lines.push(`${this.clock.nowMs.toFixed(1)} ${line}`);
  }

  get transcript(): readonly string[] {
    return this.#lines;
  }

  /** Throws when a rule does not hold. */
  run(): void {
    const { plan, clock } = this;
    for (let at = 0; at < plan.serverCount; at++) this.#start(at);
    for (const { server, effects } of plan.deaths) {
      const one = this.servers[server];
      if (one !== undefined) one.effectsLeft = effects;
    }
    for (const fault of plan.faults) clock.after(fault.atMs, () => this.#fault(fault));
    clock.runUntil(plan.activeMs);
    this.isActive = false;
    this.nats.isHealed = true;
    this.nats.cutUntil.clear();
    this.nats.staleUntil.clear();
    this.nats.leaderAtMs = 0;
    for (const server of this.servers) server.effectsLeft = Number.POSITIVE_INFINITY;
    this.log('healed');
    const endMs = clock.nowMs + DRAIN_MS;
    for (let atMs = clock.nowMs; atMs < endMs && !this.#isDone(); atMs += 500)
      clock.runUntil(atMs + 500);
    this.#check();
  }

  serverDied(server: SimServer): void {
    const at = this.servers.indexOf(server);
    if (at < 0) return;
    this.log(`${server.incarnation || server.name} is dead`);
    this.clock.after(this.random.pick(RESTART_MS), () => this.#start(at));
  }

  /** Takes one rule away: the reply that a look gets. */
  shown(server: SimServer, request: NatsRequest, reply: NatsReply): NatsReply {
    if (this.plan.broken !== 'looks-need-not-show-the-own-beat') return reply;
    if (request.kind !== 'lastOfEach' || reply.kind !== 'messages') return reply;
    const own = this.subjects.beat(server.incarnation);
    const messages = reply.messages.filter(({ subject }) => subject !== own);
    return { kind: 'messages', messages: [...messages, ...this.nats.jetStream.messages(own)] };
  }

  /** Takes one rule away: a record that is sent; null = it is not sent. */
  changed<T extends { readonly record: { readonly type: string } }>(sent: T): T | null {
    const { record } = sent;
    if (this.plan.broken === 'nothing-held-is-announced' && record.type === 'held') return null;
    if (this.plan.broken === 'announced-submits-count-as-new' && record.type === 'submit')
      return { ...sent, record: { ...record, firstEpoch: (sent as { epoch?: number }).epoch } };
    return sent;
  }

  #start(at: number): void {
    const { rates } = this.plan;
    const nonce = `p${++this.#nonces}`;
    const server = new SimServer(this, `s${at}`, rates[at] as number, nonce);
    server.connections = new SimConnections(server);
    this.servers[at] = server;
    server.start();
  }

  #fault({ kind, target, forMs }: Fault): void {
    const server = this.servers[target % this.servers.length] as SimServer;
    if (!this.isActive) return;
    this.log(`fault: ${kind} of ${server.incarnation} for ${forMs} ms`);
    const untilMs = this.clock.nowMs + forMs;
    switch (kind) {
      case 'crash':
        server.die();
        break;
      case 'suspend':
        server.suspend(forMs);
        break;
      case 'partition':
        this.nats.cutUntil.set(server.name, untilMs);
        break;
      case 'staleReads':
        this.nats.makeStale(server.name, untilMs);
        break;
      case 'stepDown':
      case 'quorum':
        this.nats.leaderAtMs = untilMs;
        break;
      case 'stop':
        server.turn(() => server.leave());
        break;
      case 'workerGone':
        server.connections.dropWorker();
        break;
      case 'clientGone':
        server.connections.dropClient();
        break;
    }
  }

  #isDone(): boolean {
    if (this.servers.some(({ isDead, lease }) => isDead || !lease.isUp)) return false;
    if (this.servers.some(({ home }) => home.held.length + home.submits.length > 0)) return false;
    if (this.servers.some(({ buckets }) => buckets.some(({ jobs }) => jobs.length > 0)))
      return false;
    return this.ledger.missing().length === 0;
  }

  #check(): void {
    for (let bucket = 0; bucket < this.plan.bucketCount; bucket++) {
      const prefix = this.subjects.journal(bucket);
      const messages = this.nats.jetStream.history(prefix);
      checkJournal(messages.filter(({ subject }) => subject === prefix));
    }
    const missing = this.ledger.missing();
    for (const { incarnation, home, buckets, lease } of this.servers) {
      if (!lease.isUp) missing.push(`${incarnation}: not up`);
      if (home.held.length > 0) missing.push(`${incarnation}: holds ${home.held.length} jobs`);
      if (home.submits.length > 0) missing.push(`${incarnation}: ${home.submits.length} submits`);
      for (const [at, { jobs }] of buckets.entries())
        for (const { key, state } of jobs)
          missing.push(
            `${incarnation}: job ${key.epoch}-${key.serial} of bucket ${at} is ${state}`,
          );
    }
    if (missing.length > 0) throw new Error(`not done after the drain:\n${missing.join('\n')}`);
  }

  /** The last beat of each incarnation, for a report. */
  get beats(): Beat[] {
    const reply = this.nats.jetStream.apply({
      kind: 'lastOfEach',
      prefixes: [this.subjects.beats],
    });
    if (reply.kind !== 'messages') return [];
    return reply.messages.flatMap(({ bytes }) => decodeBeat(bytes) ?? []);
  }
}
