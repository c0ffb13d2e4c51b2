/**
 * Appends, updates, deaths, kicks and forgets in any order, with batches that fail before or after the database has
 * written them: a job that was reported as stored is in the database at every moment, once, and what is there at the end
 * is what was asked for last.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Change, isAdd, type Put, TAKEN_REASON } from '../../../src/store/database/backend.ts';
import { KeyTable } from '../../../src/store/database/key-table.ts';
import { Packed, unpackKeys, unpackPuts } from '../../../src/store/database/packed.ts';
import { PendingBatches } from '../../../src/store/database/pending-batches.ts';
import { IdMaker } from '../../../src/store/database/runs-row.ts';

const KEYS = ['a', 'b', 'c'];
const FUNCTION = Buffer.from('f');

interface Job {
  readonly number: number;
  readonly key: string;
  readonly row: number;
  isDead: boolean;
  attempts: number;
  hasRuns: boolean;
  /** null: not reported yet. */
  isStored: boolean | null;
}

interface KeptRuns {
  readonly key: string;
  readonly job: number;
  readonly isDead: boolean;
  readonly attempts: number;
}

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();

/** Rows and runs as a database keeps them. */
class Model {
  /** Number of the job by key. */
  readonly rows = new Map<string, number>();
  readonly runs = new Map<string, KeptRuns>();

  /** The whole batch; returns the numbers of the puts that met another row. */
  write(forgets: Uint8Array, runsForgets: Uint8Array, puts: Uint8Array): number[] {
    for (const { key } of unpackKeys(forgets)) this.rows.delete(text(key));
    for (const { key } of unpackKeys(runsForgets)) this.runs.delete(text(key));
    const found = unpackPuts(puts);
    for (const put of found) {
      if (put === null || isAdd(put)) continue;
      this.#putRuns(put);
      if (put.change === Change.BURY) this.rows.delete(text(put.key));
    }
    const refused: number[] = [];
    for (const [number, put] of found.entries()) {
      if (put === null || !isAdd(put)) continue;
      const other = this.rows.get(text(put.key));
      const isOwn = other === Number(text(put.workload)) && put.change === Change.KICK;
      if (other !== undefined && !isOwn) {
        refused.push(number);
        continue;
      }
      this.rows.set(text(put.key), Number(text(put.workload)));
      if (put.runs) this.#putRuns(put);
    }
    return refused;
  }

  #putRuns(put: Put): void {
    const { id, isDead, attempts } = put.runs as NonNullable<Put['runs']>;
    const job = Number(text(put.workload));
    this.runs.set(text(id), { key: text(put.key), job, isDead, attempts });
  }

  /** What a start would give back: the number of each job, and its attempts when it has runs. */
  restored(): { job: number; attempts: number; isDead: boolean }[] {
    const found = [...this.rows].map(([key, job]) => {
      const own = [...this.runs.values()].find(
        (runs) => runs.key === key && runs.job === job && !runs.isDead,
      );
      return { job, attempts: own?.attempts ?? 0, isDead: false };
    });
    for (const { job, attempts, isDead } of this.runs.values())
      if (isDead) found.push({ job, attempts, isDead });
    return found;
  }
}

/** The caller of a store, within the rules of its interface. */
class Caller {
  readonly #table = new KeyTable();
  readonly pending = new PendingBatches(this.#table);
  readonly model = new Model();
  readonly jobs: Job[] = [];
  readonly #ids = new IdMaker();
  readonly #appends: Job[] = [];
  /** Forgotten jobs may stay until a batch has been written. */
  readonly forgotten = new Set<number>();
  #last = 0;
  updates = 0;
  reported = 0;
  #batch: [Uint8Array, Uint8Array, Uint8Array] | null = null;

  append(key: string, hasRuns: boolean): void {
    if (this.jobs.some((job) => job.key === key && !job.isDead)) return;
    const number = ++this.#last;
    const put = this.#putOf(
      { number, key, isDead: false, attempts: 0 },
      hasRuns && this.#ids.next(),
    );
    const ticket = this.#appends.length;
    const row = this.pending.put(put, ticket, true);
    const job = { number, key, row, isDead: false, attempts: 0, hasRuns, isStored: null };
    this.#appends.push(job);
    this.jobs.push(job);
  }

