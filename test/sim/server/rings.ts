/**
 * The rings of a simulated server: the real rings over shared memory, with queues in place of message ports and flags
 * in place of doorbells. Rule: a doorbell rings when the simulation says so, and nothing else wakes a sleeping thread.
 */
import {
  asleepWord,
  createRingSet,
  epochWord,
  levelWord,
  type RingSet,
  readWord,
  resetThread,
  writeWord,
} from '../../../src/ring/layout.ts';
import { RingReader, RingWriter } from '../../../src/ring/ring.ts';
import type { ThreadRings } from '../../../src/shard/publishing.ts';
import type { MemoryReactor } from '../../support/memory-reactor.ts';

/** What all threads of one server share. */
export class RingHub {
  readonly set: RingSet;
  /** Threads whose doorbell was rung and not heard yet. */
  readonly rung = new Set<number>();
  /** Large payloads by ordered pair. */
  readonly #mail = new Map<string, ArrayBuffer[]>();

  constructor(threadCount: number, ringBytes: number, ringStart: number) {
    this.set = createRingSet(threadCount, ringBytes, ringStart);
  }

  ring(thread: number): void {
    this.rung.add(thread);
  }

  mail(from: number, to: number): ArrayBuffer[] {
    const key = `${from}-${to}`;
    const queue = this.#mail.get(key) ?? [];
    this.#mail.set(key, queue);
    return queue;
  }

  /** After a death, when every other thread has parted from it. */
  reset(thread: number): void {
    resetThread(this.set, thread);
    for (const key of this.#mail.keys())
      if (key.split('-').includes(String(thread))) this.#mail.delete(key);
  }
}

/** One thread's ends. */
export class SimRings implements ThreadRings {
  readonly writers: (RingWriter | null)[] = [];
  readonly readers: (RingReader | null)[] = [];
  /** Called before each publication of a ring: where a thread can die in the middle of a turn. */
  beforePublish: () => void = () => {};
  readonly #hub: RingHub;
  readonly #thread: number;

  constructor(hub: RingHub, thread: number) {
    this.#hub = hub;
    this.#thread = thread;
    for (let other = 0; other < hub.set.threadCount; other++) {
      this.writers.push(null);
      this.readers.push(null);
      if (other !== thread) this.join(other);
    }
  }

  watch(reactor: MemoryReactor): void {
    const { words, threadCount } = this.#hub.set;
    const thread = this.#thread;
    const others = Array.from({ length: threadCount }, (_, other) => other).filter(
      (other) => other !== thread,
    );
    reactor.watchRings(
      words,
      asleepWord(thread),
      Int32Array.from(others, (other) => writeWord(other, thread)),
      Int32Array.from(others, (other) => readWord(other, thread)),
      -1,
    );
  }

  join(other: number): void {
    const hub = this.#hub;
    const outgoing = hub.mail(this.#thread, other);
    const incoming = hub.mail(other, this.#thread);
    const ring = (to: number) => hub.ring(to);
    const writer = new RingWriter(hub.set, this.#thread, other, {
      ring,
      // Like a port, the queue takes the memory away from the sender.
      post: (bytes) => outgoing.push(structuredClone(bytes, { transfer: [bytes] })),
    });
    const publish = writer.publish.bind(writer);
    writer.publish = () => {
      this.beforePublish();
      publish();
    };
    this.writers[other] = writer;
    this.readers[other] = new RingReader(hub.set, other, this.#thread, {
      receive: () => incoming.shift(),
      ring,
    });
  }

  /** Forgets a thread that has died. */
  part(other: number): void {
    this.writers[other] = null;
    this.readers[other] = null;
  }

  get epoch(): number {
    return Atomics.load(this.#hub.set.words, epochWord(this.#thread));
  }

  levelOf(thread: number): number {
    return Atomics.load(this.#hub.set.words, levelWord(thread));
  }

  publishLevel(level: number): void {
    Atomics.store(this.#hub.set.words, levelWord(this.#thread), level);
  }

  connectionTotal(): number {
    let total = 0;
    for (let thread = 0; thread < this.#hub.set.threadCount; thread++)
      total += this.connectionsOf(thread);
    return total;
  }

  connectionsOf(thread: number): number {
    return Atomics.load(this.#hub.set.words, levelWord(thread) + 1);
  }

  publishCounts(connections: number): void {
    Atomics.store(this.#hub.set.words, levelWord(this.#thread) + 1, connections);
  }
}
