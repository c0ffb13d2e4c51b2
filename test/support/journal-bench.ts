/**
 * A journal on files in memory, driven by hand: numbered jobs, their reported outcomes, and the jobs that a restart
 * gives back. Runs of jobs are numbered too, by their version. Rule: the books know only what a server would know:
 * outcomes reported by `takeOutcomes`.
 */
import { Journal } from '../../src/store/journal/journal.ts';
import type { StoreHost } from '../../src/store/store.ts';
import { type JobParts, StoredJob, type StoredRuns } from '../../src/store/stored-job.ts';
import { copyOf } from './hand-store.ts';
import { MemoryFiles } from './memory-files.ts';

export const SALT = 0x5a17;
export const FOLDER = 'journal';

export interface Kept {
  readonly job: StoredJob;
  readonly reference: number;
  readonly order: number;
}

/** The number of a job, at the start of its workload. */
export const numberOf = (job: StoredJob): number =>
  Number(Buffer.from(job.workload).toString('latin1').split(' ')[0]);

export const jobNumbered = (number: number, bytes?: number): StoredJob =>
  StoredJob.of(partsNumbered(number, bytes));

export function partsNumbered(number: number, bytes = 40): JobParts {
  return {
    functionName: Buffer.from(`function-${number % 3}`),
    unique: Buffer.from(number % 2 === 0 ? `unique-${number}` : ''),
    reducer: Buffer.from(number % 7 === 0 ? 'reduce' : ''),
    priority: number % 3,
    startMs: number % 5 === 0 ? 1_700_000_000_000 + number : 0,
    workload: Buffer.from(`${number} `.padEnd(bytes, 'x')),
  };
}

/** Runs that are different for each version. */
export function runsNumbered(version: number): StoredRuns {
  const text = `${version} `;
  return {
    attempts: version % 1001,
    losses: (version * 7) % 65_536,
    dueMs: version % 3 === 0 ? 0 : 1_800_000_000_000 + version,
    delayMs: version * 1.5,
    isDead: version % 4 === 0,
    details: Buffer.from(version % 5 === 0 ? text : text.padEnd((version * 37) % 600, 'e')),
  };
}

/** The version of a job's runs; 0 without runs. */
export const versionOf = ({ runs }: StoredJob): number =>
  runs === null ? 0 : Number(Buffer.from(runs.details).toString('latin1').split(' ')[0]);

/** Tickets of updates; those of puts are the numbers of the jobs. */
const FIRST_UPDATE = 1_000_000;

export interface NumberedUpdate {
  readonly number: number;
  readonly version: number;
}

export interface JournalPlan {
  /** Default: once a job with runs was given to it, as the server's manifest says. */
  readonly isVersion2?: boolean;
  readonly segmentBytes?: number;
  readonly relaxedMs?: number | null;
}

export class JournalBench {
  readonly files: MemoryFiles;
  readonly journal: Journal;
  readonly lines: string[] = [];
  readonly plan: JournalPlan;
  nowMs = 1000;
  isAwake = false;
  /** Numbers of jobs with a reported outcome, and references of kept jobs. */
  readonly stored = new Set<number>();
  readonly refused = new Set<number>();
  readonly references = new Map<number, number>();
  /** Updates with a reported outcome, oldest first. */
  readonly updated: (NumberedUpdate & { readonly isStored: boolean })[] = [];
  /** By ticket. */
  readonly #updates: NumberedUpdate[] = [];
  readonly #parts = new Map<number, JobParts>();
  #isVersion2: boolean;

  constructor(files = new MemoryFiles(), plan: JournalPlan = {}) {
    this.files = files;
    this.plan = plan;
    this.#isVersion2 = plan.isVersion2 ?? false;
    const host: StoreHost = {
      wake: () => {
        this.isAwake = true;
      },
      log: (_level, text) => this.lines.push(text),
      nowMs: () => this.nowMs,
    };
    this.journal = new Journal(
      {
        files,
        folder: FOLDER,
        shard: 1,
        salt: SALT,
        relaxedMs: plan.relaxedMs ?? null,
        isVersion2: this.#isVersion2,
        segmentBytes: plan.segmentBytes ?? 4096,
        defer: (step) => step(),
      },
      host,
    );
  }

  /** Reads the journal; returns its jobs in the order of submits. */
  start(): Kept[] {
    const kept: Kept[] = [];
    let failure: Error | null = new Error('the replay did not end');
    this.journal.replay(
      (job, reference, order) => kept.push({ job: copyOf(job), reference, order }),
      (error) => {
        failure = error;
      },
    );
    this.files.run();
    if (failure !== null) throw failure;
    kept.sort((a, b) => a.order - b.order);
    for (const { job, reference } of kept) {
      this.references.set(numberOf(job), reference);
      this.#parts.set(numberOf(job), partsNumbered(numberOf(job), job.workloadBytes));
    }
    return kept;
  }

  /** False when the journal takes nothing now. */
  append(number: number, bytes?: number, isAwaited = true, version = 0): boolean {
    const parts = partsNumbered(number, bytes);
    this.#parts.set(number, parts);
    if (version > 0) this.#isVersion2 = true;
    const runs = version === 0 ? null : runsNumbered(version);
    const reference = this.journal.append(StoredJob.of({ ...parts, runs }), number, isAwaited);
    if (reference > 0) this.references.set(number, reference);
    return reference > 0;
  }

  /** Gives a job the runs of this version; false when the journal takes nothing now. */
  update(number: number, version: number, isAwaited = true): boolean {
    this.#isVersion2 = true;
    const parts = this.#parts.get(number) as JobParts;
    const job = StoredJob.of({ ...parts, runs: runsNumbered(version) });
    const reference = this.references.get(number) as number;
    const ticket = FIRST_UPDATE + this.#updates.length;
    const isTaken = this.journal.update(job, reference, ticket, isAwaited);
    if (isTaken) this.#updates.push({ number, version });
    return isTaken;
  }

  forget(number: number): void {
    const reference = this.references.get(number);
    if (reference === undefined) throw new Error(`forget ${number}: it is not kept`);
    this.references.delete(number);
    this.journal.forget(reference);
  }

  /** One turn: takes outcomes, begins a commit. */
  turn(): number {
    this.isAwake = false;
    this.journal.takeOutcomes((ticket, isStored) => {
      if (ticket >= FIRST_UPDATE)
        this.updated.push({
          ...(this.#updates[ticket - FIRST_UPDATE] as NumberedUpdate),
          isStored,
        });
      else if (isStored) this.stored.add(ticket);
      else {
        this.refused.add(ticket);
        this.references.delete(ticket);
      }
    });
    return this.journal.flush(this.nowMs);
  }

  /** Turns and operations until nothing is left to do now. */
  rest(): void {
    do {
      this.turn();
      this.files.run();
    } while (this.isAwake);
  }

  /** The same files in another life. */
  next(plan: JournalPlan = this.plan): JournalBench {
    this.files.kill();
    return new JournalBench(this.files, { ...plan, isVersion2: this.#isVersion2 });
  }

  close(): void {
    let isClosed = false;
    this.journal.close(() => {
      isClosed = true;
    });
    this.files.run();
    if (!isClosed) throw new Error('the journal did not close');
  }
}
