/**
 * One simulation from a seed: peers act, bytes travel in pieces, threads take turns in any order, time passes, shards
 * die; after every turn the invariants are checked. At the end good workers drain the server and nothing may be left.
 */
import { Random } from '../support/random.ts';
import { BrokerWatch } from './broker-watch.ts';
import { checkHome, sessionsOf, watchNoops } from './home-invariants.ts';
import { brokersOf, runnableCount } from './inspect.ts';
import { checkBroker, checkEmpty } from './invariants.ts';
import { Client } from './peers/client.ts';
import { Ledger } from './peers/ledger.ts';
import type { PeerContext, SimPeer } from './peers/peer.ts';
import { Probe } from './peers/probe.ts';
import { GOOD, type Temper, Worker } from './peers/worker.ts';
import type { Plan } from './plan.ts';
import { checkRest, settle } from './rest.ts';
import { ensure, type Transcript } from './transcript.ts';
import { type SimThread, World } from './world.ts';

/** Steps between two times of rest. */
const REST_STEPS = 60;
const DRAIN_ROUNDS_MAX = 4000;

export class Simulation {
  readonly #plan: Plan;
  readonly #transcript: Transcript;
  readonly #random: Random;
  readonly #watches = new Map<SimThread, BrokerWatch>();
  readonly #world: World;
  readonly #ledger: Ledger;
  readonly #context: PeerContext;
  readonly #probe: Probe;
  #peers: SimPeer[] = [];
  #names = 0;
  /** A thread that gets no turn for a while, so that its rings fill. */
  #stalled = -1;

