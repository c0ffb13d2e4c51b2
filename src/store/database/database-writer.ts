/**
 * One connection to the database and the batches that wait for it. Rule: one write at a time, with everything that
 * waits. After a failure the connection is opened again and the batch is written again. A failure that lasts longer
 * than the hold time is an outage: then batches are given up, and no batch is taken until a trial has succeeded.
 */
import { LogLevel } from '../../base/logger.ts';
import type { Backend, Batch, Refusal, RowKey } from './backend.ts';
import { messageOf, Pause, within } from './failure.ts';
import { writeJoined } from './joined.ts';

/** How long batches are held, from the first failure on. */
const HOLD_MS = 2_000;
/**
 * Pauses between attempts to connect: first that while batches are held, then the bounds of the random pause during an
 * outage.
 */
const HOLD_RETRY_MS = 1_000;
const RETRY_MS_MIN = 100;
const RETRY_MS_MAX = 5_000;
/** Interval of log lines about an outage. */
const REMIND_MS = 60_000;
/** Time limit of one write. */
const WRITE_MS_MAX = 120_000;
/** A row that does not exist. Removing it tests whether the database takes writes, and changes nothing. */
const TRIAL: RowKey = {
  key: Buffer.from('geartrain:trial'),
  functionName: Buffer.from('geartrain:trial'),
};

/** A shard that writes through this connection. */
export interface Writer {
  written(refusals: readonly Refusal[]): void;
  /**
   * An outage has begun. If the shard has a batch under way, its outcome is unknown. No batch is taken until `back`.
   */
  away(): void;
  back(): void;
}

interface Job {
  readonly writer: Writer;
  readonly batch: Batch;
}

export interface DatabaseWriterOptions {
  readonly backend: Backend;
  /** For log lines. */
  readonly label: string;
  log(level: number, text: string): void;
}

export class DatabaseWriter {
  readonly #options: DatabaseWriterOptions;
  readonly #writers = new Set<Writer>();
  #waiting: Job[] = [];
  /** Jobs of a failed write: its outcome is unknown. */
  #held: readonly Job[] = [];
  #isBusy = false;
  #isAway = false;
  #isClosed = false;
  /** When the log reported the outage; null when there is none. */
  #outageAtMs: number | null = null;
  #remindedAtMs = 0;
  #retryMs = RETRY_MS_MIN;
  #attemptAtMs = Number.NEGATIVE_INFINITY;
  readonly #pause = new Pause();
  #idle: (() => void)[] = [];

  constructor(options: DatabaseWriterOptions) {
    this.#options = options;
  }

