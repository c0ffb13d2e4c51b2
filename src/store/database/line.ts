/**
 * One connection to the database and what waits to be written through it. Rule: one write at a time, of everything that
 * waits; after a failure the connection is given up and opened anew, until a trial shows that the database takes writes.
 */
import { LogLevel } from '../../base/logger.ts';
import type { Backend, Batch, Put, Refusal, RowKey } from './backend.ts';

const RETRY_MS_MIN = 100;
const RETRY_MS_MAX = 5_000;
/** A database that has not answered for so long is given up. */
const WRITE_MS_MAX = 120_000;
/** A row that nobody has: to remove it is a write that changes nothing. */
const NOBODY: RowKey = {
  key: Buffer.from('geartrain:trial'),
  functionName: Buffer.from('geartrain:trial'),
};

/** Who writes through a line. */
export interface Writer {
  written(refusals: readonly Refusal[]): void;
  /** Nothing is known of its batch, if it had one; nothing can be written until `back`. */
  away(): void;
  back(): void;
}

interface Job {
  readonly writer: Writer;
  readonly batch: Batch;
}

export interface LineOptions {
  readonly backend: Backend;
  /** For log lines. */
  readonly label: string;
  log(level: number, text: string): void;
}

export class Line {
  readonly #options: LineOptions;
  readonly #writers = new Set<Writer>();
  #waiting: Job[] = [];
  #isBusy = false;
  #isAway = false;
  #isClosed = false;
  /** Since when the log says that the database is away; null when it does not. */
  #toldAtMs: number | null = null;
  #retryMs = RETRY_MS_MIN;
  #stopWaiting: () => void = () => {};
  #idle: (() => void)[] = [];

  constructor(options: LineOptions) {
    this.#options = options;
  }

  async open(): Promise<void> {
    const { backend, label } = this.#options;
    try {
      await backend.open(this.#onLost);
    } catch (error) {
      throw new Error(`open ${label}: ${messageOf(error as Error)}`, { cause: error });
    }
  }

  get remark(): string | null {
    return this.#options.backend.remark ?? null;
  }

  /** A writer that comes while the database is away hears of it. */
  add(writer: Writer): void {
    this.#writers.add(writer);
    if (this.#isAway) writer.away();
  }

  remove(writer: Writer): void {
    this.#writers.delete(writer);
  }

  /** One batch a writer at a time; answered by `written` or `away`. */
  write(writer: Writer, batch: Batch): void {
    if (this.#isAway || this.#isClosed) {
      writer.away();
      return;
    }
    this.#waiting.push({ writer, batch });
    if (!this.#isBusy) this.#run();
  }

  /** Resolves when nothing is being written and nothing waits. */
  idle(): Promise<void> {
    if (!this.#isBusy) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#stopWaiting();
    await this.idle();
    await this.#options.backend.close();
  }

  /** Nobody has to wait for the next batch to fail. */
  readonly #onLost = (error: Error): void => {
    if (this.#isBusy || this.#isClosed) return;
    this.#away();
    this.#run(Promise.reject(error));
  };

  #run(work: Promise<void> = this.#writeAll()): void {
    this.#isBusy = true;
    work
      .catch((error: unknown) => this.#recover(error as Error))
      .finally(() => {
        this.#isBusy = false;
        for (const resolve of this.#idle.splice(0)) resolve();
      });
  }

  async #writeAll(): Promise<void> {
    while (this.#waiting.length > 0) {
      const jobs = this.#waiting.splice(0);
      try {
        await this.#write(jobs);
      } catch (error) {
        this.#away();
        throw error;
      }
    }
  }

  async #write(jobs: readonly Job[]): Promise<void> {
    const { backend } = this.#options;
    const forgets: RowKey[] = [];
    const puts: Put[] = [];
    /** By number of a put in the joined batch. */
    const owners: { readonly job: number; readonly index: number }[] = [];
    const refusals: Refusal[][] = jobs.map(() => []);
    for (const [job, { batch }] of jobs.entries()) {
      for (const row of batch.forgets) forgets.push(row);
      for (const [index, put] of batch.puts.entries()) {
        const reason = backend.unfit(put);
        if (reason === null) {
          owners.push({ job, index });
          puts.push(put);
        } else refusals[job]?.push({ index, reason });
      }
    }
    if (forgets.length > 0 || puts.length > 0)
      for (const { index, reason } of await within(
        WRITE_MS_MAX,
        backend.write({ forgets, puts }),
      )) {
        const owner = owners[index] as { readonly job: number; readonly index: number };
        refusals[owner.job]?.push({ index: owner.index, reason });
      }
    if (puts.length > 0) this.#told();
    for (const [job, { writer }] of jobs.entries()) writer.written(refusals[job] as Refusal[]);
  }

  #away(): void {
    this.#isAway = true;
    this.#waiting = [];
    for (const writer of this.#writers) writer.away();
  }

  /** Opens the connection anew until the database takes writes. */
  async #recover(error: Error): Promise<void> {
    const { backend, label, log } = this.#options;
    if (this.#toldAtMs === null) {
      this.#toldAtMs = performance.now();
      log(LogLevel.ERROR, `${label} fails, background jobs are refused: ${messageOf(error)}`);
    }
    for (let attempt = 1; !this.#isClosed; attempt++) {
      await backend.close().catch(() => {});
      await this.#pause();
      if (this.#isClosed) return;
      try {
        await backend.open(this.#onLost);
        await within(WRITE_MS_MAX, backend.write({ forgets: [NOBODY], puts: [] }));
      } catch {
        continue;
      }
      this.#isAway = false;
      // At the first attempt nothing shows yet that what has failed would not fail again.
      if (attempt > 1) this.#told();
      for (const writer of this.#writers) writer.back();
      return;
    }
  }

  /** Jobs are taken again. */
  #told(): void {
    this.#retryMs = RETRY_MS_MIN;
    if (this.#toldAtMs === null) return;
    const seconds = ((performance.now() - this.#toldAtMs) / 1000).toFixed(1);
    this.#toldAtMs = null;
    const { label, log } = this.#options;
    log(LogLevel.NOTICE, `${label} works again after ${seconds} s`);
  }

  /** Any time up to a bound that doubles: many servers that lost one database do not come back at once. */
  #pause(): Promise<void> {
    const ms = Math.random() * this.#retryMs;
    this.#retryMs = Math.min(RETRY_MS_MAX, 2 * this.#retryMs);
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#stopWaiting = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

/** Errors of several addresses of one host have their texts within. */
function messageOf(error: Error): string {
  const [first] = error instanceof AggregateError ? error.errors : [];
  return error.message || (first as Error | undefined)?.message || error.name;
}

/** Rejects when `promise` has not settled in time. */
async function within<T>(ms: number, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${ms / 1000} s`)), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
