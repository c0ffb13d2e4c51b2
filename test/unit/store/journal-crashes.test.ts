/**
 * Random journals: jobs are appended, updated and forgotten, disks fail and are full, and each life ends with a kill or
 * a loss of power. What the next life reads must be what was reported.
 */
import { expect, it } from 'vitest';
import { entryBytesOf } from '../../../src/store/journal/entry-bytes.ts';
import { scanEntries } from '../../../src/store/journal/scan.ts';
import {
  JournalBench,
  type Kept,
  numberOf,
  runsNumbered,
  SALT,
  versionOf,
} from '../../support/journal-bench.ts';
import { type MemoryFiles, type Operation, systemError } from '../../support/memory-files.ts';
import { Random } from '../../support/random.ts';

const runs = process.env.GEARTRAIN_FULL === '1' ? 5000 : 100;
const FAULTS: readonly Operation[] = ['write', 'sync', 'rename', 'syncFolder', 'read'];
/** As entry.ts says: offset of an entry's kind, and the kind of puts with runs. */
const KIND_AT = 8;
const RUNS_KIND = 3;

/** One job: versions of its runs that were given to the journal, oldest first; 0: without runs. */
interface Known {
  readonly versions: number[];
  /** Index of the last version that is stored for sure; -1: none. */
  sure: number;
  state: 'live' | 'forgotten' | 'gone';
}

class Lives {
  readonly #seed: number;
  readonly #random: Random;
  readonly #withFaults: boolean;
  readonly #jobs = new Map<number, Known>();
  #bench: JournalBench;
  #lastNumber = 0;
  #lastVersion = 0;
  #seenUpdates = 0;

  constructor(seed: number, withFaults: boolean) {
    this.#seed = seed;
    this.#random = new Random(seed);
    this.#withFaults = withFaults;
    const segmentBytes = this.#random.pick([1024, 4096, 65536]);
    this.#bench = new JournalBench(undefined, { segmentBytes });
  }

  run(): void {
    this.#bench.start();
    for (let life = 0; life < 4; life++) {
      for (let step = this.#random.between(5, 120); step > 0; step--) this.#step();
      this.#bench.turn();
      this.#learn();
      this.#crash();
    }
    this.#endAll();
  }

  #step(): void {
    const random = this.#random;
    const act = random.below(12);
    if (act < 4) this.#append();
    else if (act < 6) this.#forget();
    else if (act < 8) this.#update();
    else if (act < 11) this.#bench.files.step();
    else this.#bench.turn();
    if (this.#withFaults && random.oneIn(10)) this.#changeFaults();
    if (random.oneIn(40)) this.#rest();
    this.#learn();
  }

  #append(): void {
    const version = this.#random.oneIn(8) ? ++this.#lastVersion : 0;
    const number = ++this.#lastNumber;
    if (!this.#bench.append(number, this.#random.pick([20, 100, 3000]), true, version)) return;
    this.#jobs.set(number, { versions: [version], sure: -1, state: 'live' });
  }

  /** A job that the server may refer to; its put may still wait, or may have failed unknown to the server. */
  #anyJob(): number | null {
    const known = [...this.#bench.references.keys()];
    return known.length === 0 ? null : this.#random.pick(known);
  }

  #update(): void {
    const number = this.#anyJob();
    if (number === null) return;
    for (let count = this.#random.pick([1, 1, 1, 3]); count > 0; count--) {
      const version = ++this.#lastVersion;
      if (this.#bench.update(number, version)) this.#jobs.get(number)?.versions.push(version);
    }
  }

  #forget(): void {
    const number = this.#anyJob();
    if (number === null) return;
    this.#bench.forget(number);
    (this.#jobs.get(number) as Known).state = 'forgotten';
  }

  #changeFaults(): void {
    const { files } = this.#bench;
    const failing = this.#random.oneIn(3) ? this.#random.pick(FAULTS) : null;
    files.fault = (operation) => (operation === failing ? systemError('EIO') : null);
    const used = files.paths.reduce((sum, path) => sum + files.byteCount(path), 0);
    files.capacity = this.#random.oneIn(4) ? used : Number.POSITIVE_INFINITY;
    this.#bench.nowMs += this.#random.pick([0, 200, 10_000]);
  }

