/**
 * A client's output about its jobs, as the C tool writes it: results unchanged, the rest in words. The JSON form is
 * report-json.ts. Every method resolves when there is room for more output.
 */
import type { Writable } from 'node:stream';
import { shownOn, writeAll } from '../../tool/streams.ts';
import type { ProgressLine } from './progress-line.ts';

/** A job as it is shown. */
export interface JobFacts {
  readonly functionName: string;
  /** Number of its workload, from 0. */
  readonly index: number;
  /** Null until the server has sent it. */
  handle: string | null;
}

export interface Report {
  /** A foreground job was created. */
  created(job: JobFacts): Promise<void>;
  /** A background job was queued. */
  queued(job: JobFacts): Promise<void>;
  data(job: JobFacts, bytes: Uint8Array): Promise<void>;
  status(job: JobFacts, numerator: number, denominator: number): Promise<void>;
  warning(job: JobFacts, bytes: Uint8Array): Promise<void>;
  exception(job: JobFacts, bytes: Uint8Array): Promise<void>;
  complete(job: JobFacts, result: Uint8Array): Promise<void>;
  /** The worker failed the job. */
  failed(job: JobFacts): Promise<void>;
  /** The job was refused, took too long, or was lost. */
  error(job: JobFacts, message: string): Promise<void>;
}

export interface TextReportOptions {
  readonly stdout: Writable;
  readonly stderr: Writable;
  readonly tellsHandles: boolean;
  readonly isPrefixed: boolean;
  readonly progress: ProgressLine;
}

const NOTHING = Buffer.alloc(0);

/** Percent, rounded down; numbers from a worker may be invalid. */
function percent(numerator: number, denominator: number): number {
  return denominator > 0 ? Math.floor((numerator / denominator) * 100) : 0;
}

export class TextReport implements Report {
  readonly #options: TextReportOptions;

  constructor(options: TextReportOptions) {
    this.#options = options;
  }

  created(job: JobFacts): Promise<void> {
    return this.#tellHandle(job);
  }

  queued(job: JobFacts): Promise<void> {
    return this.#tellHandle(job);
  }

  data(job: JobFacts, bytes: Uint8Array): Promise<void> {
    return this.#write(job, 'stdout', bytes);
  }

  async status(job: JobFacts, numerator: number, denominator: number): Promise<void> {
    const done = percent(numerator, denominator);
    // On a terminal the progress line shows it.
    if (this.#options.progress.job(job.functionName, done)) return;
    await this.#write(job, 'stdout', `${done}% Complete\n`);
  }

  warning(job: JobFacts, bytes: Uint8Array): Promise<void> {
    return this.#write(job, 'stderr', bytes);
  }

  exception(job: JobFacts, bytes: Uint8Array): Promise<void> {
    return this.#write(job, 'stderr', Buffer.concat([bytes, Buffer.from('\n')]));
  }

  complete(job: JobFacts, result: Uint8Array): Promise<void> {
    return this.#write(job, 'stdout', result);
  }

  failed(job: JobFacts): Promise<void> {
    return this.#write(job, 'stderr', 'Job failed\n');
  }

  error(_job: JobFacts, message: string): Promise<void> {
    this.#options.progress.clear();
    const { stderr } = this.#options;
    return writeAll(stderr, `gearman: ${shownOn(stderr, message)}\n`);
  }

  async #tellHandle(job: JobFacts): Promise<void> {
    if (!this.#options.tellsHandles) return;
    this.#options.progress.clear();
    const { stdout } = this.#options;
    await writeAll(stdout, `Task created: ${shownOn(stdout, `${job.handle}`)}\n`);
  }

  async #write(
    job: JobFacts,
    name: 'stdout' | 'stderr',
    bytes: Uint8Array | string,
  ): Promise<void> {
    const { isPrefixed, progress } = this.#options;
    progress.clear();
    // In one write, because other jobs of the run write too.
    const prefix = isPrefixed ? Buffer.from(`${job.functionName}: `) : NOTHING;
    const text = Buffer.concat([prefix, typeof bytes === 'string' ? Buffer.from(bytes) : bytes]);
    if (text.length > 0) await writeAll(this.#options[name], text);
  }
}
