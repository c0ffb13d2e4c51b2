/**
 * Appends, updates, deaths, kicks and forgets in any order, with batches that fail before or after the database has
 * written them, outages, rows made by hand and shards that start again: `ModelCaller` says what must hold.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ModelCaller, type ModelJob } from '../../support/store/model-caller.ts';
import { type Fault, ModelDatabase, UNFIT } from '../../support/store/model-database.ts';

/** The empty one is for jobs without a unique. */
const UNIQUES = ['a', 'a', 'a', 'b', 'b', 'c', '', UNFIT];

interface Step {
  readonly act: keyof typeof ACTS;
  /** Which job: 0 to 3 the last one that changed, otherwise by number; or which unique. */
  readonly n: number;
  readonly flag: boolean;
  readonly faults: readonly Fault[];
}

class Play {
  readonly caller: ModelCaller;
  #last: ModelJob | null = null;

  constructor(caller: ModelCaller) {
    this.caller = caller;
  }

  /** Does this with one of the jobs. */
  with(jobs: readonly ModelJob[], n: number, act: (job: ModelJob) => void): void {
    const last = n < 4 && this.#last !== null && jobs.includes(this.#last) ? this.#last : null;
    const job = last ?? jobs[n % Math.max(1, jobs.length)];
    if (job === undefined) return;
    this.#last = job;
    act(job);
  }
}

type Act = (play: Play, step: Step) => void | Promise<void>;

const ACTS = {
  append: ({ caller }, { n, flag }) => caller.append(UNIQUES[n] as string, 'plain', flag),
  appendTried: ({ caller }, { n, flag }) => caller.append(UNIQUES[n] as string, 'tried', flag),
  appendDead: ({ caller }, { n, flag }) => caller.append(UNIQUES[n] as string, 'dead', flag),
  again: ({ caller }, { flag }) => caller.append('a', 'plain', flag),
  fail: (play, { n }) => play.with(play.caller.live, n, (job) => play.caller.fail(job, false)),
  die: (play, { n }) => play.with(play.caller.live, n, (job) => play.caller.fail(job, true)),
  kick: (play, { n }) => play.with(play.caller.dead, n, (job) => play.caller.kick(job)),
  forget: (play, { n }) => play.with(play.caller.jobs, n, (job) => play.caller.forget(job)),
  byHand: ({ caller }, { n, flag }) => caller.byHand(n < 6 ? 'a' : 'b', flag),
  flush: ({ caller }, { flag }) => caller.flush(flag),
  write: ({ caller }) => caller.write([], false, false),
  retry: ({ caller }, { faults }) => caller.write(faults, false, false),
  giveUp: ({ caller }, { faults, flag }) => caller.write(faults, true, flag),
  deliver: ({ caller }) => caller.deliver(),
  take: ({ caller }) => caller.take(),
  lose: ({ caller }) => caller.lose(),
  back: ({ caller }) => caller.comeBack(),
  restart: ({ caller }, { faults, flag, n }) => caller.restart(faults, flag, n % 2 === 0),
} as const satisfies Record<string, Act>;

/** Sequences that lie close together; the numbers of their steps are drawn. */
const SEQUENCES: readonly (readonly (keyof typeof ACTS)[])[] = [
  // A job becomes durable.
  ['append', 'flush', 'write', 'deliver', 'take'],
  ['flush', 'write', 'deliver', 'take'],
  // The outcome of a batch is unknown.
  ['flush', 'giveUp', 'deliver', 'back', 'deliver'],
  ['flush', 'giveUp', 'deliver', 'take', 'back', 'deliver', 'flush', 'write', 'deliver'],
  // A death, whose answer is lost, and a kick before it is repeated.
  ['die', 'flush', 'giveUp', 'deliver', 'kick', 'back', 'deliver', 'kick', 'flush', 'write'],
  ['die', 'flush', 'retry', 'kick', 'deliver'],
  // Something while the put is under way.
  ['append', 'flush', 'fail', 'die', 'write', 'deliver'],
  ['append', 'flush', 'die', 'again', 'write', 'deliver'],
  ['append', 'flush', 'fail', 'forget', 'again', 'write', 'deliver'],
  ['fail', 'flush', 'forget', 'again', 'giveUp', 'deliver', 'back', 'deliver'],
  // The same unique after a death; then the dead one is kicked.
  ['die', 'again', 'flush', 'write', 'deliver', 'forget', 'kick'],
  ['die', 'flush', 'write', 'deliver', 'byHand', 'kick', 'flush', 'write', 'deliver', 'take'],
  [
    'die',
    'again',
    'flush',
    'giveUp',
    'deliver',
    'take',
    'kick',
    'back',
    'deliver',
    'flush',
    'write',
  ],
  // More waits than a batch takes.
  ['append', 'flush', 'forget', 'again', 'append', 'append', 'append', 'write', 'deliver'],
  ['flush', 'die', 'again', 'append', 'append', 'append', 'write', 'deliver'],
  // Several dead jobs of one unique.
  ['append', 'appendDead', 'flush', 'giveUp', 'deliver', 'back', 'deliver', 'kick', 'flush'],
  ['appendDead', 'append', 'flush', 'write', 'deliver', 'die', 'flush', 'kick', 'giveUp'],
  // Two updates in one batch, and an outage with held ones.
  ['fail', 'fail', 'flush', 'fail', 'lose', 'fail', 'deliver', 'take', 'back', 'deliver', 'take'],
];

