/** An operator: changes what functions may do, by text commands. */
import type { Random } from '../../support/random.ts';
import { somePolicy } from '../plan.ts';
import type { World } from '../server/world.ts';
import { ensure } from '../transcript.ts';
import { madeUpHandle } from './job-record.ts';
import type { Ledger } from './ledger.ts';
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

const KICKED = /^OK \d+\+kicked,\+\d+\+left\+because\+their\+unique\+is\+in\+use\r\n$/;
const NOT_KICKED = /^ERR (UNKNOWN_JOB|UNIQUE_IN_USE|QUEUE_FULL|DRAINING|NO_MEMORY)[ \r]/;
const KICKED_JOB = new RegExp(`^OK\\r\\n$|${NOT_KICKED.source}`);
const KICKED_SOME = new RegExp(`${KICKED.source}|${NOT_KICKED.source}`);

/** Some command about jobs; at the end of a simulation only questions. */
export function jobCommandOf(random: Random, { plan, policies }: World, ledger: Ledger): Command {
  const name = random.pick(plan.functionNames);
  const handle = random.pick([...ledger.handles.slice(-15), madeUpHandle(0)]);
  const isOver = policies.isOver ? 0 : 1;
  return random.weighted<() => Command>([
    [1, () => [`show job ${handle}`, null]],
    [1, () => [`dead ${name} ${random.between(1, 5)}`, null]],
    [4 * isOver, () => kickSome(ledger, name, random.between(1, 3))],
    [
      2 * isOver,
      () => {
        ledger.kickAsked(handle);
        return [`kick job ${handle}`, KICKED_JOB];
      },
    ],
    [
      2 * isOver,
      () => {
        ledger.buryAsked(handle);
        return [`bury job ${handle}`, /^(OK|ERR (UNKNOWN_JOB|RUNNING .*|FOREGROUND .*))\r\n$/];
      },
    ],
  ])();
}

function kickSome(ledger: Ledger, name: string, count: number): Command {
  ledger.kicksAsked(name, count);
  return [`kick function ${name} ${count}`, KICKED_SOME];
}

export class Operator extends SimPeer {
  constructor(context: PeerContext) {
    super('operator', context);
  }

  override act(): void {
    const { random, world, ledger } = this;
    this.text(
      ...(random.oneIn(2) ? commandOf(random, world) : jobCommandOf(random, world, ledger)),
    );
  }

  /** Ends every pause and drain; with `isForAll` no function has a limit either. */
  openAll(isForAll: boolean): void {
    for (const name of [...this.world.plan.functionNames, 'extra']) {
      this.text(`resume ${name}`, CHANGED);
      if (isForAll) this.text(`policy ${name} concurrency:0,rate:0`, CHANGED);
    }
  }

  /** Every dead job may run again. */
  kickAll(): void {
    for (const name of this.world.plan.functionNames)
      this.text(...kickSome(this.ledger, name, 1000));
  }

  /** No dead job is kept: each is cancelled, or the policy says so. */
  dropDead(): void {
    for (const name of this.world.plan.functionNames) {
      if (this.random.oneIn(2)) this.text(`policy ${name} dead:0`, CHANGED);
      else this.text(`dead ${name} 1000`, null, (rows) => this.#cancel(rows));
    }
  }

  #cancel(rows: string): void {
    for (const row of rows.split('\n').filter((line) => line.includes('\t'))) {
      const [handle] = row.split('\t') as [string];
      this.ledger.cancelAsked(handle);
      this.text(`cancel job ${handle}`, /^OK\r\n$/);
    }
  }

  protected override onUnasked(): void {
    ensure(false, () => 'the operator hears of a job');
  }
}
