/**
 * Facts that hold for every store: the same tests run over each of them. A store that keeps nothing over a restart
 * skips those about restarts.
 */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AssertionError } from '../../src/base/assert.ts';
import type { Store, StoreHost } from '../../src/store/store.ts';
import { type JobParts, StoredJob, type StoredRuns } from '../../src/store/stored-job.ts';
import { copyOf } from './hand-store.ts';

export interface StoreUnderTest {
  readonly name: string;
  readonly keepsJobs: boolean;
  /** False for gearmand's tables: their jobs have no reducer, and their uniques may have to be text. */
  readonly keepsReducers: boolean;
  readonly keepsBinaryUniques: boolean;
  /** Default: no. */
  readonly keepsRuns?: boolean;
  /** False for gearmand's stores of keys and values: jobs have no start time there. */
  readonly keepsStarts?: boolean;
  /** Makes a place for jobs; `open` opens it, again after a close. */
  place(): StorePlace | Promise<StorePlace>;
}

export interface StorePlace {
  open(host: StoreHost): Store | Promise<Store>;
  remove(): void | Promise<void>;
}

const job = (name: string, fields: Partial<JobParts> = {}): StoredJob =>
  StoredJob.of({
    functionName: Buffer.from('f'),
    unique: Buffer.from(name),
    reducer: Buffer.from(''),
    priority: 1,
    startMs: 0,
    workload: Buffer.from(`work of ${name}`),
    ...fields,
  });

/** Runs of a job with so many attempts. */
const runs = (attempts: number): StoredRuns => ({
  attempts,
  losses: 2,
  dueMs: 1_900_000_000_000,
  delayMs: 1500,
  isDead: attempts === 5,
  details: Uint8Array.of(0, attempts, 255),
});

/** A store that is called as by a thread. */
class Life {
  readonly store: Store;
  readonly lines: string[] = [];
  readonly kept: StoredJob[] = [];
  readonly references = new Map<string, number>();
  /** The jobs that were read, with their references. */
  readonly all: { readonly job: StoredJob; readonly reference: number }[] = [];
  readonly outcomes: [string, boolean][] = [];
  /** By ticket. */
  readonly #names: string[] = [''];
  #woken: () => void = () => {};

  private constructor(open: (host: StoreHost) => Store) {
    this.store = open({
      wake: () => this.#woken(),
      log: (_level, text) => this.lines.push(text),
      nowMs: () => performance.now(),
    });
  }

  /** Opens a store of this place and reads its jobs. */
  static async begin(place: StorePlace): Promise<Life> {
    let host: StoreHost | null = null;
    // A place may need a while to open; the store is made with a host that is there by then.
    const store = await place.open({
      wake: () => host?.wake(),
      log: (level, text) => host?.log(level, text),
      nowMs: () => performance.now(),
    });
    const life = new Life((made) => {
      host = made;
      return store;
    });
    return life.start();
  }

  async start(): Promise<this> {
    const found: { readonly job: StoredJob; readonly order: number }[] = [];
    await new Promise<void>((resolve, reject) => {
      this.store.replay(
        (kept, reference, order) => {
          this.all.push({ job: copyOf(kept), reference });
          found.push({ job: copyOf(kept), order });
          this.references.set(Buffer.from(kept.unique).toString(), reference);
        },
        (error) => (error === null ? resolve() : reject(error)),
      );
    });
    found.sort((a, b) => a.order - b.order);
    this.kept.push(...found.map((one) => one.job));
    return this;
  }