  #rest(): void {
    this.#bench.rest();
    if (this.#bench.journal.health.uncommitted > 0) return;
    for (const known of this.#jobs.values()) if (known.state === 'forgotten') known.state = 'gone';
  }

  /** What the server has been told. */
  #learn(): void {
    for (const number of this.#bench.stored) this.#know(number, 0);
    const { updated } = this.#bench;
    for (; this.#seenUpdates < updated.length; this.#seenUpdates++) {
      const { number, version, isStored } = updated[this.#seenUpdates] as (typeof updated)[number];
      const known = this.#jobs.get(number);
      if (isStored && known !== undefined) this.#know(number, known.versions.indexOf(version));
    }
  }

  #know(number: number, index: number): void {
    const known = this.#jobs.get(number) as Known;
    known.sure = Math.max(known.sure, index);
  }

  #crash(): void {
    const { files } = this.#bench;
    files.fault = () => null;
    files.capacity = Number.POSITIVE_INFINITY;
    if (this.#random.oneIn(3)) files.kill();
    else files.losePower(this.#random);
    this.#begin();
  }

  #begin(): void {
    this.#bench = this.#bench.next();
    this.#seenUpdates = 0;
    const kept = this.#bench.start();
    this.#compare(kept);
    expectVersions(this.#bench.files);
    for (const known of this.#jobs.values()) if (known.state === 'forgotten') known.state = 'gone';
    for (const { job } of kept)
      this.#jobs.set(numberOf(job), { versions: [versionOf(job)], sure: 0, state: 'live' });
  }

  #compare(kept: readonly Kept[]): void {
    const seed = this.#seed;
    const numbers = kept.map(({ job }) => numberOf(job));
    expect(new Set(numbers).size, `seed ${seed}`).toBe(kept.length);
    expect(numbers, `seed ${seed}`).toEqual([...numbers].sort((a, b) => a - b));
    const jobs = [...this.#jobs];
    const lost = jobs.filter(([n, { sure, state }]) => {
      return state === 'live' && sure >= 0 && !numbers.includes(n);
    });
    const back = jobs.filter(([n, { state }]) => state === 'gone' && numbers.includes(n));
    expect({ seed, lost, back }).toEqual({ seed, lost: [], back: [] });
    for (const { job } of kept) {
      const { versions, sure } = this.#jobs.get(numberOf(job)) as Known;
      const version = versionOf(job);
      const number = numberOf(job);
      const at = versions.indexOf(version);
      expect({ seed, number, version, at }).toMatchObject({ at: expect.toSatisfy((i) => i >= 0) });
      expect(at, `seed ${seed} job ${number}, ${versions}`).toBeGreaterThanOrEqual(sure);
      const given = version === 0 ? null : runsNumbered(version);
      expect(plain(job.runs), `seed ${seed} job ${number}`).toEqual(plain(given));
    }
    expect(this.#bench.journal.health.jobs, `seed ${seed}`).toBe(kept.length);
  }

  /** Forgets every job: all segments but the active one are deleted, so each was counted in the right one. */
  #endAll(): void {
    for (let step = 60; step > 0; step--) this.#step();
    this.#bench.files.fault = () => null;
    this.#bench.files.capacity = Number.POSITIVE_INFINITY;
    this.#bench.nowMs += 10_000;
    this.#bench.rest();
    // Segments are deleted after a commit.
    this.#bench.append(++this.#lastNumber);
    this.#bench.rest();
    for (const number of [...this.#bench.references.keys()]) this.#bench.forget(number);
    this.#bench.rest();
    const segments = this.#bench.files.paths.filter((path) => path.endsWith('.log'));
    expect(segments.length, `seed ${this.#seed}`).toBeLessThanOrEqual(1);
    expect(this.#bench.journal.health, `seed ${this.#seed}`).toMatchObject({
      jobs: 0,
      uncommitted: 0,
    });
    expect(this.#bench.next().start(), `seed ${this.#seed}`).toEqual([]);
  }
}

const plain = (value: object | null): unknown =>
  value === null
    ? null
    : Object.entries(value).map(([key, field]) => [
        key,
        field instanceof Uint8Array ? Buffer.from(field).toString() : field,
      ]);

/** No segment whose header says version 1 has an entry that a server of version 1 does not know. */
function expectVersions(files: MemoryFiles): void {
  for (const path of files.paths.filter((name) => name.endsWith('.log'))) {
    const entries = entryBytesOf(files.contents(path));
    const version = entries.view.getUint32(8, true);
    scanEntries(entries, entries.bytes.length, SALT, (at) => {
      if (entries.bytes[at + KIND_AT] === RUNS_KIND) expect(version, path).toBe(2);
    });
  }
}

it(`keeps everything it called stored and nothing that was forgotten in a commit: ${runs} losses of power`, () => {
  for (let seed = 1; seed <= runs; seed++) new Lives(seed, false).run();
}, 600_000);

it(`does so on disks that fail and are full: ${runs} losses of power`, () => {
  for (let seed = 1; seed <= runs; seed++) new Lives(seed, true).run();
}, 600_000);
