/** Checks every waking of one broker as it happens: somebody must ask for it, and nobody may have slept longer. */
import type { Ability } from '../../../src/broker/ability.ts';
import type { Broker } from '../../../src/broker/broker.ts';
import type { FunctionQueue } from '../../../src/broker/functions.ts';
import { type Peer, Waking } from '../../../src/broker/peer.ts';
import { livePeers, mayServe } from '../invariants.ts';
import { ensure } from '../transcript.ts';

export class WakeWatch {
  readonly #broker: Broker;
  /** Jobs of a function that may start now. */
  readonly #openOf: (fn: FunctionQueue) => number;
  /** When each peer began to sleep, and each function that it began to offer only then. */
  readonly #sleptAt = new WeakMap<Peer | Ability, number>();
  #sleeps = 0;

  constructor(broker: Broker, openOf: (fn: FunctionQueue) => number) {
    this.#broker = broker;
    this.#openOf = openOf;
    const onSleep = broker.onSleep.bind(broker);
    broker.onSleep = (peer, sleepSerial) => {
      if (peer.waking !== Waking.sleeping) {
        this.#sleptAt.set(peer, ++this.#sleeps);
        for (const ability of peer.abilities?.values() ?? []) this.#sleptAt.delete(ability);
      }
      onSleep(peer, sleepSerial);
    };
    const offer = broker.offer.bind(broker);
    broker.offer = (peer, frame, timeoutMs) => {
      const before = new Set(peer.abilities?.values());
      const at = ++this.#sleeps;
      offer(peer, frame, timeoutMs);
      for (const ability of peer.abilities?.values() ?? [])
        if (!before.has(ability)) this.#sleptAt.set(ability, at);
    };
    const wake = broker.outbox.wake.bind(broker.outbox);
    broker.outbox.wake = (peer) => {
      this.#check(peer);
      wake(peer);
    };
  }

  #check(peer: Peer): void {
    ensure(peer.waking === Waking.woken, () => 'a peer that does not sleep is woken');
    const { wakesPerJob } = this.#broker.options;
    const reasons = [...(peer.abilities?.values() ?? [])].filter(
      ({ fn }) =>
        mayServe(this.#broker, peer, fn.index) &&
        this.#woken(fn) - 1 < this.#openOf(fn) * wakesPerJob,
    );
    ensure(reasons.length > 0, () => 'a peer is woken that no job asks for');
    ensure(
      reasons.some((ability) => this.#isLongest(ability)),
      () => 'a peer is woken although another one sleeps longer',
    );
  }

  #woken(fn: FunctionQueue): number {
    return this.#offering(fn).filter(({ peer }) => peer?.waking === Waking.woken).length;
  }

  #isLongest(ability: Ability): boolean {
    const since = this.#since(ability);
    return this.#offering(ability.fn).every(
      (other) =>
        other.peer?.waking !== Waking.sleeping ||
        this.#since(other) > since ||
        !mayServe(this.#broker, other.peer as Peer, ability.fn.index),
    );
  }

  /** A function that a sleeping peer begins to offer counts from then on; for a many-function peer, from its sleep. */
  #since(ability: Ability): number {
    const peer = ability.peer as Peer;
    const joined = peer.isManyFunction ? undefined : this.#sleptAt.get(ability);
    return Math.max(joined ?? 0, this.#sleptAt.get(peer) ?? 0);
  }

  #offering(fn: FunctionQueue): Ability[] {
    return livePeers(this.#broker).flatMap((peer) => peer.ability(fn.index) ?? []);
  }
}
