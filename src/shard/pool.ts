/**
 * Hosts each shard's thread in a piscina pool and reports deaths. Rule: a death is reported when its thread has ended,
 * never before, so that its descriptors and rings are free. The caller decides about restarts. Every option below
 * avoids a problem of piscina 5.3; do not change one of them alone. When a thread of a pool could not start, the pool
 * starts no more threads. Therefore each shard has its own pool, which is replaced in this case.
 */

import { fileURLToPath } from 'node:url';
import type { ResourceLimits, TransferListItem, Worker } from 'node:worker_threads';
import { Piscina } from 'piscina';
import { assert } from '../base/assert.ts';
import { shortageNow, shortageOf } from '../native/shortage.ts';
import { type EntryResult, type EntryTask, STAGE_LOADED, STAGE_QUEUED } from './entry.ts';

/** Why the host gave up a shard. */
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
   * (code ERR_WORKER_OUT_OF_MEMORY), `kill` (ERR_GEARTRAIN_SHARD_KILLED), or no descriptor to start with, which
   * `shortageOf` detects in the error. After one shard of this host has run, a shard that cannot start counts as dead
   * too. May call `start` again. A native crash ends the process and is not reported.
   */
  readonly onDeath: (shard: number, error: Error) => void;
  /** Called when no shard can be started (ERR_GEARTRAIN_SHARD_LOAD), at most once. Call only `stop` afterwards. */
  readonly onFatal: (error: Error) => void;
}

export interface ShardHost {
  /** Runs the shard's task in a free thread. `transfer` lists the ports and buffers in `data` to hand over. */
  start(shard: number, data: unknown, transfer: readonly TransferListItem[]): void;
  /** Ends the shard's thread at once; its death is reported. No effect when it is not running. */
  kill(shard: number): void;
  /**
   * Resolves when every shard has ended or died and all threads are gone. It ends no shard: the caller does, and kills
   * late ones. Do not call `start` afterwards.
   */
  stop(): Promise<void>;
}

/** Makes the threads, ready for `start` of shards 0 to count - 1. */
export function createShardHost(options: ShardHostOptions): ShardHost {
  return new PiscinaHost(options);
}

interface Running {
  readonly killer: AbortController;
  readonly stage: Int32Array;
  readonly ended: Promise<void>;
  /** Why its thread could not start. */
  failure: unknown;
}

type Pool = Piscina<EntryTask, EntryResult>;

class PiscinaHost implements ShardHost {
  readonly #options: ShardHostOptions;
  /** Pools by shard; null when the next start must make a new pool. */
  readonly #pools: (Pool | null)[] = [];
  /** Ends of pools that were replaced. */
  readonly #replaced: Promise<void>[] = [];
  readonly #running = new Map<number, Running>();
  /** Threads that have not ended, including those that their pool no longer lists. */
  readonly #exits = new Map<Worker, Promise<void>>();
  /**
   * True after one shard has been loaded. A later failure to start is then temporary, or has another cause than the
   * file.
   */
  #hasLoaded = false;
  #isFatal = false;
  #stopped: Promise<void> | null = null;

  constructor(options: ShardHostOptions) {
    assert(options.count >= 1, 'create shard host: no shard');
    this.#options = options;
    for (let shard = 0; shard < options.count; shard++) this.#pools.push(this.#makePool(shard));
  }

