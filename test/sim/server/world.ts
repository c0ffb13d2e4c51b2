/**
 * A whole server in one JavaScript thread: acceptor and shards with real sessions, brokers and rings, memory sockets,
 * a clock that stands still until it is told, and a supervisor whose messages arrive when the simulation says so.
 * Rule: nothing happens by itself, so one seed always gives the same run.
 */
import { accountWords } from '../../../src/base/account.ts';
import { bytesOf } from '../../../src/base/bytes.ts';
import { deadWords } from '../../../src/broker/dead-memory.ts';
import type { GateSettings } from '../../../src/policy/gate-settings.ts';
import type { PolicyCommand } from '../../../src/policy/policy-command.ts';
import { shardOfName } from '../../../src/protocol/shard-of.ts';
import { RingReader } from '../../../src/ring/ring.ts';
import { descriptorIn } from '../../../src/session/cross-thread/records.ts';
import { MemoryFiles } from '../../support/memory-files.ts';
import { MemoryRegistry, type MemorySocket } from '../../support/memory-socket.ts';
import type { Plan } from '../plan.ts';
import type { Transcript } from '../transcript.ts';
import { StoreWatch } from '../watch/store-watch.ts';
import { Policies } from './policies.ts';
import { RingHub } from './rings.ts';
import { RESTART_WAIT_MS, SimThread } from './sim-thread.ts';

/** Thrown inside a turn to end its thread there. */
class ThreadDeath extends Error {}

export interface Death {
  readonly shard: number;
  readonly diedAtMs: number;
  /** Every thread has dropped what the dead one was owed. */
  isForgotten: boolean;
  /** Every thread has joined the new one. */
  isOver: boolean;
  overAtMs: number;
}

interface Message {
  readonly to: number;
  readonly run: () => void;
  /** Called instead when the receiver has died. */
  readonly unheard: () => void;
}

export interface WorldEvents {
  /** A thread has been made: at the start, or again after a death. Its store is read behind it. */
  started(thread: SimThread, policies: Policies): void;
  restored(thread: SimThread): void;
  /** A turn has ended in good order. */
  turned(thread: SimThread): void;
  /** Called before its sockets are closed. */
  died(thread: SimThread): void;
}

export class World {
  readonly plan: Plan;
  readonly transcript: Transcript;
  readonly registry = new MemoryRegistry();
  readonly hub: RingHub;
  readonly policies: Policies;
  readonly memoryWords = accountWords(33);
  readonly deadWords = deadWords(33);
  readonly threads: (SimThread | null)[] = [];
  /** By thread. */
  readonly #disks: MemoryFiles[];
  readonly #stores: StoreWatch[];
  /** What the supervisor has said and nobody has heard yet; by receiving thread, in order for each. */
  messages: Message[] = [];
  readonly deaths: Death[] = [];
  nowMs = 5000.25;
  #wallOffsetMs = 1_700_000_000_000;
  /** Greatest wall time there ever was, and when the clock was set last. */
  wallMaxMs = 0;
  wallSetAtMs = Number.NEGATIVE_INFINITY;
  readonly #events: WorldEvents;

  constructor(plan: Plan, transcript: Transcript, events: WorldEvents) {
    this.plan = plan;
    this.transcript = transcript;
    this.#events = events;
    this.#disks = Array.from({ length: plan.shardCount + 1 }, () => new MemoryFiles());
    this.#stores = this.#disks.map(() => new StoreWatch());
    this.hub = new RingHub(plan.shardCount + 1, plan.ringBytes, plan.ringStart);
    this.policies = new Policies(
      plan,
      () => this.wallMs,
      (name) => shardOfName(bytesOf(name), plan.hashSeed, plan.shardCount),
      (settings, done) => (this.threads[0] as SimThread).core.changeGate(settings, done),
    );
    const { book } = this.policies;
    for (let index = 0; index <= plan.shardCount; index++) this.#start(index, book.gatesOf(index));
    for (let index = 0; index <= plan.shardCount; index++) book.started(index);
    this.advance(0);
  }

