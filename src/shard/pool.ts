/**
 * Hosts the shard threads in a piscina pool and tells of their deaths. Rule: a death is reported when its thread has
 * ended, never before, so that descriptors and rings it used are free. Who restarts, and how often, is the caller's
 * decision. Every option below avoids a trap that was met with piscina 5.3; they belong together.
 */

import { fileURLToPath } from 'node:url';
import type { ResourceLimits, TransferListItem, Worker } from 'node:worker_threads';
import { Piscina } from 'piscina';
import { assert } from '../base/assert.ts';
import { type EntryResult, type EntryTask, STAGE_QUEUED } from './entry.ts';

/** Why the host gave a shard up. */
export class ShardError extends Error {
  override readonly name = 'ShardError';
  readonly code:
    | 'ERR_GEARTRAIN_SHARD_KILLED'
    | 'ERR_GEARTRAIN_SHARD_LOAD'
    | 'ERR_GEARTRAIN_SHARD_DIED';

  constructor(code: ShardError['code'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

export interface ShardHostOptions {
  /** Module whose default export is `(data) => Promise<void>`, resolving at a soft stop. Built JavaScript. */
  readonly file: URL;
  /** Number of shards; each has a thread of its own. */
  readonly count: number;
  /** Heap limits of each thread; the process's own when absent. */
  readonly resourceLimits?: ResourceLimits;
  /**
   * Called once for each death, when the thread has ended: an uncaught error or rejection, process.exit, the heap limit
   * (code ERR_WORKER_OUT_OF_MEMORY), or `kill` (ERR_GEARTRAIN_SHARD_KILLED). May call `start` again. A native crash
   * takes the process down and is not reported.
   */
  readonly onDeath: (shard: number, error: Error) => void;
  /** Called at most once: no shard can be started (ERR_GEARTRAIN_SHARD_LOAD). Only `stop` makes sense afterwards. */
  readonly onFatal: (error: Error) => void;
}

export interface ShardHost {
  /** Runs the shard's task in a thread that is free. `transfer` lists the ports and buffers in `data` to hand over. */
  start(shard: number, data: unknown, transfer: readonly TransferListItem[]): void;
  /** Ends the shard's thread at once, whatever it does; its death is reported. Not running: nothing. */
  kill(shard: number): void;
  /**
   * Resolves when every shard has ended or died and all threads are gone. Asks nobody to end: the caller does, and
   * kills who is late. No start after it.
   */
  stop(): Promise<void>;
}

/** Makes the threads, ready to start shards 0 to count - 1. */
export function createShardHost(options: ShardHostOptions): ShardHost {
  return new PiscinaHost(options);
}

interface Running {
  readonly killer: AbortController;
  readonly stage: Int32Array;
  readonly ended: Promise<void>;
}

class PiscinaHost implements ShardHost {
  readonly #options: ShardHostOptions;
  readonly #pool: Piscina<EntryTask, EntryResult>;
  readonly #running = new Map<number, Running>();
  /** Threads that have not ended, also those the pool has dropped already. */
  readonly #exits = new Map<Worker, Promise<void>>();
  #isFatal = false;
  #stopped: Promise<void> | null = null;

  constructor(options: ShardHostOptions) {
    assert(options.count >= 1, 'create shard host: no shard');
    this.#options = options;
    this.#pool = new Piscina<EntryTask, EntryResult>({
      filename: fileURLToPath(new URL('./thread-start.cjs', import.meta.url)),
      minThreads: options.count,
      maxThreads: options.count,
      idleTimeout: Number.POSITIVE_INFINITY,
      concurrentTasksPerWorker: 1,
      // Any other value freezes a thread's timers and sockets in Atomics.wait as soon as its task ends.
      atomics: 'disabled',
      recordTiming: false,
      ...(options.resourceLimits === undefined ? {} : { resourceLimits: options.resourceLimits }),
    });
    this.#pool.on('workerCreate', () => this.#watchThreads());
    // A thread failed while it ran no task: it could not even begin, and the pool will not try again.
    this.#pool.on('error', (error: unknown) => this.#fail('start a shard thread', error));
    this.#watchThreads();
  }

  start(shard: number, data: unknown, transfer: readonly TransferListItem[]): void {
    assert(shard >= 0 && shard < this.#options.count, 'start shard: no such shard');
    assert(!this.#running.has(shard), 'start shard: it is running');
    assert(this.#stopped === null, 'start shard: the host is stopped');
    const killer = new AbortController();
    const stage = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
    const task = { file: this.#options.file.href, data, stage };
    // A signal reaches the pool only: it means kill, and makes the pool keep one task per thread.
    const result = this.#pool.run(task, { signal: killer.signal, transferList: [...transfer] });
    this.#watchThreads();
    this.#running.set(shard, { killer, stage, ended: this.#follow(shard, killer, stage, result) });
  }

  kill(shard: number): void {
    this.#running.get(shard)?.killer.abort();
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #stop(): Promise<void> {
    await Promise.all([...this.#running.values()].map((running) => running.ended));
    // A thread that ends after destroy would be replaced in the destroyed pool.
    await this.#lostThreads();
    await this.#pool.destroy();
    await Promise.all(this.#exits.values());
  }

  async #follow(
    shard: number,
    killer: AbortController,
    stage: Int32Array,
    result: Promise<EntryResult>,
  ): Promise<void> {
    let failure: unknown;
    try {
      const loadFailure = await result;
      this.#running.delete(shard);
      if (loadFailure !== null) this.#fail(`load ${this.#options.file.href}`, loadFailure);
      return;
    } catch (error) {
      failure = error;
    }
    await this.#lostThreads();
    this.#running.delete(shard);
    // It was given up with all others that no thread had taken.
    if (this.#isFatal && Atomics.load(stage, 0) === STAGE_QUEUED) return;
    if (killer.signal.aborted) {
      failure = new ShardError('ERR_GEARTRAIN_SHARD_KILLED', `shard ${shard} was killed`);
    } else if (Atomics.load(stage, 0) === STAGE_QUEUED) {
      this.#fail(`start shard ${shard}`, failure);
      return;
    }
    this.#options.onDeath(shard, errorFrom(shard, failure));
  }

  #fail(what: string, cause: unknown): void {
    if (this.#isFatal || this.#stopped !== null) return;
    this.#isFatal = true;
    const reason = cause instanceof Error ? cause.message : String(cause);
    const options = cause instanceof Error ? { cause } : {};
    const error = new ShardError('ERR_GEARTRAIN_SHARD_LOAD', `${what}: ${reason}`, options);
    this.#options.onFatal(error);
    // Tasks that wait for a thread would wait for ever.
    for (const { killer, stage } of this.#running.values())
      if (Atomics.load(stage, 0) === STAGE_QUEUED) killer.abort();
  }

  /** Notes the end of every thread that is new in the pool. */
  #watchThreads(): void {
    for (const thread of this.#pool.threads) {
      if (this.#exits.has(thread)) continue;
      const exit = new Promise<void>((resolve) => {
        thread.once('exit', () => {
          this.#exits.delete(thread);
          resolve();
          // The pool replaces every thread but one that ends before it was ready, of which it says nothing.
          if (this.#pool.threads.length < this.#options.count)
            this.#fail('start a shard thread', 'it ended before it was ready');
        });
      });
      this.#exits.set(thread, exit);
    }
  }

  /** Resolves when all threads that the pool has dropped have ended; the pool drops them before they do. */
  async #lostThreads(): Promise<void> {
    const alive = new Set(this.#pool.threads);
    const lost = [...this.#exits].filter(([thread]) => !alive.has(thread));
    await Promise.all(lost.map(([, exit]) => exit));
  }
}

function errorFrom(shard: number, failure: unknown): Error {
  if (failure instanceof Error) return failure;
  const message = `shard ${shard} died: ${String(failure)}`;
  return new ShardError('ERR_GEARTRAIN_SHARD_DIED', message, { cause: failure });
}
