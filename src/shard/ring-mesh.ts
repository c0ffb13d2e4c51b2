/**
 * The connections between the threads of a server: rings in shared memory, ports for large records, and a doorbell for
 * each thread. The main thread makes them; each thread takes its ends. Rule: doorbells live as long as the server, even
 * when threads die.
 */
import { MessageChannel, type MessagePort, receiveMessageOnPort } from 'node:worker_threads';
import type { NativeFunctions, Reactor } from '../native/contract.ts';
import {
  asleepWord,
  createRingSet,
  epochWord,
  levelWord,
  type RingSet,
  readWord,
  resetThread,
  writeWord,
} from '../ring/layout.ts';
import { RingReader, RingWriter } from '../ring/ring.ts';
import type { ThreadRings } from './publishing.ts';

/** One thread's ends towards another thread. Ports of a dead thread are replaced. */
export interface PeerWires {
  /** Large records to and from the other thread; neither port may get a listener. */
  readonly largeOut: MessagePort;
  readonly largeIn: MessagePort;
  /** Doorbells without the addon: to the other thread, and from it. */
  readonly bellOut: MessagePort;
  readonly bellIn: MessagePort;
}

/** Everything that a thread needs to join the rings. */
export interface ThreadWires {
  readonly thread: number;
  readonly set: RingSet;
  /** By thread; null for the thread itself. */
  readonly peers: (PeerWires | null)[];
  /** Event descriptors by thread, or null with the TypeScript core. */
  readonly doorbells: readonly number[] | null;
}

/** Word in which `thread` publishes its number of connections, beside its level. */
function connectionWord(thread: number): number {
  return levelWord(thread) + 1;
}

/** Word in which `thread` publishes its number of jobs. */
function jobWord(thread: number): number {
  return levelWord(thread) + 2;
}

/** Bytes that wait in the ring from one thread to another. */
export interface RingDepth {
  readonly from: number;
  readonly to: number;
  readonly bytes: number;
}

/** The main thread's side: makes rings, ports and doorbells. */
export class RingMesh {
  readonly set: RingSet;
  readonly #doorbells: readonly number[] | null;
  readonly #functions: NativeFunctions;
  readonly #threadCount: number;
  /** Ends that no thread has taken yet, by (thread, other). */
  readonly #ends = new Map<string, PeerWires>();

  constructor(threadCount: number, functions: NativeFunctions, isNative: boolean) {
    this.#threadCount = threadCount;
    this.#functions = functions;
    this.set = createRingSet(threadCount);
    this.#doorbells = isNative
      ? Array.from({ length: threadCount }, () => functions.doorbellCreate())
      : null;
    for (let a = 0; a < threadCount; a++)
      for (let b = a + 1; b < threadCount; b++) this.#connect(a, b);
  }

