/**
 * A journal on files in memory, driven by hand: numbered jobs, their reported outcomes, and the jobs that a restart
 * gives back. Rule: the books know only what a server would know: outcomes reported by `takeOutcomes`.
 */
import { Journal } from '../../src/store/journal/journal.ts';
import type { StoreHost } from '../../src/store/store.ts';
import { type JobParts, StoredJob } from '../../src/store/stored-job.ts';
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

export interface JournalPlan {
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

  constructor(files = new MemoryFiles(), plan: JournalPlan = {}) {
    this.files = files;
    this.plan = plan;
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
    for (const { job, reference } of kept) this.references.set(numberOf(job), reference);
    return kept;
  }

  /** False when the journal takes nothing now. */
  append(number: number, bytes?: number, isAwaited = true): boolean {
    const reference = this.journal.append(jobNumbered(number, bytes), number, isAwaited);
    if (reference > 0) this.references.set(number, reference);
    return reference > 0;
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
    this.journal.takeOutcomes((number, isStored) => {
      if (isStored) this.stored.add(number);
      else {
        this.refused.add(number);
        this.references.delete(number);
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
    return new JournalBench(this.files, plan);
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