  #makePool(shard: number): Pool {
    const { resourceLimits } = this.#options;
    const pool: Pool = new Piscina<EntryTask, EntryResult>({
      filename: fileURLToPath(new URL('./thread-start.cjs', import.meta.url)),
      minThreads: 1,
      maxThreads: 1,
      idleTimeout: Number.POSITIVE_INFINITY,
      concurrentTasksPerWorker: 1,
      // Any other value freezes a thread's timers and sockets in Atomics.wait as soon as its task ends.
      atomics: 'disabled',
      recordTiming: false,
      ...(resourceLimits === undefined ? {} : { resourceLimits }),
    });
    pool.on('workerCreate', () => this.#watchThreads(shard, pool));
    // A thread failed without a task: it could not start, and the pool will not try again.
    pool.on('error', (error: unknown) => this.#cannotBegin(shard, pool, error));
    this.#watchThreads(shard, pool);
    return pool;
  }

  start(shard: number, data: unknown, transfer: readonly TransferListItem[]): void {
    assert(shard >= 0 && shard < this.#options.count, 'start shard: no such shard');
    assert(!this.#running.has(shard), 'start shard: it is running');
    assert(this.#stopped === null, 'start shard: the host is stopped');
    const killer = new AbortController();
    const stage = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
    const task = { file: this.#options.file.href, data, stage };
    // A signal reaches the pool only: it means kill, and makes the pool keep one task per thread.
    this.#pools[shard] ??= this.#makePool(shard);
    const pool = this.#pools[shard];
    const result = pool.run(task, { signal: killer.signal, transferList: [...transfer] });
    this.#watchThreads(shard, pool);
    const ended = this.#follow(shard, killer, stage, result);
    this.#running.set(shard, { killer, stage, ended, failure: null });
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
    await Promise.all([...this.#pools.map((pool) => pool?.destroy()), ...this.#replaced]);
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
      if (loadFailure === null || !this.#isPassing(null)) {
        this.#running.delete(shard);
        if (loadFailure !== null) this.#fail(`load ${this.#options.file.href}`, loadFailure);
        return;
      }
      failure = new ShardError('ERR_GEARTRAIN_SHARD_LOAD', `load its file: ${loadFailure}`);
    } catch (error) {
      failure = error;
    }
    await this.#lostThreads();
    const cannotBegin = this.#running.get(shard)?.failure ?? null;
    this.#hasLoaded ||= Atomics.load(stage, 0) === STAGE_LOADED;
    this.#running.delete(shard);
    // It was given up with all others that no thread had taken.
    if (this.#isFatal && Atomics.load(stage, 0) === STAGE_QUEUED) return;
    if (cannotBegin !== null) failure = cannotBegin;
    else if (killer.signal.aborted) {
      failure = new ShardError('ERR_GEARTRAIN_SHARD_KILLED', `shard ${shard} was killed`);
    } else if (Atomics.load(stage, 0) === STAGE_QUEUED && !this.#isPassing(failure)) {
      this.#fail(`start shard ${shard}`, failure);
      return;
    }
    this.#options.onDeath(shard, errorFrom(shard, failure));
  }

  /** Whether the reason in `failure` is temporary, so that the thread can be started later. */
  #isPassing(failure: unknown): boolean {
    for (const { stage } of this.#running.values())
      this.#hasLoaded ||= Atomics.load(stage, 0) === STAGE_LOADED;
    return this.#hasLoaded || shortageOf(failure) !== null || shortageNow() !== null;
  }

  /**
   * Handles a thread that could not start. If the reason is temporary, its shard counts as dead until it is started
   * again, in a new pool.
   */
  #cannotBegin(shard: number, pool: Pool, cause: unknown): void {
    if (this.#stopped !== null || this.#pools[shard] !== pool) return;
    if (!this.#isPassing(cause)) {
      this.#fail('start a shard thread', cause);
      return;
    }
    this.#pools[shard] = null;
    const running = this.#running.get(shard);
    if (running !== undefined) {
      running.failure = cause;
      running.killer.abort();
    }
    this.#replaced.push(pool.destroy());
  }

  #fail(what: string, cause: unknown): void {
    if (this.#isFatal || this.#stopped !== null) return;
    this.#isFatal = true;
    const reason = cause instanceof Error ? cause.message : String(cause);
    const options = cause instanceof Error ? { cause } : {};
    const error = new ShardError('ERR_GEARTRAIN_SHARD_LOAD', `${what}: ${reason}`, options);
    this.#options.onFatal(error);
    // Otherwise tasks that wait for a thread would wait for ever.
    for (const { killer, stage } of this.#running.values())
      if (Atomics.load(stage, 0) === STAGE_QUEUED) killer.abort();
  }

  /** Records the end of every new thread in the pool of a shard. */
  #watchThreads(shard: number, pool: Pool): void {
    for (const thread of pool.threads) {
      if (this.#exits.has(thread)) continue;
      const exit = new Promise<void>((resolve) => {
        thread.once('exit', () => {
          this.#exits.delete(thread);
          resolve();
          // The pool replaces every thread except one that ends before it was ready, and does not report that.
          if (this.#pools[shard] === pool && pool.threads.length === 0)
            this.#cannotBegin(shard, pool, new Error('it ended before it was ready'));
        });
      });
      this.#exits.set(thread, exit);
    }
  }

  /**
   * Resolves when all threads that their pool no longer lists have ended. A pool drops threads before they have ended.
   */
  async #lostThreads(): Promise<void> {
    const alive = new Set(this.#pools.flatMap((pool) => pool?.threads ?? []));
    const lost = [...this.#exits].filter(([thread]) => !alive.has(thread));
    await Promise.all(lost.map(([, exit]) => exit));
  }
}

function errorFrom(shard: number, failure: unknown): Error {
  if (failure instanceof Error) return failure;
  const message = `shard ${shard} died: ${String(failure)}`;
  return new ShardError('ERR_GEARTRAIN_SHARD_DIED', message, { cause: failure });
}
