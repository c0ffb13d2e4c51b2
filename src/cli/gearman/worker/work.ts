/**
 * Worker mode: offers the functions until `-c` attempts are over or a signal comes. An attempt is a job, a time of `-t`
 * without a job, or a failure to reach any server. Without `-c` it works without end.
 */
import { ServerError } from '../../../link/errors.ts';
import type { Handler } from '../../../worker/types.ts';
import { Worker } from '../../../worker/worker.ts';
import { reasonOf } from '../../tool/failure.ts';
import type { GearmanValues } from '../options.ts';
import type { JsonReport } from '../report-json.ts';
import { type Servers, sayWhenSilent, show } from '../servers.ts';

export interface WorkerRun {
  readonly values: GearmanValues;
  readonly servers: Servers;
  readonly handler: Handler<Uint8Array, Uint8Array | undefined>;
  /** Null without `--json`. */
  readonly json: JsonReport | null;
  /** Reports a sentence to the user. */
  readonly say: (text: string) => void;
  /** Called before the worker starts, so that the caller can end it early. */
  readonly onWorker: (worker: Worker) => void;
}

/** Counts attempts; `over` resolves with the last one. */
class Attempts {
  readonly #max: number;
  readonly #onOver: () => void;
  #count = 0;
  /** Attempts without a job. */
  idle = 0;

  constructor(max: number, onOver: () => void) {
    this.#max = max;
    this.#onOver = onOver;
  }

  get isOver(): boolean {
    return this.#max > 0 && this.#count >= this.#max;
  }

  add(): void {
    this.#count++;
    if (this.isOver) this.#onOver();
  }
}

/** Runs until the attempts are over; resolves to the number of attempts without a job. */
export async function work(run: WorkerRun): Promise<number> {
  const { values, servers, say, json } = run;
  const concurrency = values.count > 0 ? Math.min(values.parallel, values.count) : values.parallel;
  const worker = new Worker({
    servers: servers.all.map(show),
    tls: servers.tls ?? false,
    ...(servers.token !== null && { token: servers.token }),
    concurrency,
  });
  run.onWorker(worker);
  let end: () => void = () => {};
  const over = new Promise<void>((resolve) => {
    end = resolve;
  });
  const attempts = new Attempts(values.count, () => {
    // Called when the last job begins: no job is taken after it.
    void worker.drain().then(end);
  });
  const idle = new IdleTimer(values.timeoutMs, () => {
    say(`no job within ${values.timeoutMs} ms`);
    attempts.idle++;
    attempts.add();
  });
  worker.on('connection', ({ server, state, error, retryInMs }) => {
    if (values.verbose) say(`${server}: ${state}`);
    if (state !== 'waiting') return;
    tellOnce(server, `connect to ${server}: ${reasonOf(error?.cause ?? error)}, trying again`);
    if (retryInMs !== null && worker.servers.every((other) => other.state === 'waiting')) {
      attempts.idle++;
      attempts.add();
    }
  });
  const told = new Map<string, string>();
  const tellOnce = (server: string, text: string): void => {
    if (told.get(server) === text) return;
    told.set(server, text);
    say(text);
  };
  for (const functionName of new Set(values.functions)) {
    let index = 0;
    worker.add(functionName, async (job, context) => {
      const facts = { functionName, handle: job.handle, index: index++ };
      idle.pause();
      attempts.add();
      told.clear();
      if (values.verbose) say(`${job.handle} of ${functionName}: ${job.data.length} bytes`);
      await json?.job(facts, job.unique, job.data);
      try {
        const result = await run.handler(job, context);
        await json?.write('complete', facts);
        return result;
      } catch (error) {
        await json?.write('fail', facts, { message: reasonOf(error) });
        if (!context.signal.aborted) say(`${job.handle} of ${functionName}: ${reasonOf(error)}`);
        throw error;
      } finally {
        idle.resume();
      }
    });
  }
  idle.resume();
  const heard = sayWhenSilent(() => worker.servers, say);
  try {
    await Promise.race([over, refused(worker)]);
  } finally {
    heard();
    idle.end();
    await worker.close();
  }
  return attempts.idle;
}

/** Starts the worker; never resolves, and rejects when no server lets it offer its functions. */
function refused(worker: Worker): Promise<never> {
  return new Promise((_, reject) => {
    worker.start().catch((error) => {
      // If the worker was closed meanwhile, its attempts are over.
      if (error instanceof ServerError) reject(error);
    });
  });
}

/** Fires after `-t` without a job, repeatedly; pauses while a job runs. */
class IdleTimer {
  readonly #limitMs: number;
  readonly #onIdle: () => void;
  #timer: NodeJS.Timeout | null = null;
  #jobs = 1;

  /** Negative: never. */
  constructor(limitMs: number, onIdle: () => void) {
    this.#limitMs = limitMs;
    this.#onIdle = onIdle;
  }

  pause(): void {
    this.#jobs++;
    this.#stop();
  }

  resume(): void {
    this.#jobs--;
    if (this.#jobs === 0) this.#start();
  }

  end(): void {
    this.#jobs = Number.POSITIVE_INFINITY;
    this.#stop();
  }

  #start(): void {
    if (this.#limitMs < 0) return;
    this.#timer = setTimeout(
      () => {
        this.#start();
        this.#onIdle();
      },
      Math.max(1, this.#limitMs),
    );
  }

  #stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }
}
