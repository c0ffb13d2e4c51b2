/**
 * One simulation from a seed: peers act, bytes travel in pieces, threads take turns in any order, time passes, shards
 * die. At the end good workers drain the server, everybody leaves, and nothing may be left.
 */
import { Random } from '../support/random.ts';
import { drain, leaveAll } from './drain.ts';
import { Client } from './peers/client.ts';
import type { SimPeer } from './peers/peer.ts';
import { temperOf } from './peers/temper.ts';
import { Worker } from './peers/worker.ts';
import type { Plan } from './plan.ts';
import { Scene } from './scene.ts';
import type { SimThread } from './server/sim-thread.ts';
import type { Transcript } from './transcript.ts';

/** Steps between two times of rest. */
const REST_STEPS = 60;
const PEERS_AT_START = 8;

/** Throws SimFailure, or whatever the server throws, when a rule does not hold. */
export function simulate(plan: Plan, transcript: Transcript): void {
  const random = new Random(plan.seed);
  const scene = new Scene(plan, random, transcript);
  new Simulation(scene).run();
  drain(scene);
  scene.ledger.checkEnd();
  leaveAll(scene);
}

class Simulation {
  readonly #scene: Scene;
  readonly #random: Random;
  #names = 0;
  /** A thread that gets no turn for a while, so that its rings fill. */
  #stalled = -1;
  #diskKills: number;

  constructor(scene: Scene) {
    this.#scene = scene;
    this.#random = scene.random;
    this.#diskKills = scene.plan.diskKills;
  }

  run(): void {
    const { plan } = this.#scene;
    for (let i = 0; i < PEERS_AT_START; i++) this.#connect();
    for (let step = 1; step <= plan.steps; step++) {
      if (plan.kills.has(step)) this.#kill();
      if (plan.floodStep === step) this.#flood();
      this.#step();
      if (step % REST_STEPS === 0) this.#scene.rest();
    }
    this.#scene.rest();
  }

  #step(): void {
    const random = this.#random;
    const { world, peers, plan } = this.#scene;
    const { rung } = world.hub;
    const { nowMs, living, messages } = world;
    const due = living.filter((thread) => thread.isDue && thread.index !== this.#stalled);
    const bells = living.filter((thread) => rung.has(thread.index));
    const timers = living.filter(({ timer }) => timer !== null && timer.atMs <= nowMs);
    const outgoing = peers.filter(({ link }) => link.hasOutgoing);
    const incoming = peers.filter(({ link }) => link.hasIncoming);
    const disks = living.filter(({ files }) => !files.isIdle);
    // What happens beside a restart is rare otherwise.
    const operatorWeight = world.deaths.every((death) => death.isOver) ? 5 : 60;
    const setWall = () => world.setWall(random.pick([-4000, -700, 1500, 9000]));
    const choose = random.weighted<() => void>([
      [due.length > 0 ? 60 : 0, () => this.#runOne(due)],
      [outgoing.length > 0 ? 40 : 0, () => this.#deliver(random.pick(outgoing))],
      [incoming.length > 0 ? 40 : 0, () => random.pick(incoming).link.receive()],
      [bells.length > 0 ? 20 : 0, () => world.hearBell(random.pick(bells))],
      [timers.length > 0 ? 20 : 0, () => world.fireTimer(random.pick(timers))],
      [disks.length > 0 ? 30 : 0, () => this.#useDisk(random.pick(disks))],
      [messages.length > 0 ? 20 : 0, () => this.#hearSupervisor()],
      [40, () => this.#act()],
      [8, () => world.advance(random.pick([0.3, 1, 2.5, 10, 40, 120, 900, 1700]))],
      [4, () => this.#connect()],
      [plan.hasOperators ? operatorWeight : 0, () => this.#scene.operator.act()],
      [2, () => this.#stall()],
      [plan.stepsWallClock ? 1 : 0, setWall],
    ]);
    choose();
  }

  #runOne(due: readonly SimThread[]): void {
    const { world, plan } = this.#scene;
    const weight = ({ index }: SimThread) => plan.threadWeights[index] as number;
    world.run(this.#random.weighted(due.map((thread) => [weight(thread), thread] as const)));
  }

  /** One operation of a disk; now and then the last one before its shard dies. */
  #useDisk(thread: SimThread): void {
    thread.files.step();
    if (this.#diskKills === 0 || thread.index === 0) return;
    const jobs = thread.core.broker?.jobs;
    const hasFailed = jobs !== undefined && jobs.dead + jobs.retryTimes.size > 0;
    if (!this.#random.oneIn(hasFailed ? 8 : 40)) return;
    this.#diskKills--;
    this.#scene.world.kill(thread.index, 0);
  }

  #deliver({ link }: SimPeer): void {
    link.deliver(this.#random.pick([1, 5, 11, 12, 13, 30, 200, 4096, 1 << 20]));
  }

  /** Messages reach one thread in order; which thread hears first is open. */
  #hearSupervisor(): void {
    const { messages } = this.#scene.world;
    const { to } = this.#random.pick(messages);
    const at = messages.findIndex((message) => message.to === to);
    messages.splice(at, 1)[0]?.run();
  }

  #act(): void {
    const random = this.#random;
    const isForWorkers = !random.oneIn(4);
    const up = this.#clients.filter(
      (peer) => peer.link.isUp && peer instanceof Worker === isForWorkers,
    );
    if (up.length > 0) random.pick(up).act();
  }

  /** Workers are clients too. */
  get #clients(): Client[] {
    return this.#scene.peers.filter((peer) => peer instanceof Client);
  }

  #connect(): void {
    const scene = this.#scene;
    const random = this.#random;
    const { clientsMax, workersMax } = scene.plan;
    scene.peers = scene.peers.filter(({ link }) => !link.isClosed);
    const workers = scene.peers.filter((peer) => peer instanceof Worker).length;
    const clients = this.#clients.length - workers;
    if (random.oneIn(2) && clients < clientsMax) {
      const client = new Client(`client${++this.#names}`, scene.context, random.between(3, 25));
      client.link.isDeaf = random.oneIn(12);
      scene.add(client);
    } else if (workers < workersMax) {
      const name = `worker${++this.#names}`;
      scene.add(new Worker(name, scene.context, scene.someFunctions(), temperOf(random)));
    }
  }

  #stall(): void {
    this.#stalled = this.#random.below(this.#scene.plan.shardCount + 2);
  }

  #kill(): void {
    const random = this.#random;
    const { world, plan } = this.#scene;
    world.kill(random.between(1, plan.shardCount), random.pick([0, 0, 1, 2, 3]));
  }

  #flood(): void {
    const hearing = this.#scene.peers.filter(({ link }) => link.isUp && !link.isDeaf);
    const peer = this.#random.pick(hearing);
    if (peer instanceof Client) peer.flood();
  }
}