  /** Rejects when the database is unusable; with `waits`, an unreachable database counts as an outage instead. */
  async open(waits: boolean): Promise<void> {
    const { backend, label } = this.#options;
    try {
      await backend.open(this.#onLost);
    } catch (error) {
      const text = messageOf(error as Error);
      if (!waits) throw new Error(`open ${label}: ${text}`, { cause: error });
      this.#giveUp(error as Error);
      void this.#run(error as Error, 1);
    }
  }

  /** True during an outage. */
  get isAway(): boolean {
    return this.#isAway;
  }

  get remark(): string | null {
    return this.#options.backend.remark ?? null;
  }

  /** A writer that is added during an outage is notified. */
  add(writer: Writer): void {
    this.#writers.add(writer);
    if (this.#isAway) writer.away();
  }

  remove(writer: Writer): void {
    this.#writers.delete(writer);
  }

  /** Writes a batch, which is answered by `written` or `away`. A writer has at most one batch under way. */
  write(writer: Writer, batch: Batch): void {
    if (this.#isAway || this.#isClosed) {
      writer.away();
      return;
    }
    this.#waiting.push({ writer, batch });
    if (!this.#isBusy) void this.#run();
  }

  /** Resolves when nothing is being written and nothing waits. */
  idle(): Promise<void> {
    if (!this.#isBusy) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#pause.end();
    await this.idle();
    await this.#options.backend.close();
  }

  /** Detects a lost connection before a batch fails. */
  readonly #onLost = (error: Error): void => {
    if (!this.#isBusy && !this.#isClosed) void this.#run(error);
  };

  /** `trials`: failed attempts without a job so far. */
  async #run(lost: Error | null = null, trials = 0): Promise<void> {
    this.#isBusy = true;
    if (lost !== null) await this.#recover(lost, trials);
    while (this.#waiting.length > 0) {
      this.#held = this.#waiting.splice(0);
      try {
        await this.#writeHeld(false);
      } catch (error) {
        await this.#recover(error as Error);
      }
    }
    this.#isBusy = false;
    for (const resolve of this.#idle.splice(0)) resolve();
  }

  /** Writes the held batches. If they have been given up before it ends, their writers get no answer. */
  async #writeHeld(isAgain: boolean): Promise<void> {
    const jobs = this.#held;
    const batches = jobs.map(({ batch }) => batch);
    const { backend } = this.#options;
    const refusals = await within(WRITE_MS_MAX, writeJoined(backend, batches, isAgain));
    if (this.#held !== jobs) return;
    this.#held = [];
    if (batches.some(({ puts }) => puts.length > 0)) this.#takes();
    for (const [i, { writer }] of jobs.entries()) writer.written(refusals[i] as Refusal[]);
  }

  /** Opens the connection again until the database takes writes. */
  async #recover(error: Error, trialsBefore = 0): Promise<void> {
    const { backend, label, log } = this.#options;
    const startMs = performance.now();
    const heldCount = this.#held.length;
    // A database that has taken no job since the last outage counts as unreachable at once.
    if (this.#outageAtMs !== null) this.#giveUp(error);
    const hold = this.#isAway ? undefined : setTimeout(() => this.#giveUp(error), HOLD_MS);
    let trials = trialsBefore;
    while (!this.#isClosed) {
      await backend.close().catch(() => {});
      await this.#pauseForAttempt();
      if (this.#isClosed) break;
      try {
        await backend.open(this.#onLost);
        await this.#tryWrite();
      } catch (failure) {
        if (this.#isAway) this.#remind(failure as Error);
        if (this.#held.length === 0) trials++;
        continue;
      }
      clearTimeout(hold);
      if (this.#isAway) this.#comeBack(trials > 0);
      else {
        const ms = Math.round(performance.now() - startMs);
        const level = heldCount > 0 ? LogLevel.NOTICE : LogLevel.INFO;
        log(level, `${label}: connected anew after ${ms} ms, nothing refused: ${messageOf(error)}`);
      }
      return;
    }
    clearTimeout(hold);
    if (!this.#isAway) this.#giveUp(error);
  }

  /** Writes the held batches; without any, writes a trial, which also shows whether the database takes writes. */
  #tryWrite(): Promise<unknown> {
    if (this.#held.length > 0) return this.#writeHeld(true);
    const trial = { forgets: [TRIAL], puts: [] };
    return within(WRITE_MS_MAX, this.#options.backend.write(trial));
  }

  /** Begins an outage: batches are no longer held. */
  #giveUp(error: Error): void {
    const { label, log } = this.#options;
    this.#isAway = true;
    this.#held = [];
    this.#waiting = [];
    if (this.#outageAtMs === null) {
      this.#outageAtMs = performance.now();
      this.#remindedAtMs = this.#outageAtMs;
      log(LogLevel.ERROR, `${label} fails, background jobs are refused: ${messageOf(error)}`);
    }
    for (const writer of this.#writers) writer.away();
  }

  /** Ends an outage. `isShown`: trials had failed before, so this one proves that the database works again. */
  #comeBack(isShown: boolean): void {
    this.#isAway = false;
    if (isShown) this.#takes();
    for (const writer of this.#writers) writer.back();
  }

  #remind(error: Error): void {
    const nowMs = performance.now();
    if (nowMs - this.#remindedAtMs < REMIND_MS) return;
    this.#remindedAtMs = nowMs;
    const seconds = Math.round((nowMs - (this.#outageAtMs as number)) / 1000);
    const { label, log } = this.#options;
    const words = `${label} fails for ${seconds} s, background jobs are refused`;
    log(LogLevel.ERROR, `${words}: ${messageOf(error)}`);
  }

  /** Takes jobs again. */
  #takes(): void {
    this.#retryMs = RETRY_MS_MIN;
    if (this.#outageAtMs === null) return;
    const seconds = ((performance.now() - this.#outageAtMs) / 1000).toFixed(1);
    this.#outageAtMs = null;
    const { label, log } = this.#options;
    log(LogLevel.NOTICE, `${label} works again after ${seconds} s`);
  }

  /**
   * Waits before the next attempt. While batches are held, there is no wait unless the last attempt was less than a
   * second ago. During an outage it waits for a random time up to a bound that doubles, so that many servers do not
   * connect to the database at the same moment.
   */
  async #pauseForAttempt(): Promise<void> {
    let ms = this.#attemptAtMs + HOLD_RETRY_MS - performance.now();
    if (this.#isAway) {
      ms = Math.random() * this.#retryMs;
      this.#retryMs = Math.min(RETRY_MS_MAX, 2 * this.#retryMs);
    }
    if (ms > 0) await this.#pause.for(ms);
    this.#attemptAtMs = performance.now();
  }
}
