/**
 * A handler that runs in threads of a piscina pool. Each job has a port on which the thread sends data, progress and
 * warnings while it runs. Rule: a thread whose job exceeds its time is ended and replaced, because there is no other
 * way to interrupt code in a busy loop. All other threads continue.
 */
import { existsSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { MessageChannel, type MessagePort, receiveMessageOnPort } from 'node:worker_threads';
import type { Piscina } from 'piscina';
import type { Workload } from '../link/codec.ts';
import { ArgumentError, Dead, JobFailed, Retry } from '../link/errors.ts';
import { checkWhole } from '../link/settings.ts';
import type { JobContext, ThreadHandler, WorkerJob } from './types.ts';

const THREADS_MAX = 1024;
/** When a pool is closed, threads whose job is still running are ended after this time. */
const CLOSE_MS = 1000;

/** A job as it is passed to a thread. */
export interface ThreadTask {
  readonly file: string;
  readonly functionName: string;
  readonly handle: string;
  readonly attempt: number;
  readonly unique: string;
  readonly reducer: string;
  readonly data: Uint8Array;
  /** The workload decoded by the codec; null without a codec. */
  readonly input: { readonly value: unknown } | null;
  readonly port: MessagePort;
}

/** Messages on the port of a job. */
export type ThreadMessage =
  | { readonly kind: 'data' | 'warning'; readonly data: Workload }
  | { readonly kind: 'progress'; readonly numerator: number; readonly denominator: number };

/** How a job ended in a thread. */
export type ThreadOutcome =
  | { readonly kind: 'result'; readonly value: unknown }
  | {
      readonly kind: 'failed';
      readonly isSilent: boolean;
      readonly exception: Workload;
      /** Of an Error. */
      readonly stack: string | null;
    }
  | { readonly kind: 'retry'; readonly delayMs: number; readonly message: string }
  | { readonly kind: 'dead'; readonly message: string };

export class ThreadedHandler {
  readonly threadCount: number;
  readonly #file: string;
  /** The pool. Piscina is loaded on demand, so that bundles of workers without threads do not contain it. */
  readonly #pool: Promise<Piscina>;

  /** Throws ArgumentError when the file does not exist. */
  constructor(handler: ThreadHandler) {
    const { file, threads = 1 } = handler;
    this.threadCount = checkWhole('threads', threads, 1, THREADS_MAX);
    this.#file = fileOf(file);
    this.#pool = poolOf(this.threadCount);
    // Each job reports the failure.
    this.#pool.catch(() => undefined);
  }

  async run(job: WorkerJob<unknown>, { signal }: JobContext, hasCodec: boolean): Promise<unknown> {
    const { port1, port2 } = new MessageChannel();
    port1.on('message', (message: ThreadMessage) => deliver(job, message));
    const task: ThreadTask = {
      file: this.#file,
      functionName: job.functionName,
      handle: job.handle,
      attempt: job.attempt,
      unique: job.unique,
      reducer: job.reducer,
      data: job.data,
      input: hasCodec ? { value: job.input } : null,
      port: port2,
    };
    try {
      const pool = await this.#pool;
      const outcome: ThreadOutcome = await pool.run(task, { signal, transferList: [port2] });
      // Messages sent before the end may still be in the port.
      for (let left = receiveMessageOnPort(port1); left !== undefined; ) {
        deliver(job, left.message);
        left = receiveMessageOnPort(port1);
      }
      if (outcome.kind === 'result') return outcome.value;
      throw errorOf(outcome);
    } finally {
      port1.close();
    }
  }

  async close(): Promise<void> {
    const pool = await this.#pool.catch(() => null);
    await pool?.destroy();
  }
}

/** What the handler threw, in this thread. */
function errorOf(outcome: Exclude<ThreadOutcome, { kind: 'result' }>): unknown {
  if (outcome.kind === 'retry') return new Retry(outcome);
  if (outcome.kind === 'dead') return new Dead(outcome.message);
  const { exception, stack } = outcome;
  if (outcome.isSilent) return new JobFailed(String(exception));
  return stack === null ? exception : Object.assign(new Error(String(exception)), { stack });
}

async function poolOf(threadCount: number): Promise<Piscina> {
  const { Piscina } = await import('piscina');
  const pool = new Piscina({
    filename: fileURLToPath(new URL('./thread-start.cjs', import.meta.url)),
    minThreads: 1,
    maxThreads: threadCount,
    concurrentTasksPerWorker: 1,
    // Idle threads must keep serving the timers and sockets that their handlers left open.
    atomics: 'disabled',
    idleTimeout: Number.POSITIVE_INFINITY,
    recordTiming: false,
    closeTimeout: CLOSE_MS,
  });
  // A thread that dies fails its job; that is report enough.
  pool.on('error', () => undefined);
  return pool;
}

function deliver(job: WorkerJob<unknown>, message: ThreadMessage): void {
  if (message.kind === 'progress') job.progress(message.numerator, message.denominator);
  else if (message.kind === 'data') job.sendData(message.data);
  else job.warn(message.data);
}

function fileOf(file: URL | string): string {
  const url = file instanceof URL ? file : pathToFileURL(file);
  if (url.protocol !== 'file:' || !existsSync(url))
    throw new ArgumentError(`handler file ${String(file)}: there is no such file`);
  return url.href;
}