  constructor(plan: Plan, transcript: Transcript) {
    this.#plan = plan;
    this.#transcript = transcript;
    this.#random = new Random(plan.seed);
    this.#world = new World(plan, transcript, {
      started: (thread) => this.#watch(thread),
      turned: (thread) => this.#check(thread),
      died: (thread) => this.#onDeath(thread),
    });
    this.#ledger = new Ledger(this.#world);
    this.#context = { world: this.#world, ledger: this.#ledger, random: this.#random };
    this.#probe = new Probe(this.#context);
    this.#peers.push(this.#probe);
  }

  /** Throws SimFailure, or whatever the server throws, when a rule does not hold. */
  run(): void {
    for (let i = 0; i < 8; i++) this.#connect();
    for (let step = 1; step <= this.#plan.steps; step++) {
      if (this.#plan.kills.has(step)) this.#kill();
      if (this.#plan.floodStep === step) this.#flood();
      this.#step();
      if (step % REST_STEPS === 0) this.#rest();
    }
    this.#rest();
    this.#drain();
    this.#ledger.checkEnd();
    this.#leave();
  }

  #watch(thread: SimThread): void {
    const { broker, home } = thread.core;
    watchNoops(home);
    if (broker === null) return;
    const isCancelAsked = (serial: number) => this.#ledger.isCancelAsked(thread.index, serial);
    this.#watches.set(thread, new BrokerWatch(broker, isCancelAsked));
  }

  #check(thread: SimThread): void {
    const { broker, home } = thread.core;
    this.#watches.get(thread)?.check();
    if (broker !== null) checkBroker(broker);
    checkHome(home);
  }

  #onDeath(thread: SimThread): void {
    this.#ledger.shardDied(thread.index, this.#watches.get(thread)?.lastSerial ?? 0);
    this.#watches.delete(thread);
  }

  #step(): void {
    const random = this.#random;
    const world = this.#world;
    const { rung } = world.hub;
    const { nowMs, living } = world;
    const due = living.filter((thread) => thread.isDue && thread.index !== this.#stalled);
    const bells = living.filter((thread) => rung.has(thread.index));
    const timers = living.filter(({ timer }) => timer !== null && timer.atMs <= nowMs);
    const outgoing = this.#peers.filter(({ link }) => link.hasOutgoing);
    const incoming = this.#peers.filter(({ link }) => link.hasIncoming);
    const { messages } = world;
    const choose = random.weighted<() => void>([
      [due.length > 0 ? 60 : 0, () => this.#runOne(due)],
      [outgoing.length > 0 ? 40 : 0, () => this.#deliver(random.pick(outgoing))],
      [incoming.length > 0 ? 40 : 0, () => random.pick(incoming).link.receive()],
      [bells.length > 0 ? 20 : 0, () => world.hearBell(random.pick(bells))],
      [timers.length > 0 ? 20 : 0, () => world.fireTimer(random.pick(timers))],
      [messages.length > 0 ? 20 : 0, () => this.#hearSupervisor()],
      [40, () => this.#act()],
      [8, () => world.advance(random.pick([0.3, 1, 2.5, 10, 40, 120, 900, 1700]))],
      [4, () => this.#connect()],
      [2, () => this.#stall()],
      [
        this.#plan.stepsWallClock ? 1 : 0,
        () => world.setWall(random.pick([-4000, -700, 1500, 9000])),
      ],
    ]);
    choose();
  }

  #runOne(due: readonly SimThread[]): void {
    const weights = this.#plan.threadWeights;
    this.#world.run(
      this.#random.weighted(
        due.map((thread) => [weights[thread.index] as number, thread] as const),
      ),
    );
  }

  #flood(): void {
    const hearing = this.#peers.filter(({ link }) => link.isUp && !link.isDeaf);
    this.#random.pick(hearing).flood();
  }

  #stall(): void {
    this.#stalled = this.#random.below(this.#plan.shardCount + 2);
  }

  #deliver({ link }: SimPeer): void {
    const random = this.#random;
    link.deliver(random.pick([1, 5, 11, 12, 13, 30, 200, 4096, 1 << 20]));
  }

  /** Messages reach one thread in order; which thread hears first is open. */
  #hearSupervisor(): void {
    const { messages } = this.#world;
    const { to } = this.#random.pick(messages);
    const at = messages.findIndex((message) => message.to === to);
    messages.splice(at, 1)[0]?.run();
  }

  #act(): void {
    const random = this.#random;
    const isForWorkers = !random.oneIn(4);
    const up = this.#peers.filter(
      (peer) => peer.link.isUp && peer !== this.#probe && peer instanceof Worker === isForWorkers,
    );
    if (up.length > 0) random.pick(up).act();
  }

  #connect(): void {
    this.#peers = this.#peers.filter(({ link }) => !link.isClosed);
    const random = this.#random;
    const { clientsMax, workersMax } = this.#plan;
    const workers = this.#peers.filter((peer) => peer instanceof Worker).length;
    const clients = this.#peers.length - workers - 1;
    if (random.oneIn(2) && clients < clientsMax) {
      const client = new Client(`client${++this.#names}`, this.#context, random.between(3, 25));
      client.link.isDeaf = random.oneIn(12);
      this.#add(client);
    } else if (workers < workersMax) {
      const name = `worker${++this.#names}`;
      this.#add(new Worker(name, this.#context, this.#someFunctions(), this.#temper()));
    }
  }

  #someFunctions(): readonly string[] {
    const { functionNames } = this.#plan;
    const some = functionNames.filter(() => this.#random.oneIn(2));
    return some.length > 0 ? some : [this.#random.pick(functionNames)];
  }

  #add(peer: SimPeer): void {
    this.#transcript.add(() => `${peer.link.name} connects`);
    this.#peers.push(peer);
  }

  #temper(): Temper {
    const random = this.#random;
    if (random.oneIn(3)) return GOOD;
    return {
      isStubborn: random.oneIn(5),
      sleepsAgain: random.oneIn(5),
      polls: random.oneIn(5),
      isHasty: random.oneIn(4),
      isMortal: random.oneIn(3),
      isRogue: random.oneIn(5),
      isFickle: random.oneIn(4),
      isRestless: random.oneIn(3),
      submitsMax: random.oneIn(5) ? 10 : 0,
      heldMax: random.pick([1, 1, 3, 8]),
      slowness: random.pick([1, 2, 6]),
    };
  }

  #kill(): void {
    const random = this.#random;
    this.#world.kill(random.between(1, this.#plan.shardCount), random.pick([0, 0, 1, 2, 3]));
  }

  #rest(): void {
    settle(this.#world, this.#peers, this.#random);
    this.#world.spare();
    settle(this.#world, this.#peers, this.#random);
    checkRest(this.#world, this.#peers);
    this.#probe.act();
    settle(this.#world, this.#peers, this.#random);
    checkRest(this.#world, this.#peers);
  }

  /** Good workers run all that is left, beside some that were woken and never come. */
  #drain(): void {
    const random = this.#random;
    for (const peer of this.#peers) {
      if (!(peer instanceof Worker)) {
        if (peer instanceof Client) peer.stopSubmitting();
      } else if (peer.isBusy || random.oneIn(2)) peer.leave('reset');
      if (peer.link.isDeaf) peer.leave('reset');
    }
    const { functionNames } = this.#plan;
    const good: Worker[] = [];
    for (let round = 0; this.#jobCount > 0; round++) {
      ensure(round < DRAIN_ROUNDS_MAX, () => `${this.#jobCount} jobs are never run`);
      // Under a memory limit a result may cost its worker the connection.
      while (good.filter(({ link }) => link.isUp).length < 3) {
        const name = `good${good.length + 1}`;
        // Every third one offers only some, so that it asks owners in vain.
        const names = good.length % 3 < 2 ? functionNames : this.#someFunctions();
        good.push(new Worker(name, this.#context, names, GOOD));
        this.#add(good.at(-1) as Worker);
      }
      for (const worker of good) worker.act();
      if (round % 8 === 0) this.#grabAtRest(good);
      this.#world.advance(random.pick([0.5, 5, 50]));
      settle(this.#world, this.#peers, random);
      if (round % 20 === 0) checkRest(this.#world, this.#peers);
    }
    this.#rest();
  }

  /** When nothing is on its way, a GRAB gets a job if there is one for the worker, whoever owns it. */
  #grabAtRest(good: readonly Worker[]): void {
    settle(this.#world, this.#peers, this.#random);
    const idle = good.filter((one) => one.link.isUp && !one.isBusy);
    if (idle.length === 0) return;
    const worker = this.#random.pick(idle);
    if (runnableCount(this.#world, worker.functionNames) === 0) return;
    worker.grabNow();
    settle(this.#world, this.#peers, this.#random);
    ensure(worker.isBusy, () => `${worker.link.name} grabs in vain although a job is runnable`);
  }

  get #jobCount(): number {
    return brokersOf(this.#world).reduce((sum, { jobs }) => sum + jobs.table.count, 0);
  }

  /** Everybody leaves: nothing of anybody may be left. */
  #leave(): void {
    const world = this.#world;
    for (const { link } of this.#peers) link.leave(this.#random.pick(['reset', 'end']), false);
    for (let i = 0; i < 3; i++) {
      settle(world, this.#peers, this.#random);
      world.advance(5000);
    }
    for (const broker of brokersOf(world)) checkEmpty(broker);
    for (const { index, core, blobKib } of world.living) {
      const { home } = core;
      const left = [sessionsOf(home).length, home.farPeers.size, home.questions.size, blobKib];
      ensure(
        left.every((count) => count === 0),
        () => `thread ${index} is left with ${left} (sessions, far peers, questions, KiB of blobs)`,
      );
    }
    ensure(world.registry.count === 0, () => `${world.registry.count} sockets are open`);
    // What a shard had taken of the memory is known only to itself.
    if (world.deaths.length > 0) return;
    ensure(world.memoryTaken[0] === 0, () => `${world.memoryTaken[0]} MiB are never given back`);
  }
}
