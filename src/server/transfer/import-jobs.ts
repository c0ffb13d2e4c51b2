/**
 * Adds jobs from lines to a store. Rule: all jobs are added, or none. Every line is checked before the first job is
 * added. A journal gets the jobs by one change of its manifest, which has format 2 if a job has runs. If a database
 * refuses single jobs, the others are removed again; only a crash before that leaves some of
 * them.
 */
import { randomInt } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { type Logger, LogLevel } from '../../base/logger.ts';
import { shardOfName } from '../../protocol/shard-of.ts';
import { type Manifest, readManifest, writeManifest } from '../../store/manifest.ts';
import { removeJournals, reshard } from '../../store/reshard.ts';
import { lockState } from '../../store/state-lock.ts';
import type { StoredJob } from '../../store/stored-job.ts';
import { newHashSeed, nextBoot } from '../identity.ts';
import type { ResolvedOptions } from '../options.ts';
import { jobOf } from './job-line.ts';
import { folderOf, KeptStores, optionsAsKept } from './kept-stores.ts';

/** When so many jobs wait for the store, reading pauses. */
const UNCOMMITTED_MAX = 5_000;
const PROBLEMS_MAX = 20;

/** One line without its end, and its number from 1. */
export interface NumberedLine {
  readonly number: number;
  readonly text: string;
}

export interface ImportOptions {
  readonly options: ResolvedOptions;
  readonly log: Logger;
  /** All lines from the first one on. It is called twice; `step` says what the lines are read for. */
  lines(step: 'check' | 'add'): Iterable<NumberedLine>;
}

/** Lines were refused; nothing was added. */
export class RefusedLines extends Error {
  override readonly name = 'RefusedLines';
  /** One sentence for each of the first refused lines. */
  readonly problems: readonly string[];

  constructor(problems: readonly string[], count: number) {
    const more = count > problems.length ? ` (the first ${problems.length} are shown)` : '';
    super(
      `nothing was imported: ${count} ${count === 1 ? 'line was' : 'lines were'} refused${more}`,
    );
    this.problems = problems;
  }
}

class Problems {
  readonly #told: string[] = [];
  count = 0;

  add(number: number, reason: string): void {
    this.count++;
    if (this.#told.length < PROBLEMS_MAX) this.#told.push(`line ${number}: ${reason}`);
  }

  throwIfAny(): void {
    if (this.count > 0) throw new RefusedLines(this.#told, this.count);
  }
}

/** Resolves to the number of jobs. Rejects with RefusedLines when a job cannot be kept. */
export async function importJobs(from: ImportOptions): Promise<number> {
  const kept = optionsAsKept(from.options);
  const { count, withRuns } = check(from);
  if (kept.queueType === 'journal') await addToJournal(from, kept, withRuns > 0);
  else await addToDatabase(from, kept);
  return count;
}

/** Numbers of all jobs and of those with runs. */
function check({ options, lines }: ImportOptions): { count: number; withRuns: number } {
  const problems = new Problems();
  let count = 0;
  let withRuns = 0;
  for (const { number, text } of lines('check')) {
    const job = jobOf(text, options.maxPacketSize);
    if (typeof job === 'string') problems.add(number, job);
    else {
      count++;
      if (job.runs !== null) withRuns++;
    }
  }
  problems.throwIfAny();
  return { count, withRuns };
}

function* jobsOf({ options, lines }: ImportOptions): Generator<readonly [number, StoredJob]> {
  for (const { number, text } of lines('add')) {
    const job = jobOf(text, options.maxPacketSize);
    // The file has changed since it was checked.
    if (typeof job === 'string') throw new RefusedLines([`line ${number}: ${job}`], 1);
    yield [number, job];
  }
}

/** New journals with the old jobs, followed by the new ones. */
async function addToJournal(
  from: ImportOptions,
  options: ResolvedOptions,
  hasRuns: boolean,
): Promise<void> {
  const folder = folderOf(options);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const lock = await lockState(folder);
  try {
    const before = readManifest(folder);
    const to: Manifest = {
      format: hasRuns ? 2 : (before?.format ?? 1),
      generation: (before?.generation ?? 0) + 1,
      shards: before?.shards ?? options.threads,
      hashSeed: before?.hashSeed ?? newHashSeed(),
      salt: before?.salt ?? randomInt(2 ** 32),
      boot: before?.boot ?? nextBoot(),
    };
    const { shards, hashSeed } = to;
    try {
      await reshard({
        folder,
        from: before,
        to,
        ownerOf: (name) => shardOfName(name, hashSeed, shards),
        log: (level, text) => from.log.log(level, text),
        more: jobsOf(from),
      });
    } catch (error) {
      removeJournals(folder, to.generation, to.shards);
      throw error;
    }
    writeManifest(folder, to);
    if (before !== null) removeJournals(folder, before.generation, before.shards);
  } finally {
    await lock.release();
  }
}

async function addToDatabase(from: ImportOptions, options: ResolvedOptions): Promise<void> {
  const reasons = new Set<string>();
  const log: Logger = {
    level: from.log.level,
    log: (level, text) => {
      // Why the database refuses the job; reported with its line instead.
      const [, reason] =
        /^a background job was refused: (.*?)( \(and \d+ more\))?$/.exec(text) ?? [];
      if (reason === undefined) from.log.log(level, text);
      else reasons.add(reason);
    },
  };
  const stores = await KeptStores.open(options, log);
  try {
    await stores.read(() => {});
    const [store] = stores.stores;
    if (store === undefined) throw new Error('there is no store');
    const added: number[] = [];
    /** References in the store by ticket, which is the line number, until the store has confirmed the jobs. */
    const references = new Map<number, number>();
    const problems = new Problems();
    const why = (): string =>
      `the store does not take it: ${[...reasons].join('; ') || 'it is away'}`;
    const settle = async (uncommittedMax: number): Promise<void> => {
      for (;;) {
        store.takeOutcomes((number, isStored) => {
          if (isStored) added.push(references.get(number) as number);
          else problems.add(number, why());
          references.delete(number);
        });
        store.flush(performance.now());
        if (store.health.uncommitted <= uncommittedMax) return;
        await stores.idle();
      }
    };
    for (const [number, job] of jobsOf(from)) {
      const reference = store.append(job, number, true);
      if (reference === 0) problems.add(number, why());
      else references.set(number, reference);
      if (store.health.uncommitted > UNCOMMITTED_MAX) await settle(UNCOMMITTED_MAX / 2);
    }
    await settle(0);
    if (problems.count > 0) {
      for (const reference of added) store.forget(reference);
      await settle(0);
      from.log.log(LogLevel.NOTICE, `${added.length} jobs that were added were removed again`);
    }
    problems.throwIfAny();
  } finally {
    await stores.close();
  }
}
