/**
 * Redistributes kept jobs when the number of shards has changed: reads the journals of the last run one by one and
 * appends each job to the journal of its new owner. Rule: the old journals stay valid until all new ones are durable,
 * so that a crash in between loses nothing. Journals of a manifest of format 1 get no jobs with runs. The order within a function stays, because each function has one owner
 * before and one after.
 */
import { rmSync } from 'node:fs';
import { nodeFiles } from './file-system.ts';
import { Journal } from './journal/journal.ts';
import { journalFolder, type Manifest, shardsOf } from './manifest.ts';
import type { StoreHost } from './store.ts';
import type { StoredJob } from './stored-job.ts';

/** When so many jobs wait for the disk, reading pauses. */
const UNCOMMITTED_MAX = 10_000;
/** Size of a job besides its workload and the details of its runs, and the limit of waiting bytes. */
const JOB_BYTES = 200;
const WAITING_BYTES_MAX = 4 * 1024 * 1024;

export interface Rerouting {
  readonly folder: string;
  /** The manifest of the last run; null when there are no journals yet. */
  readonly from: Manifest | null;
  readonly to: Manifest;
  /** The shard that owns a function from now on. */
  ownerOf(functionName: Uint8Array): number;
  log(level: number, text: string): void;
  /** Additional jobs, with their numbers, to be appended after the others. */
  readonly more?: Iterable<readonly [number, StoredJob]>;
}

/** Resolves to the number of jobs when all of them are in the journals of `to`. */
export async function reshard(options: Rerouting): Promise<number> {
  const { folder, from, to } = options;
  const target = new Target(options);
  try {
    await target.open();
    if (from !== null)
      for (const shard of shardsOf(from.shards)) await moveFrom(options, from, shard, target);
    let waitingBytes = 0;
    for (const [, job] of options.more ?? []) {
      target.add(job);
      waitingBytes += job.workloadBytes + (job.runs?.details.length ?? 0) + JOB_BYTES;
      if (waitingBytes < WAITING_BYTES_MAX) continue;
      await target.catchUp(0);
      waitingBytes = 0;
    }
    await target.catchUp(0);
  } finally {
    await target.close();
  }
  if (target.refused > 0)
    throw new Error(`spread jobs in ${folder} over ${to.shards} shards: the disk takes no more`);
  return target.count;
}

/** Deletes the journals of a run that are no longer used. */
export function removeJournals(folder: string, generation: number, shards: number): void {
  for (const shard of shardsOf(shards))
    rmSync(journalFolder(folder, generation, shard), { recursive: true, force: true });
}

/** The new journals. */
class Target {
  readonly #options: Rerouting;
  readonly #journals = new Map<number, Journal>();
  count = 0;
  refused = 0;

  constructor(options: Rerouting) {
    this.#options = options;
  }

  async open(): Promise<void> {
    const { folder, to } = this.#options;
    // Removes the rest of an earlier attempt.
    removeJournals(folder, to.generation, to.shards);
    for (const shard of shardsOf(to.shards)) {
      const journal = new Journal(journalOptions(this.#options, to, shard), hostOf(this.#options));
      this.#journals.set(shard, journal);
      await new Promise<void>((resolve, reject) =>
        journal.replay(
          () => {},
          (error) => (error === null ? resolve() : reject(error)),
        ),
      );
    }
  }

  get journals(): Journal[] {
    return [...this.#journals.values()];
  }

  at(functionName: Uint8Array): Journal {
    return this.#journals.get(this.#options.ownerOf(functionName)) as Journal;
  }

  add(job: StoredJob): void {
    this.count++;
    if (this.at(job.functionName).append(job, this.count, true) === 0) this.refused++;
  }

  /** Waits until few jobs are uncommitted. */
  async catchUp(uncommittedMax: number): Promise<void> {
    for (;;) {
      for (const journal of this.journals) {
        journal.takeOutcomes((_ticket, isStored) => {
          if (!isStored) this.refused++;
        });
        journal.flush(performance.now());
      }
      if (this.journals.every(({ health }) => health.uncommitted <= uncommittedMax)) return;
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  async close(): Promise<void> {
    for (const journal of this.journals)
      await new Promise<void>((resolve) => journal.close(() => resolve()));
  }
}

async function moveFrom(
  options: Rerouting,
  from: Manifest,
  shard: number,
  target: Target,
): Promise<void> {
  let fail: (error: unknown) => void = () => {};
  const defer = (step: () => void): void => {
    target
      .catchUp(UNCOMMITTED_MAX)
      .then(step)
      .catch((error: unknown) => fail(error));
  };
  const source = new Journal({ ...journalOptions(options, from, shard), defer }, hostOf(options));
  await new Promise<void>((resolve, reject) => {
    fail = reject;
    source.replay(
      (job) => {
        target.add(job);
      },
      (error) => (error === null ? resolve() : reject(error)),
    );
  });
  await target.catchUp(0);
  await new Promise<void>((resolve) => source.close(() => resolve()));
}

function journalOptions(options: Rerouting, manifest: Manifest, shard: number) {
  const folder = journalFolder(options.folder, manifest.generation, shard);
  const { salt, format } = manifest;
  return { files: nodeFiles, folder, shard, salt, relaxedMs: null, isVersion2: format === 2 };
}

function hostOf(options: Rerouting): StoreHost {
  return {
    wake: () => {},
    log: (level, text) => options.log(level, text),
    nowMs: () => performance.now(),
  };
}
