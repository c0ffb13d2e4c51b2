/** An operator: changes what functions may do, by text commands. */
import type { Random } from '../../support/random.ts';
import { somePolicy } from '../plan.ts';
import type { World } from '../server/world.ts';
import { ensure } from '../transcript.ts';
import { type PeerContext, SimPeer } from './peer.ts';

/** A line and how its answer looks; null for a listing. */
export type Command = readonly [line: string, reply: RegExp | null];

const CHANGED = /^OK until\+the\+server\+ends\r\n$/;

/** Some command about some function; at the end of a simulation only questions. */
export function commandOf(random: Random, { plan, policies }: World): Command {
  const name = random.pick([...plan.functionNames, 'extra']);
  const isOver = policies.isOver ? 0 : 1;
  return random.weighted<() => Command>([
    [1, () => ['policy', null]],
    [1, () => [`policy ${name}`, null]],
    [3 * isOver, () => [`pause ${name}`, CHANGED]],
    [5 * isOver, () => [`resume ${name}`, CHANGED]],
    [1 * isOver, () => [`drain ${name}`, CHANGED]],
    [4 * isOver, () => [`policy ${name} ${somePolicy(random)}`, CHANGED]],
    [2 * isOver, () => [`policy ${name} reset`, CHANGED]],
  ])();
}

export class Operator extends SimPeer {
  constructor(context: PeerContext) {
    super('operator', context);
  }

  override act(): void {
    this.text(...commandOf(this.random, this.world));
  }

  /** Ends every pause and drain; with `isForAll` no function has a limit either. */
  openAll(isForAll: boolean): void {
    for (const name of [...this.world.plan.functionNames, 'extra']) {
      this.text(`resume ${name}`, CHANGED);
      if (isForAll) this.text(`policy ${name} concurrency:0,rate:0`, CHANGED);
    }
  }

  protected override onUnasked(): void {
    ensure(false, () => 'the operator hears of a job');
  }
}