  get wallMs(): number {
    return Math.floor(this.nowMs + this.#wallOffsetMs);
  }

  get living(): SimThread[] {
    return this.threads.filter((thread) => thread !== null);
  }

  advance(ms: number): void {
    this.nowMs += ms;
    this.transcript.nowMs = this.nowMs;
    this.wallMaxMs = Math.max(this.wallMaxMs, this.wallMs);
  }

  setWall(byMs: number): void {
    this.transcript.add(() => `wall clock is set by ${byMs} ms`);
    this.#wallOffsetMs += byMs;
    this.wallSetAtMs = this.nowMs;
    this.advance(0);
  }

  /** A peer connects at the acceptor. */
  connect(port: number): MemorySocket {
    const { reactor } = this.threads[0] as SimThread;
    return reactor.socketOf(reactor.connect({ port, windowBytes: this.plan.windowBytes }));
  }

  run(thread: SimThread): void {
    thread.isDue = false;
    try {
      thread.reactor.runTurn();
    } catch (error) {
      if (!(error instanceof ThreadDeath)) throw error;
      this.#bury(thread);
      return;
    }
    this.#events.turned(thread);
  }

  fireTimer(thread: SimThread): void {
    const { timer } = thread;
    thread.timer = null;
    timer?.wake();
  }

  hearBell(thread: SimThread): void {
    this.hub.rung.delete(thread.index);
    thread.reactor.requestTurn();
  }

  /** Deaths that are not among those that were over at some time before. */
  deathsSince(before: ReadonlySet<Death>): Death[] {
    return this.deaths.filter((death) => !before.has(death));
  }

  /** Deaths that harm nobody who names a function only now: with a store, its frames wait. */
  harmlessDeaths(): Set<Death> {
    const { hasStore } = this.plan;
    return new Set(this.deaths.filter((death) => death.isOver || (hasStore && death.isForgotten)));
  }

  /** Whether frames for the shard may have waited as long as frames may. */
  wasAbsentLong(shard: number): boolean {
    return this.deaths.some((death) => {
      const endMs = death.isOver ? death.overAtMs : this.nowMs;
      return death.shard === shard && endMs - death.diedAtMs >= RESTART_WAIT_MS;
    });
  }

  /** Ends a shard now, or behind `flushes` flushes of its next turns. */
  kill(shard: number, flushes: number): void {
    const thread = this.threads[shard];
    if (thread == null) return;
    if (flushes === 0) {
      this.#bury(thread);
      return;
    }
    let left = flushes;
    thread.rings.beforePublish = () => {
      if (left-- === 0) throw new ThreadDeath();
    };
  }

  /** Nobody dies who has not died yet. */
  spare(): void {
    for (const { rings } of this.living) rings.beforePublish = () => {};
  }

  /** An operator's command, which the main thread carries out after its turn. */
  command(command: PolicyCommand, done: (answer: string) => void): void {
    this.#tell(0, () => this.policies.run(command, done));
  }

  #start(index: number, gates: readonly GateSettings[]): void {
    const thread = new SimThread(
      this,
      index,
      this.#disks[index] as MemoryFiles,
      this.#stores[index] as StoreWatch,
    );
    this.threads[index] = thread;
    this.#events.started(thread, this.policies);
    thread.core.setGates(gates);
    thread.restore();
    this.#events.restored(thread);
  }

  #bury(thread: SimThread): void {
    const shard = thread.index;
    this.transcript.add(() => `thread ${shard} dies`);
    this.#events.died(thread);
    this.threads[shard] = null;
    void thread.reactor.destroy();
    // What was said to it is never heard; whoever waits for its answer waits no longer.
    for (const message of this.messages.filter(({ to }) => to === shard)) message.unheard();
    this.messages = this.messages.filter(({ to }) => to !== shard);
    const isBusy = this.deaths.some((death) => !death.isOver);
    const death: Death = {
      shard,
      diedAtMs: this.nowMs,
      isForgotten: false,
      isOver: false,
      overAtMs: 0,
    };
    this.deaths.push(death);
    if (!isBusy) this.#replaceNext();
  }

  /** Dead shards are replaced one by one. */
  #replaceNext(): void {
    const death = this.deaths.find(({ isOver }) => !isOver);
    if (death !== undefined) this.#tell(0, () => this.#part(death));
  }

  /** The supervisor in the acceptor's thread, then all shards that live, forget the dead one. */
  #part(death: Death): void {
    const { shard } = death;
    const acceptor = this.threads[0] as SimThread;
    this.#closeUntaken(acceptor, shard);
    this.#leave(acceptor, shard);
    this.#tellShards(
      shard,
      (thread) => this.#leave(thread, shard),
      () => this.#tell(0, () => this.#restart(death)),
    );
  }

  #leave(thread: SimThread, shard: number): void {
    this.transcript.add(() => `thread ${thread.index} forgets shard ${shard}`);
    thread.rings.part(shard);
    thread.core.lose(shard);
  }

  /** Connections that were on their way to the dead shard. */
  #closeUntaken(acceptor: SimThread, shard: number): void {
    const { set } = this.hub;
    const reader = new RingReader(set, 0, shard, { receive: null, ring: () => {} });
    do {
      reader.drain(Number.POSITIVE_INFINITY, (record) => {
        const fd = descriptorIn(record);
        if (fd >= 0) this.registry.close(fd);
      });
      acceptor.rings.writers[shard]?.publish();
    } while (!reader.isEmpty);
  }

  #restart(death: Death): void {
    const { shard } = death;
    death.isForgotten = true;
    this.transcript.add(() => `thread ${shard} is started again`);
    this.hub.reset(shard);
    const gates = this.policies.book.gatesOf(shard);
    // It takes time to start: operators go on meanwhile.
    this.#tell(shard, () => this.#join(death, gates));
  }

  #join(death: Death, gates: readonly GateSettings[]): void {
    const { shard } = death;
    this.#start(shard, gates);
    const join = (thread: SimThread) => {
      this.transcript.add(() => `thread ${thread.index} joins shard ${shard}`);
      thread.rings.join(shard);
      thread.core.regain(shard);
    };
    join(this.threads[0] as SimThread);
    this.policies.book.started(shard);
    this.#tellShards(shard, join, () => {
      death.isOver = true;
      death.overAtMs = this.nowMs;
      this.#replaceNext();
    });
  }

  /** Has all living shards but one do something when they hear of it, then goes on. */
  #tellShards(except: number, run: (thread: SimThread) => void, done: () => void): void {
    const others = this.living.filter(({ index }) => index !== 0 && index !== except);
    let waiting = others.length;
    const heard = () => {
      if (--waiting === 0) done();
    };
    for (const thread of others) {
      const say = () => {
        run(thread);
        heard();
      };
      this.messages.push({ to: thread.index, run: say, unheard: heard });
    }
    if (others.length === 0) done();
  }

  #tell(to: number, run: () => void): void {
    this.messages.push({ to, run, unheard: () => {} });
  }
}