const fault: fc.Arbitrary<Fault> = fc.record({
  call: fc.constantFrom(0, 0, 0, 1, 2),
  done: fc.constantFrom('all', 'all', 'nothing', 'half'),
});

function stepOf(act: keyof typeof ACTS): fc.Arbitrary<Step> {
  return fc.record({
    act: fc.constant(act),
    n: fc.nat(7),
    flag: fc.boolean(),
    faults: fc.array(fault, { maxLength: 2 }),
  });
}

const single = fc.constantFrom(...(Object.keys(ACTS) as (keyof typeof ACTS)[])).chain(stepOf);
const sequence = fc
  .constantFrom(...SEQUENCES)
  .chain((acts) => fc.tuple(...acts.map(stepOf)) as fc.Arbitrary<Step[]>);
const steps = fc
  .array(
    fc.oneof(
      { weight: 3, arbitrary: single.map((one) => [one]) },
      { weight: 2, arbitrary: sequence },
    ),
    {
      maxLength: 25,
    },
  )
  .map((some) => some.flat());

describe('changes of jobs with runs', () => {
  it('lose no stored job at any moment, and end as they were asked for', async () => {
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(null, 500), steps, async (relaxedMs, some) => {
        const database = new ModelDatabase();
        const caller = await ModelCaller.begin(database, relaxedMs);
        const play = new Play(caller);
        for (const step of some) {
          await (ACTS[step.act] as Act)(play, step);
          caller.check();
        }
        await caller.settle();
        for (const job of caller.jobs) caller.forget(job);
        await caller.settle();
      }),
      { numRuns: 2500 },
    );
  });

  it.each<readonly [string, null | number, string]>([
    [
      'a death that waits is forgotten, and a job of its unique waits too, in a batch that is full',
      null,
      'append, flush, write, deliver, take, die, again, append 3, forget',
    ],
    [
      'a death is repeated with the forget of a later job of its unique, and the dead one is kicked before',
      500,
      'append, append 3, flush, write, deliver, take, die, again, flush!, giveUp, deliver, take, kick, back, deliver, flush!, write',
    ],
    [
      'all that waits is forgotten while a batch is under way',
      500,
      'append, flush, append 3, forget 5, write, deliver',
    ],
  ])('keep to the rules when %s', async (_title, relaxedMs, acts) => {
    const caller = await ModelCaller.begin(new ModelDatabase(), relaxedMs);
    const play = new Play(caller);
    for (const [, act, n, flag] of acts.matchAll(/(\w+) ?(\d*)(!?)/g)) {
      const step = { act: act as Step['act'], n: Number(n), flag: flag === '!', faults: [] };
      await (ACTS[step.act] as Act)(play, step);
      caller.check();
    }
    await caller.settle();
  });

  it('leave a row alone that was made by hand and refuses a kick, also after a death of unknown outcome', async () => {
    const database = new ModelDatabase();
    const caller = await ModelCaller.begin(database, 500);
    const turn = async (): Promise<void> => {
      caller.flush(true);
      await caller.write([], false, false);
      caller.deliver();
      caller.take();
    };
    caller.append('b', 'plain', true);
    caller.append('a', 'plain', true);
    await turn();
    const [, job] = caller.jobs as [ModelJob, ModelJob];
    caller.fail(job, true);
    caller.flush(true);
    await caller.write([{ call: 0, done: 'all' }], true, false);
    caller.deliver();
    await caller.comeBack();
    // It takes the place of the death, which waits to be written again.
    caller.kick(job);
    caller.byHand('a', true);
    caller.deliver();
    await turn();
    await turn();
    expect(job.isBehind).toBe(true);
    caller.fail(job, true);
    await turn();
    expect([...database.rows.keys()]).toContain('f/a');
    caller.forget(job);
    await turn();
    expect([...database.rows.keys()]).toContain('f/a');
    await caller.settle();
    expect(database.runs.size).toBe(0);
  });
});
