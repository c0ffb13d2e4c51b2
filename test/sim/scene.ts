/** A simulated server with the peers that are connected to it, watched: after every turn the invariants are checked. */
import { keptBytes } from '../support/kept-bytes.ts';
import type { Random } from '../support/random.ts';
import { checkBroker } from './invariants.ts';
import { Ledger } from './peers/ledger.ts';
import { Operator } from './peers/operator.ts';
import type { PeerContext, SimPeer } from './peers/peer.ts';
import { Probe } from './peers/probe.ts';
import type { Plan } from './plan.ts';
import { checkRest, settle } from './rest.ts';
import { brokersOf, ownerOf } from './server/inspect.ts';
import type { Policies } from './server/policies.ts';
import type { SimThread } from './server/sim-thread.ts';
import { World } from './server/world.ts';
import { checkSessions, watchNoops } from './session-invariants.ts';
import { ensure, type Transcript } from './transcript.ts';
import { BrokerWatch } from './watch/broker-watch.ts';

/** A function that only text commands name. */
const EXTRA = 'extra';

export class Scene {
  readonly plan: Plan;
  readonly random: Random;
  readonly world: World;
  readonly ledger: Ledger;
  /** What new peers are made with. */
  readonly context: PeerContext;
  readonly probe: Probe;
  operator: Operator;
  peers: SimPeer[];
  readonly #watches = new Map<SimThread, BrokerWatch>();

  constructor(plan: Plan, random: Random, transcript: Transcript) {
    this.plan = plan;
    this.random = random;
    this.world = new World(plan, transcript, {
      started: (thread, policies) => this.#watch(thread, policies),
      restored: (thread) => this.#watches.get(thread)?.begin(),
      turned: (thread) => this.#check(thread),
      died: (thread) => this.#onDeath(thread),
    });
    this.ledger = new Ledger(this.world);
    this.context = { world: this.world, ledger: this.ledger, random };
    this.probe = new Probe(this.context);
    this.operator = new Operator(this.context);
    this.peers = [this.probe, this.operator];
  }

  add(peer: SimPeer): void {
    this.world.transcript.add(() => `${peer.link.name} connects`);
    this.peers.push(peer);
  }

  /** Some of the functions, at least one. */
  someFunctions(): readonly string[] {
    const { functionNames } = this.plan;
    const some = functionNames.filter(() => this.random.oneIn(2));
    return some.length > 0 ? some : [this.random.pick(functionNames)];
  }

  /** Live jobs. */
  get jobCount(): number {
    return brokersOf(this.world).reduce((sum, { jobs }) => sum + jobs.liveCount, 0);
  }

  get deadCount(): number {
    return brokersOf(this.world).reduce((sum, { jobs }) => sum + jobs.dead, 0);
  }

  /** Runs all that is due now, see `takeOutcomes`. */
  settle(): void {
    settle(this.world, this.peers, this.random);
  }

  /** Comes to rest and checks what must hold there, also by asking the server itself. */
  rest(): void {
    this.settle();
    this.world.spare();
    this.settle();
    this.checkRest();
    if (this.world.living.every(({ core }) => (core.store?.health.uncommitted ?? 0) === 0))
      this.ledger.rested();
    this.probe.act();
    this.settle();
    this.checkRest();
  }

  checkRest(): void {
    checkRest(this.world, this.peers);
    const names = [...this.plan.functionNames, EXTRA];
    for (const [{ index }, watch] of this.#watches)
      watch.checkGates(names.filter((name) => ownerOf(this.world, name) === index));
  }

  /** No gate is closed for good any more, and nobody closes one; half of the times all are opened. */
  openGates(): void {
    this.world.policies.isOver = true;
    if (!this.operator.link.isUp) {
      this.operator = new Operator(this.context);
      this.add(this.operator);
    }
    this.operator.openAll(this.random.oneIn(2));
    this.settle();
  }

  #watch(thread: SimThread, policies: Policies): void {
    const { broker, table } = thread.core;
    watchNoops(table);
    if (broker === null) return;
    const asked = () => this.ledger.askedOf();
    this.#watches.set(thread, new BrokerWatch(broker, asked, policies, thread.storeWatch));
  }

  #check(thread: SimThread): void {
    const { broker, table } = thread.core;
    this.#watches.get(thread)?.check();
    if (broker !== null) checkBroker(broker);
    checkSessions(table);
    table.account.refresh();
    ensure(
      table.account.held === keptBytes(table),
      () => `${table.account.held} bytes counted, ${keptBytes(table)} are kept`,
    );
  }

  #onDeath(thread: SimThread): void {
    this.ledger.shardDied(thread.index, this.#watches.get(thread)?.lastSerial ?? 0);
    this.#watches.delete(thread);
    if (this.random.oneIn(2)) thread.files.kill();
    else thread.files.losePower(this.random);
  }
}
