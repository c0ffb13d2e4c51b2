/**
 * Connections without a socket beside those of the addon: their ids come from the addon, which keeps the slots
 * reserved. Rule: an id is given back when both its wire and the thread have closed the connection.
 */
import type { AddonReactor } from '../../native/addon-reactor.ts';
import { SLOT_MASK } from '../../protocol/batch.ts';
import type { Connection, Connections } from '../turn/connection.ts';

export class ReservedConnections implements Connections {
  readonly #reactor: AddonReactor;
  /** Connections by slot; null where the slot belongs to a connection of the addon. */
  readonly #slots: (Connection | null)[] = [];
  #count = 0;

  constructor(reactor: AddonReactor) {
    this.#reactor = reactor;
  }

  get count(): number {
    return this.#count;
  }

  get(id: number): Connection | undefined {
    const slot = id & SLOT_MASK;
    if (slot >= this.#slots.length) return undefined;
    const connection = this.#slots[slot];
    return connection?.id === id ? connection : undefined;
  }

  add(make: (id: number) => Connection): Connection {
    const connection = make(this.#reactor.reserve());
    const slot = connection.id & SLOT_MASK;
    // An array with holes would be slow to read.
    while (this.#slots.length <= slot) this.#slots.push(null);
    this.#slots[slot] = connection;
    this.#count++;
    return connection;
  }

  remove(connection: Connection): void {
    const slot = connection.id & SLOT_MASK;
    if (this.#slots[slot] !== connection) return;
    this.#slots[slot] = null;
    this.#count--;
    this.#reactor.unreserve(connection.id);
  }

  *[Symbol.iterator](): Iterator<Connection> {
    for (const connection of this.#slots) if (connection !== null) yield connection;
  }
}
