/**
 * Jobs in a database: the thread that talks to it for all shards, from the start of the server to its end. Only jobs
 * are kept, so handles and hash seed change with every run. Rule: shards are made with their end of a port; the thread
 * gets the other ends when the database has been found usable.
 */
import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads';
import type { Logger } from '../base/logger.ts';
import type { StoreConfig } from '../shard/assemble.ts';
import { type DatabaseSettings, keepsRunsOf } from '../store/database/kinds.ts';
import type {
  DatabaseTask,
  FromDatabaseThread,
  ToDatabaseThread,
} from '../store/database/thread.ts';
import { newHashSeed, nextBoot } from './identity.ts';
import type { ResolvedOptions } from './options.ts';
import type { ServerState } from './state.ts';

/** How long to wait at the end for a database to close its connection. */
const CLOSE_MS = 5_000;

interface Joining {
  readonly shard: number;
  readonly port: MessagePort;
}

export class DatabaseState implements ServerState {
  readonly hashSeed = newHashSeed();
  readonly boot = nextBoot();
  readonly keptIn = 'database';
  readonly #options: ResolvedOptions;
  readonly #settings: DatabaseSettings;
  readonly #waits: boolean;
  readonly #log: Logger;
  readonly #onFailure: (error: Error) => void;
  #thread: Worker | null = null;
  #isOpen = false;
  #isClosing = false;
  /** Ends of ports for the thread, kept until it is open. */
  #joining: Joining[] = [];

  constructor(
    options: ResolvedOptions,
    settings: DatabaseSettings,
    log: Logger,
    onFailure: (error: Error) => void,
    waits: boolean,
  ) {
    this.#waits = waits;
    this.#options = options;
    this.#settings = settings;
    this.#log = log;
    this.#onFailure = onFailure;
  }

  storeOf(thread: number): StoreConfig | null {
    const { threads, durability, flushInterval } = this.#options;
    if (threads > 0 && thread === 0) return null;
    const { port1, port2 } = new MessageChannel();
    if (this.#isOpen) this.#join({ shard: thread, port: port2 });
    else this.#joining.push({ shard: thread, port: port2 });
    const relaxedMs = durability === 'relaxed' ? flushInterval : null;
    const keepsRuns = keepsRunsOf(this.#settings.type);
    return { kind: 'database', port: port1, relaxedMs, keepsRuns };
  }

  /** The database makes what it needs for runs when it gets the first one. */
  upgrade(): void {}

  async open(): Promise<void> {
    const { threads: shardCount } = this.#options;
    const task: DatabaseTask = {
      settings: this.#settings,
      shardCount,
      hashSeed: this.hashSeed,
      waits: this.#waits,
    };
    const thread = new Worker(new URL('../store/database/thread.js', import.meta.url), {
      name: 'database',
      workerData: task,
    });
    this.#thread = thread;
    thread.on('error', (error) => this.#fail(error));
    thread.on('exit', () => {
      this.#thread = null;
      this.#fail(new Error('the thread of the database has ended'));
    });
    try {
      await this.#opened(thread);
    } catch (error) {
      await this.close();
      throw error;
    }
    this.#isOpen = true;
    for (const joining of this.#joining.splice(0)) this.#join(joining);
  }

  async close(): Promise<void> {
    this.#isClosing = true;
    const thread = this.#thread;
    this.#thread = null;
    for (const { port } of this.#joining.splice(0)) port.close();
    if (thread === null) return;
    const exited = new Promise<void>((resolve) => thread.once('exit', () => resolve()));
    thread.postMessage({ type: 'end' } satisfies ToDatabaseThread);
    const killer = setTimeout(() => void thread.terminate(), this.#isOpen ? CLOSE_MS : 0);
    await exited;
    clearTimeout(killer);
  }

  /** Resolves when the database is usable; rejects with the reason when it is not. */
  #opened(thread: Worker): Promise<void> {
    return new Promise((resolve, reject) => {
      thread.once('error', reject);
      thread.once('exit', () => reject(new Error('the thread of the database has ended')));
      thread.on('message', (message: FromDatabaseThread) => {
        if (message.type === 'log') this.#log.log(message.level, message.text);
        else if (message.type === 'opened') resolve();
        else reject(new Error(message.reason));
      });
    });
  }

  #join({ shard, port }: Joining): void {
    const message: ToDatabaseThread = { type: 'shard', shard, port };
    this.#thread?.postMessage(message, [port]);
  }

  /** Reports a failure of the thread; before the thread is open, `open` does that. */
  #fail(error: Error): void {
    if (this.#isOpen && !this.#isClosing) this.#onFailure(error);
  }
}
