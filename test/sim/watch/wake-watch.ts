/** Checks every waking of one broker as it happens: somebody must ask for it, and nobody may have slept longer. */
import type { Ability } from '../../../src/broker/abilities.ts';
import type { Broker } from '../../../src/broker/broker.ts';
import { type Peer, Waking } from '../../../src/broker/peer.ts';
import { ensure } from '../transcript.ts';

export class WakeWatch {
  readonly #wakesPerJob: number;
  /** When each ability came among the sleepers of its function. */
  readonly #sleptAt = new WeakMap<Ability, number>();
  #sleeps = 0;

  constructor(broker: Broker) {
    this.#wakesPerJob = broker.options.wakesPerJob;
    const onSleep = broker.onSleep.bind(broker);
    broker.onSleep = (peer, sleepSerial) => {
      for (const ability of peer.abilities?.values() ?? [])
        if (!ability.isListed) this.#sleptAt.set(ability, ++this.#sleeps);
      onSleep(peer, sleepSerial);
    };
    const offer = broker.offer.bind(broker);
    broker.offer = (peer, frame, timeoutMs) => {
      offer(peer, frame, timeoutMs);
      for (const ability of peer.abilities?.values() ?? [])
        if (ability.isListed && !this.#sleptAt.has(ability))
          this.#sleptAt.set(ability, ++this.#sleeps);
    };
    const wake = broker.outbox.wake.bind(broker.outbox);
    broker.outbox.wake = (peer) => {
      this.#check(peer);
      wake(peer);
    };
  }

  #check(peer: Peer): void {
    ensure(peer.waking === Waking.woken, () => 'a peer that does not sleep is woken');
    const reasons = [...(peer.abilities?.values() ?? [])].filter(
      ({ fn }) => fn.woken - 1 < fn.runnable * this.#wakesPerJob,
    );
    ensure(reasons.length > 0, () => 'a peer is woken that no job asks for');
    ensure(
      reasons.some((ability) => this.#isLongest(ability)),
      () => 'a peer is woken although another one sleeps longer',
    );
  }

  #isLongest(ability: Ability): boolean {
    const since = this.#sleptAt.get(ability) ?? Number.POSITIVE_INFINITY;
    for (let other = ability.fn.firstSleeper; other !== null; other = other.next)
      if ((this.#sleptAt.get(other) ?? Number.POSITIVE_INFINITY) <= since) return false;
    return true;
  }
}