  /** Empties the rings of `thread`, which has died, and makes new ports to all others; `wiresOf` hands them out. */
  renew(thread: number): void {
    resetThread(this.set, thread);
    Atomics.store(this.set.words, connectionWord(thread), 0);
    Atomics.store(this.set.words, jobWord(thread), 0);
    for (let other = 0; other < this.#threadCount; other++)
      if (other !== thread) this.#connect(thread, other);
  }

  /** Jobs of `thread` at the end of its last turn, also when it has died since; call it before `renew`. */
  jobsOf(thread: number): number {
    return Atomics.load(this.set.words, jobWord(thread)) >>> 0;
  }

  /** The ends of one thread with their transfer list; they can be taken once. */
  wiresOf(thread: number): { wires: ThreadWires; transfer: MessagePort[] } {
    const peers: (PeerWires | null)[] = [];
    const transfer: MessagePort[] = [];
    for (let other = 0; other < this.#threadCount; other++) {
      const ends = other === thread ? null : this.takeEnds(thread, other);
      peers.push(ends);
      if (ends !== null) transfer.push(...portsOf(ends));
    }
    return { wires: { thread, set: this.set, peers, doorbells: this.#doorbells }, transfer };
  }

  /** The end of `thread` towards `other`. */
  takeEnds(thread: number, other: number): PeerWires {
    const ends = this.#ends.get(`${thread}-${other}`) as PeerWires;
    this.#ends.delete(`${thread}-${other}`);
    return ends;
  }

  /** Bytes that wait in the ring of each ordered pair of threads. */
  depths(): RingDepth[] {
    const { words } = this.set;
    const depths: RingDepth[] = [];
    for (let from = 0; from < this.#threadCount; from++)
      for (let to = 0; to < this.#threadCount; to++) {
        if (from === to) continue;
        const read = Atomics.load(words, readWord(from, to));
        const bytes = (Atomics.load(words, writeWord(from, to)) - read) >>> 0;
        depths.push({ from, to, bytes });
      }
    return depths;
  }

  /** Call when no thread uses the rings any more. */
  close(): void {
    for (const fd of this.#doorbells ?? []) this.#functions.doorbellClose(fd);
    for (const ends of this.#ends.values()) for (const port of portsOf(ends)) port.close();
    this.#ends.clear();
  }

  #connect(a: number, b: number): void {
    // The last ones were not taken: their thread died before it ran.
    for (const key of [`${a}-${b}`, `${b}-${a}`])
      for (const port of portsOf(this.#ends.get(key))) port.close();
    const [largeAb, largeBa, bellAb, bellBa] = [0, 0, 0, 0].map(() => new MessageChannel()) as [
      MessageChannel,
      MessageChannel,
      MessageChannel,
      MessageChannel,
    ];
    this.#ends.set(`${a}-${b}`, {
      largeOut: largeAb.port1,
      largeIn: largeBa.port2,
      bellOut: bellAb.port1,
      bellIn: bellBa.port2,
    });
    this.#ends.set(`${b}-${a}`, {
      largeOut: largeBa.port1,
      largeIn: largeAb.port2,
      bellOut: bellBa.port1,
      bellIn: bellAb.port2,
    });
  }
}

/** The ports of one end, for a transfer list. */
export function portsOf(ends: PeerWires | null | undefined): MessagePort[] {
  if (ends == null) return [];
  return [ends.largeOut, ends.largeIn, ends.bellOut, ends.bellIn];
}

/** A thread's side: its writers and readers, which change with the other threads. */
export class RingEndpoints implements ThreadRings {
  readonly writers: (RingWriter | null)[] = [];
  readonly readers: (RingReader | null)[] = [];
  readonly #wires: ThreadWires;
  readonly #ends: (PeerWires | null)[];
  readonly #functions: NativeFunctions;
  #requestTurn: () => void = () => {};

  constructor(wires: ThreadWires, functions: NativeFunctions) {
    this.#wires = wires;
    this.#functions = functions;
    this.#ends = [...wires.peers];
    for (let other = 0; other < wires.peers.length; other++) {
      this.writers.push(null);
      this.readers.push(null);
      const ends = wires.peers[other];
      if (ends != null) this.join(other, ends);
    }
  }

  /** Makes the reactor wake this thread for its rings. */
  watch(reactor: Reactor): void {
    const { set, thread, doorbells } = this.#wires;
    const others = this.#ends.map((_, other) => other).filter((other) => other !== thread);
    this.#requestTurn = () => reactor.requestTurn();
    reactor.watchRings(
      set.words,
      asleepWord(thread),
      Int32Array.from(others, (other) => writeWord(other, thread)),
      Int32Array.from(others, (other) => readWord(other, thread)),
      doorbells?.[thread] ?? -1,
    );
  }

  /** Opens the rings to and from a thread that was started or restarted. */
  join(other: number, ends: PeerWires): void {
    const { set, thread } = this.#wires;
    this.#ends[other] = ends;
    this.writers[other] = new RingWriter(set, thread, other, {
      ring: (to) => this.#ring(to),
      post: (bytes) => ends.largeOut.postMessage(bytes, [bytes]),
    });
    this.readers[other] = new RingReader(set, other, thread, {
      receive: () => receiveMessageOnPort(ends.largeIn)?.message as ArrayBuffer | undefined,
      ring: (to) => this.#ring(to),
    });
    // Sockets and timers keep a thread alive, doorbells do not.
    if (this.#wires.doorbells === null)
      ends.bellIn.on('message', () => this.#requestTurn()).unref();
  }

  /** Drops a thread that has died. */
  part(other: number): void {
    this.writers[other] = null;
    this.readers[other] = null;
    for (const port of portsOf(this.#ends[other])) port.close();
    this.#ends[other] = null;
  }

  /** Closes all ports; the rings are no longer used. */
  close(): void {
    for (let other = 0; other < this.#ends.length; other++) this.part(other);
  }

  get epoch(): number {
    const { set, thread } = this.#wires;
    return Atomics.load(set.words, epochWord(thread));
  }

  levelOf(thread: number): number {
    return Atomics.load(this.#wires.set.words, levelWord(thread));
  }

  publishLevel(level: number): void {
    Atomics.store(this.#wires.set.words, levelWord(this.#wires.thread), level);
  }

  /** Connections of all threads, as last published. */
  connectionTotal(): number {
    const { words, threadCount } = this.#wires.set;
    let total = 0;
    for (let thread = 0; thread < threadCount; thread++)
      total += Atomics.load(words, connectionWord(thread));
    return total;
  }

  publishCounts(connections: number, jobs: number): void {
    const { set, thread } = this.#wires;
    Atomics.store(set.words, connectionWord(thread), connections);
    Atomics.store(set.words, jobWord(thread), jobs);
  }

  #ring(to: number): void {
    const { doorbells } = this.#wires;
    if (doorbells === null) this.#ends[to]?.bellOut.postMessage(0);
    else this.#functions.doorbellRing(doorbells[to] as number);
  }
}