  /** A run has failed, a job has died, or a dead job is kicked. */
  update(job: Job, isDead: boolean): void {
    const isKick = job.isDead && !isDead;
    if (isKick && this.jobs.some((other) => other.key === job.key && !other.isDead)) return;
    job.isDead = isDead;
    job.attempts = isKick ? 0 : job.attempts + 1;
    job.hasRuns = true;
    const { id } = this.pending.known(job.row, () => this.#ids.next());
    this.pending.update(job.row, this.#putOf(job, id), -1, true);
    this.updates++;
  }

  forget(job: Job): void {
    this.jobs.splice(this.jobs.indexOf(job), 1);
    this.forgotten.add(job.number);
    this.pending.forget(job.row);
  }

  send(): void {
    if (this.pending.isUnderWay || this.pending.isEmpty) return;
    const chunk = this.pending.take();
    if (chunk === null) return;
    const copy = (packed: Packed) => packed.used.slice();
    this.#batch = [copy(chunk.forgets), copy(chunk.runsForgets), copy(chunk.puts)];
    // As after a transfer.
    chunk.puts.used.fill(0xff);
  }

  end(): void {
    if (this.#batch === null) return;
    const refused = this.model.write(...this.#batch);
    this.#batch = null;
    this.pending.written(refused.map((index) => ({ index, reason: TAKEN_REASON })));
    this.take();
  }

  /** The batch fails; `isWritten`: the database has it nevertheless. */
  fail(isWritten: boolean): void {
    if (this.#batch !== null && isWritten) this.model.write(...this.#batch);
    this.#batch = null;
    this.pending.failed();
    this.take();
  }

  /** Takes the outcomes. */
  take(): void {
    this.pending.takeOutcomes((ticket, isStored) => {
      this.reported++;
      if (ticket < 0) return;
      const job = this.#appends[ticket] as Job;
      job.isStored = isStored;
      // Its reference is invalid: it is no longer the store's.
      if (!isStored && this.jobs.includes(job)) this.jobs.splice(this.jobs.indexOf(job), 1);
    });
  }

  get appended(): number {
    return this.#appends.length;
  }

  #putOf(
    { number, key, isDead, attempts }: Pick<Job, 'number' | 'key' | 'isDead' | 'attempts'>,
    id: Uint8Array | false,
  ): Put {
    const details = Buffer.from(`errors of ${number}`);
    const runs = id && { id, attempts, losses: 0, dueMs: 5, delayMs: 3, isDead, details };
    return {
      ...{ key: Buffer.from(key), functionName: FUNCTION, priority: 1, startSeconds: 0 },
      workload: Buffer.from(`${number}`),
      runs: runs || null,
    };
  }
}

const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ act: fc.constant('append'), n: fc.nat(2), flag: fc.boolean() }),
  },
  {
    weight: 5,
    arbitrary: fc.record({ act: fc.constant('update'), n: fc.nat(9), flag: fc.boolean() }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ act: fc.constant('forget'), n: fc.nat(9), flag: fc.boolean() }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ act: fc.constant('send'), n: fc.nat(9), flag: fc.boolean() }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ act: fc.constant('end'), n: fc.nat(9), flag: fc.boolean() }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ act: fc.constant('fail'), n: fc.nat(9), flag: fc.boolean() }),
  },
);

function carryOut(
  caller: Caller,
  { act, n, flag }: { act: string; n: number; flag: boolean },
): void {
  const job = caller.jobs[n % Math.max(1, caller.jobs.length)];
  if (act === 'append') caller.append(KEYS[n] as string, flag);
  else if (act === 'update' && job !== undefined) caller.update(job, flag);
  else if (act === 'forget' && job !== undefined) caller.forget(job);
  else if (act === 'send') caller.send();
  else if (act === 'end') caller.end();
  else if (act === 'fail') caller.fail(flag);
}

/** What holds at every moment, as after a crash. */
function check(caller: Caller): void {
  const restored = caller.model.restored();
  const numbers = restored.map(({ job }) => job);
  expect(new Set(numbers).size, 'a job is there once').toBe(numbers.length);
  for (const { number, isStored } of caller.jobs)
    if (isStored) expect(numbers, 'a stored job is there').toContain(number);
}

describe('changes of jobs with runs', () => {
  it('lose no stored job at any moment, and end as they were asked for', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const caller = new Caller();
        for (const one of steps) {
          carryOut(caller, one);
          check(caller);
        }
        while (caller.pending.isUnderWay || !caller.pending.isEmpty) {
          caller.send();
          caller.end();
          check(caller);
        }
        caller.take();
        // Chunks whose puts were all dropped.
        expect(caller.pending.take()).toBeNull();
        const wanted = caller.jobs.map(({ number, attempts, isDead }) => ({
          job: number,
          attempts,
          isDead,
        }));
        const byJob = (a: { job: number }, b: { job: number }) => a.job - b.job;
        expect(caller.model.restored().sort(byJob)).toEqual(wanted.sort(byJob));
        expect(caller.reported).toBe(caller.appended + caller.updates);
        expect(caller.pending.changes).toBe(0);
        expect(caller.pending.putBytes).toBe(0);
      }),
      { numRuns: 3000 },
    );
  });

  it('of one job that wait together are written as the last one, with an outcome for each', () => {
    const caller = new Caller();
    caller.append('a', true);
    caller.send();
    caller.end();
    const [job] = caller.jobs as [Job];
    for (let i = 0; i < 5; i++) caller.update(job, false);
    caller.send();
    expect(caller.pending.changes).toBe(1);
    caller.end();
    expect(caller.reported).toBe(6);
    expect(caller.model.restored()).toEqual([{ job: 1, attempts: 5, isDead: false }]);
  });
});

describe('packed puts with runs', () => {
  const bytes = fc.uint8Array({ maxLength: 40 });
  const puts = fc.array(
    fc.record({
      key: fc.uint8Array({ maxLength: 64 }),
      functionName: bytes,
      priority: fc.nat(2),
      startSeconds: fc.nat(),
      workload: bytes,
      change: fc.constantFrom(...Object.values(Change)),
      runs: fc.record({
        id: bytes,
        handle: fc.uint8Array({ maxLength: 63 }),
        attempts: fc.nat(1000),
        losses: fc.nat(65_535),
        dueMs: fc.double({ min: 0, max: 2 ** 53, noNaN: true }),
        delayMs: fc.double({ min: 0, max: 2 ** 53, noNaN: true }),
        isDead: fc.boolean(),
        details: fc.uint8Array({ maxLength: 5000 }),
      }),
    }),
  );

  it('come out as they went in, but for dropped ones', () => {
    fc.assert(
      fc.property(puts, fc.nat(), (all, dropped) => {
        const packed = new Packed();
        const offsets = all.map((put) => packed.addPut(put));
        const number = dropped % Math.max(1, all.length);
        if (all.length > 0) packed.drop(offsets[number] as number);
        const wanted = all.map((put, i) => (i === number ? null : put));
        expect(unpackPuts(packed.used.slice())).toEqual(wanted);
      }),
      { numRuns: 200 },
    );
  });
});
