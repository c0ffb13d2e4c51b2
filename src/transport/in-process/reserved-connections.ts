/**
 * Connections without a socket beside those of the addon: their ids are the addon's, which keeps the slots free for
 * them. Rule: an id is given back when its wire is closed and the thread has closed it too.
 */
import type { AddonReactor } from '../../native/addon-reactor.ts';
import type { Connection, Connections } from '../turn/connection.ts';

export class ReservedConnections implements Connections {
  readonly #reactor: AddonReactor;
  readonly #byId = new Map<number, Connection>();

  constructor(reactor: AddonReactor) {
    this.#reactor = reactor;
  }

  get count(): number {
    return this.#byId.size;
  }

  get(id: number): Connection | undefined {
    return this.#byId.get(id);
  }

  add(make: (id: number) => Connection): Connection {
    const connection = make(this.#reactor.reserve());
    this.#byId.set(connection.id, connection);
    return connection;
  }

  remove(connection: Connection): void {
    if (this.#byId.delete(connection.id)) this.#reactor.unreserve(connection.id);
  }

  [Symbol.iterator](): Iterator<Connection> {
    return this.#byId.values();
  }
}
