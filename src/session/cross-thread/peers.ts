/**
 * Peers of this thread's broker whose connections are in other threads: one for each connection that has sent a record.
 * Rule: a peer ends with its connection or its thread, and the broker is notified.
 */
import type { Broker } from '../../broker/broker.ts';
import type { Peer } from '../../broker/peer.ts';

const KEY_BASE = 2 ** 31;

export class CrossThreadPeers {
  /** Peers by thread * 2^31 + conn. */
  readonly #peers = new Map<number, Peer>();

  get size(): number {
    return this.#peers.size;
  }

  values(): Iterable<Peer> {
    return this.#peers.values();
  }

  find(thread: number, conn: number): Peer | undefined {
    return this.#peers.get(thread * KEY_BASE + conn);
  }

  /** The peer of a connection; made at the first call. */
  get(broker: Broker, thread: number, conn: number): Peer {
    let peer = this.find(thread, conn);
    if (peer === undefined) {
      peer = broker.addPeer(thread, conn);
      this.#peers.set(thread * KEY_BASE + conn, peer);
    }
    return peer;
  }

  /** The connection has ended. */
  end(broker: Broker | null, thread: number, conn: number): void {
    const peer = this.find(thread, conn);
    if (peer === undefined) return;
    this.#peers.delete(thread * KEY_BASE + conn);
    broker?.onPeerGone(peer);
  }

  /** The thread has died, so all its connections have ended. Linear in all peers. */
  endAllOf(broker: Broker | null, thread: number): void {
    for (const peer of [...this.#peers.values()])
      if (peer.thread === thread) this.end(broker, thread, peer.conn);
  }
}
