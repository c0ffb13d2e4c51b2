/** Queues of one broker and the orders in which its workers look at them, kept as plain lists of numbers. */
import type { Peer } from '../../../src/broker/peer.ts';

const LEVELS = 3;

export class QueueModel {
  /** Serials of waiting jobs by function and priority, first to run first. */
  readonly #queues = new Map<number, number[][]>();
  /** Functions in the order in which a GRAB of the peer looks at them; offered twice is listed twice. */
  readonly #orders = new Map<Peer, number[]>();

  /** Waiting jobs of a function and priority; the caller may change the list. */
  queue(fn: number, priority: number): number[] {
    const queues = this.#queues.get(fn) ?? [[], [], []];
    this.#queues.set(fn, queues);
    return queues[priority] as number[];
  }

  /** Takes a job out of wherever it waits. */
  remove(fn: number, priority: number, serial: number): void {
    const queue = this.queue(fn, priority);
    const at = queue.indexOf(serial);
    if (at >= 0) queue.splice(at, 1);
  }

  order(peer: Peer): readonly number[] {
    return this.#orders.get(peer) ?? [];
  }

  offer(peer: Peer, fn: number): void {
    this.#orders.set(peer, [fn, ...this.order(peer)]);
  }

  withdraw(peer: Peer, fn: number): void {
    this.#orders.set(
      peer,
      this.order(peer).filter((index) => index !== fn),
    );
  }

  forget(peer: Peer): void {
    this.#orders.delete(peer);
  }

  /** Puts the function served from `place` behind all others. */
  rotate(peer: Peer, place: number): void {
    const order = [...this.order(peer)];
    order.push(...order.splice(place, 1));
    this.#orders.set(peer, order);
  }

  /** Place in the peer's order of the entry that a GRAB is served from, or -1; `levelOf` a function, 0 = not now. */
  choose(peer: Peer, isPriorityGlobal: boolean, levelOf: (fn: number) => number): number {
    const levels = this.order(peer).map(levelOf);
    const best = isPriorityGlobal ? Math.max(...levels) : 0;
    return levels.findIndex((level) => level > 0 && level >= best);
  }

  /** Waiting jobs of a function. */
  waiting(fn: number): number {
    return (this.#queues.get(fn) ?? []).reduce((sum, queue) => sum + queue.length, 0);
  }

  /** 0 nothing runnable, 1 low, 2 normal, 3 high; without the jobs of which `isOwed` is true. */
  level(fn: number, isOwed: (serial: number) => boolean): number {
    const queues = this.#queues.get(fn) ?? [];
    const priority = queues.findIndex((queue) => queue.some((serial) => !isOwed(serial)));
    return priority < 0 ? 0 : LEVELS - priority;
  }
}