  append(kept: StoredJob, isAwaited = true): void {
    const name = Buffer.from(kept.unique).toString();
    const reference = this.store.append(kept, this.#names.push(name) - 1, isAwaited);
    expect(reference).toBeGreaterThan(0);
    this.references.set(name, reference);
  }

  update(kept: StoredJob): void {
    const name = Buffer.from(kept.unique).toString();
    const ticket = this.#names.push(name) - 1;
    expect(this.store.update(kept, this.references.get(name) as number, ticket, true)).toBe(true);
  }

  forget(name: string): void {
    this.store.forget(this.references.get(name) as number);
  }

  /** The calls of a thread in one turn. */
  turn(): void {
    this.store.takeOutcomes((ticket, isStored) =>
      this.outcomes.push([this.#names[ticket] as string, isStored]),
    );
    this.store.flush(performance.now());
  }

  /** Turns until so many outcomes are known and nothing is uncommitted. */
  async until(outcomes: number): Promise<void> {
    for (;;) {
      this.turn();
      if (this.outcomes.length >= outcomes && this.store.health.uncommitted === 0) return;
      await new Promise<void>((resolve) => {
        this.#woken = resolve;
        setImmediate(resolve);
      });
    }
  }

  close(): Promise<void> {
    return new Promise((resolve) => this.store.close(resolve));
  }
}

export { job as jobFor, Life };

/** By workload: dead jobs may come at any place. */
function sorted(jobs: readonly StoredJob[]): StoredJob[] {
  return [...jobs].sort((a, b) => Buffer.compare(a.workload, b.workload));
}

export function storeSuite(under: StoreUnderTest): void {
  describe(under.name, () => {
    let place: StorePlace;
    const lives: Life[] = [];

    beforeEach(async () => {
      place = await under.place();
    });
    afterEach(async () => {
      for (const life of lives.splice(0)) await life.close();
      await place.remove();
    });

    async function begin(): Promise<Life> {
      const life = await Life.begin(place);
      lives.push(life);
      return life;
    }

    async function restart(life: Life): Promise<Life> {
      lives.splice(lives.indexOf(life), 1);
      await life.close();
      return begin();
    }

    it('begins empty', async () => {
      expect((await begin()).kept).toEqual([]);
    });

    it('tells of every job once that it is stored', async () => {
      const life = await begin();
      for (const name of ['a', 'b', 'c']) life.append(job(name));
      await life.until(3);
      expect(life.outcomes.sort()).toEqual([
        ['a', true],
        ['b', true],
        ['c', true],
      ]);
      expect(life.store.health).toMatchObject({ isAccepting: true, jobs: 3, uncommitted: 0 });
    });

    it('commits what is given while a commit is under way', async () => {
      const life = await begin();
      for (let i = 0; i < 200; i++) {
        life.append(job(`job-${i}`));
        if (i % 20 === 0) life.store.flush(performance.now());
      }
      await life.until(200);
      expect(life.outcomes.every(([, isStored]) => isStored)).toBe(true);
      expect(life.store.health.commits).toBeLessThan(200);
    });

    it('counts a forgotten job no more', async () => {
      const life = await begin();
      life.append(job('a'));
      await life.until(1);
      life.forget('a');
      await life.until(1);
      expect(life.store.health.jobs).toBe(0);
    });

    it('takes a job that nobody waits for', async () => {
      const life = await begin();
      life.append(job('a'), false);
      await life.until(1);
      expect(life.outcomes).toEqual([['a', true]]);
    });

    if (under.keepsRuns === true)
      it('tells of every update once that it is stored, like an append', async () => {
        const life = await begin();
        expect(life.store.keepsRuns).toBe(true);
        life.append(job('a'));
        life.update(job('a', { runs: runs(1) }));
        await life.until(2);
        life.update(job('a', { runs: runs(2) }));
        await life.until(3);
        expect(life.outcomes).toEqual(Array(3).fill(['a', true]));
        expect(life.store.health).toMatchObject({ jobs: 1, uncommitted: 0 });
      });
    else
      it('refuses jobs with runs', async () => {
        const { store } = await begin();
        expect(store.keepsRuns).toBe(false);
        const one = job('a', { runs: runs(1) });
        expect(store.append(one, 1, true)).toBe(0);
        expect(() => store.update(one, 1, 2, true)).toThrow(AssertionError);
      });

    if (!under.keepsJobs) return;

    if (under.keepsRuns === true)
      it('gives jobs back with their last runs', async () => {
        const life = await begin();
        for (const name of ['a', 'b', 'c', 'd']) life.append(job(name));
        life.append(job('e', { runs: runs(5) }));
        life.update(job('a', { runs: runs(1) }));
        life.update(job('a', { runs: runs(2) }));
        await life.until(7);
        life.update(job('b', { runs: runs(3) }));
        life.update(job('c', { runs: runs(4) }));
        life.forget('c');
        await life.until(9);
        expect((await restart(life)).kept).toEqual(
          [
            job('a', { runs: runs(2) }),
            job('b', { runs: runs(3) }),
            job('d'),
            job('e', { runs: runs(5) }),
          ].map(copyOf),
        );
      });

    if (under.keepsRuns === true) {
      it('keeps a dead job beside a live one of the same unique, and lets it live again', async () => {
        const life = await begin();
        life.append(job('a'));
        await life.until(1);
        life.update(job('a', { runs: runs(5) }));
        const dead = life.references.get('a') as number;
        life.append(job('a', { workload: Buffer.from('younger') }));
        await life.until(3);
        const next = await restart(life);
        const both = [job('a', { workload: Buffer.from('younger') }), job('a', { runs: runs(5) })];
        expect(sorted(next.kept)).toEqual(sorted(both.map(copyOf)));
        expect(life.outcomes).toEqual(Array(3).fill(['a', true]));
        // The dead one came with its own reference.
        const references = [...next.all];
        const live = references.find(({ job: { runs: kept } }) => kept === null)?.reference ?? 0;
        const kicked = references.find(({ job: { runs: kept } }) => kept !== null)?.reference ?? 0;
        expect(dead).toBeGreaterThan(0);
        next.store.forget(live);
        next.references.set('a', kicked);
        next.update(job('a', { runs: { ...runs(0), details: runs(5).details } }));
        await next.until(1);
        expect(next.outcomes).toEqual([['a', true]]);
        const last = await restart(next);
        expect(last.kept).toEqual([
          copyOf(job('a', { runs: { ...runs(0), details: runs(5).details } })),
        ]);
        last.forget('a');
        await last.until(0);
        expect((await restart(last)).kept).toEqual([]);
      });

      it('forgets dead jobs, and jobs that died before they were stored', async () => {
        const life = await begin();
        life.append(job('a'), false);
        life.update(job('a', { runs: runs(5) }));
        life.append(job('b'));
        await life.until(3);
        life.update(job('b', { runs: runs(5) }));
        life.forget('b');
        await life.until(4);
        const next = await restart(life);
        expect(next.kept).toEqual([copyOf(job('a', { runs: runs(5) }))]);
        next.forget('a');
        await next.until(0);
        expect((await restart(next)).kept).toEqual([]);
      });

      it('gives back the handle of a job', async () => {
        const handle = Buffer.from(`H:${'h'.repeat(61)}`);
        const life = await begin();
        life.append(job('a', { runs: { ...runs(0), handle } }));
        await life.until(1);
        life.update(job('a', { runs: { ...runs(3), handle } }));
        await life.until(2);
        expect((await restart(life)).kept).toEqual([
          copyOf(job('a', { runs: { ...runs(3), handle } })),
        ]);
      });
    }

    it('gives jobs back after a restart: every byte, in the order of their submits', async () => {
      const jobs = [
        job('first', { priority: 0, startMs: under.keepsStarts === false ? 0 : 1_900_000_000_000 }),
        job('binary', {
          unique: under.keepsBinaryUniques ? Uint8Array.of(0x62, 0xff, 0x80) : Buffer.from('ü€'),
          workload: Uint8Array.from({ length: 512 }, (_, i) => i & 0xff),
        }),
        job('reduce', { reducer: Buffer.from(under.keepsReducers ? 'sum' : ''), priority: 2 }),
        job('empty', { workload: new Uint8Array(0) }),
        job('large', { workload: new Uint8Array(300_000).fill(7) }),
      ];
      const life = await begin();
      for (const one of jobs) life.append(one);
      await life.until(jobs.length);
      expect((await restart(life)).kept).toEqual(jobs.map(copyOf));
    });

    it('gives back neither what was forgotten nor what was forgotten before it was stored', async () => {
      const life = await begin();
      for (const name of ['a', 'b', 'c']) life.append(job(name));
      life.forget('b');
      await life.until(3);
      life.forget('a');
      await life.until(3);
      const next = await restart(life);
      expect(next.kept).toEqual([copyOf(job('c'))]);
      next.forget('c');
      await next.until(0);
      expect((await restart(next)).kept).toEqual([]);
    });

    it('keeps two jobs of one function without unique, or with the unique -', async () => {
      const life = await begin();
      for (const unique of ['', '', '-', '-'])
        life.append(job(unique, { unique: Buffer.from(unique) }));
      await life.until(4);
      expect((await restart(life)).kept).toHaveLength(4);
    });

    it('commits what waits when it is closed', async () => {
      const life = await begin();
      life.append(job('a'));
      life.append(job('b'), false);
      expect((await restart(life)).kept).toHaveLength(2);
    });
  });
}
