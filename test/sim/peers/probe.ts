/** An observer that asks for figures when nothing is on its way, and knows what the answers must be. */
import { Flag } from '../../../src/broker/jobs.ts';
import { liveFunctions } from '../invariants.ts';
import { brokersOf, jobOfHandle } from '../server/inspect.ts';
import { ensure } from '../transcript.ts';
import { type PeerContext, SimPeer } from './peer.ts';

export class Probe extends SimPeer {
  constructor(context: PeerContext) {
    super('probe', context);
  }

  /** Asks for everything; the answers are checked when they come. */
  override act(): void {
    this.#askCounts();
    for (const handle of this.ledger.handles.slice(-4)) this.#askHandle(handle);
  }

  protected override onUnasked(): void {
    ensure(false, () => 'the probe hears of a job');
  }

  /** `status` must say what a walk through all jobs finds (which the invariants have compared with the counters). */
  #askCounts(): void {
    const rows = brokersOf(this.world).flatMap((broker) =>
      liveFunctions(broker).map(
        (fn) =>
          `${Buffer.from(fn.name).toString('latin1')}\t${fn.total}\t${fn.assigned}\t${fn.registrations}\n`,
      ),
    );
    this.text('status', null, (text) =>
      ensure(text === `${rows.join('')}.\n`, () => `status is ${text}, must be ${rows}`),
    );
    const jobCount = brokersOf(this.world).reduce((sum, { jobs }) => sum + jobs.liveCount, 0);
    this.text('show jobs', null, (text) =>
      ensure(text.split('\n').length - 2 === jobCount, () => `${jobCount} jobs, shown: ${text}`),
    );
  }

  #askHandle(handle: string): void {
    const found = jobOfHandle(this.world, handle);
    const state = found?.broker.jobs.state(found.job) ?? Flag.DEAD;
    const isKnown = state !== Flag.DEAD;
    const isRunning = state === Flag.ASSIGNED;
    this.ask('GET_STATUS', [handle], (reply) => {
      const [, known, running] = reply.args.map(String);
      return (
        reply.name === 'STATUS_RES' &&
        known === String(Number(isKnown)) &&
        running === String(Number(isRunning))
      );
    });
  }
}
