/**
 * Composition root: wires options, threads and listeners to a server that can be embedded any number of times.
 * `threads: 0` runs everything in the caller's thread; an error in a turn then ends the server, never the process.
 */
import { EventEmitter } from 'node:events';
import { rmSync } from 'node:fs';
import { isIP } from 'node:net';
import { type Logger, LogLevel, nullLogger } from '../base/logger.ts';
import type { ThreadStats } from '../session/questions.ts';
import { assembleThread, NO_RINGS } from '../shard/assemble.ts';
import { chooseNative, type ExplainedChoice } from '../shard/choose-native.ts';
import { closeHome } from '../shard/close-home.ts';
import type { ThreadCore } from '../shard/thread-core.ts';
import { removeStaleSocket, type Target, targetsOf } from './listen-targets.ts';
import { type ResolvedOptions, resolveOptions, type ServerOptions } from './options.ts';
import { Supervisor } from './supervisor.ts';
import { configMaker } from './thread-config.ts';
import type { ListenRequest, Server, ServerAddress, ServerStats } from './types.ts';

/** Between two looks at whether the last job has ended. */
const DRAIN_STEP_MS = 20;
/** What is owed to peers when the server closes may still leave for so long. */
const CLOSE_MS = 2_000;

/**
 * A job server. Nothing happens before `listen`. Throws OptionError (`ERR_GEARMAN_OPTION`) for a wrong option and
 * Error `ERR_GEARTRAIN_NO_ADDON` when `native: 'on'` and the addon does not load.
 */
export function createServer(options: ServerOptions = {}): Server {
  return new GearServer(resolveOptions(options), options.logger ?? nullLogger);
}

class GearServer extends EventEmitter implements Server {
  readonly kind: 'addon' | 'twin';
  readonly kindReason: string;
  readonly threads: number;
  readonly closed: Promise<void>;
  readonly #options: ResolvedOptions;
  readonly #log: Logger;
  readonly #native: ExplainedChoice;
  readonly #supervisor: Supervisor | null;
  readonly #core: ThreadCore;
  readonly #listeners = new Map<number, ServerAddress>();
  #starting: Promise<void> | null = null;
  #closing: Promise<void> | null = null;
  #settle: (error?: Error) => void = () => {};

  constructor(options: ResolvedOptions, log: Logger) {
    super();
    this.#options = options;
    this.#log = log;
    this.#native = chooseNative(options.native);
    this.kind = this.#native.kind;
    this.kindReason = this.#native.reason;
    this.threads = options.threads;
    this.closed = new Promise((resolve, reject) => {
      this.#settle = (error) => (error === undefined ? resolve() : reject(error));
    });
    // Who does not look at `closed` learns of a failure from the `error` event or the log.
    this.closed.catch(() => {});
    const configOf = configMaker(options, log, this.kind);
    this.#supervisor =
      options.threads === 0
        ? null
        : new Supervisor({
            shardCount: options.threads,
            native: this.#native,
            log,
            configOf,
            onFatal: (error) => this.#fail(error),
          });
    this.#core = assembleThread(
      configOf(0),
      this.#native,
      this.#supervisor?.rings ?? NO_RINGS,
      log,
      (code) => log.log(LogLevel.ERROR, `accept a connection: ${code}`),
      (turn) => this.#guard(turn),
    );
  }

  get addresses(): ServerAddress[] {
    return [...this.#listeners.values()];
  }

  get address(): ServerAddress | null {
    return this.addresses[0] ?? null;
  }

  async listen(request: ListenRequest = {}): Promise<void> {
    this.#starting ??= this.#supervisor?.start(this.#core) ?? Promise.resolve();
    await this.#starting;
    const bound: number[] = [];
    try {
      for (const target of await targetsOf(request, this.#options)) {
        const id = await this.#bindIfPossible(target, bound.length > 0);
        if (id !== null) bound.push(id);
      }
    } catch (error) {
      // All of a request or nothing: whoever tries again must not meet a socket of our own.
      for (const id of bound) this.#unlisten(id);
      throw error;
    }
  }

  /** Binds one address. On a machine without IPv6 its address is left out where another one is bound: null. */
  async #bindIfPossible(target: Target, isAnotherBound: boolean): Promise<number | null> {
    try {
      return await this.#bind(target);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAFNOSUPPORT' || !isAnotherBound) throw error;
      this.#log.log(LogLevel.INFO, `not listening: ${(error as Error).message}`);
      return null;
    }
  }

  /** Binds one address; returns its listener's id. */
  async #bind(target: Target): Promise<number> {
    const { backlog, socketMode } = this.#options;
    if ('path' in target) {
      await removeStaleSocket(target.path);
      const address = { path: target.path, mode: socketMode, backlog };
      const { id } = await this.#core.reactor.listen(address);
      this.#listeners.set(id, { path: target.path });
      return id;
    }
    const { host, group } = target;
    // All addresses of one request share the port that the system chose for the first.
    const wanted = target.port === 0 ? this.#chosenPort(group) : target.port;
    const v6Only = isIP(host) === 6;
    const { id, port } = await this.#core.reactor.listen({ host, port: wanted, backlog, v6Only });
    this.#listeners.set(id, { host, port, group });
    return id;
  }

  async stats(): Promise<ServerStats> {
    const threads = await this.#askAll();
    const sum = (field: keyof ThreadStats) =>
      threads.reduce((total, thread) => total + thread[field], 0);
    return {
      connections: sum('connections'),
      functions: sum('functions'),
      jobs: sum('jobs'),
      submitted: sum('submitted'),
      coalesced: sum('coalesced'),
      refused: sum('refused'),
      assigned: sum('assigned'),
      completed: sum('completed'),
      failed: sum('failed'),
      requeued: sum('requeued'),
      queueBytes: sum('queueBytes'),
      threads,
    };
  }

  close(options: { graceful?: boolean } = {}): Promise<void> {
    if (options.graceful !== true) this.#closing ??= this.#close();
    return this.#closing ?? this.#drain();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** Stops accepting and closes as soon as the last job has ended. */
  async #drain(): Promise<void> {
    this.#unlistenAll();
    let before = '';
    while (this.#closing === null) {
      const threads = await this.#askAll();
      const isEmpty = threads.every((thread) => thread.jobs === 0);
      // Two looks in a row: nothing may be on its way between threads.
      const now = isEmpty ? JSON.stringify(threads) : '';
      if (isEmpty && isQuiet(before, threads)) break;
      before = now;
      await new Promise((resolve) => setTimeout(resolve, DRAIN_STEP_MS));
    }
    this.#closing ??= this.#close();
    await this.#closing;
  }

  async #close(): Promise<void> {
    this.#unlistenAll();
    await this.#starting?.catch(() => {});
    await this.#supervisor?.stop();
    await closeHome(this.#core, CLOSE_MS);
    await this.#core.reactor.destroy();
    this.#settle();
    this.emit('close');
  }

  #unlistenAll(): void {
    for (const id of [...this.#listeners.keys()]) this.#unlisten(id);
  }

  #unlisten(id: number): void {
    const address = this.#listeners.get(id);
    this.#listeners.delete(id);
    this.#core.reactor.unlisten(id);
    if (address !== undefined && 'path' in address) rmSync(address.path, { force: true });
  }

  /** An error in a turn: ours. With shards the thread dies of it; here the server ends and the host process lives. */
  #guard(turn: () => void): void {
    try {
      turn();
    } catch (error) {
      this.#fail(error as Error);
    }
  }

  #fail(error: Error): void {
    this.#log.log(LogLevel.FATAL, `the server ends: ${error.stack ?? error.message}`);
    if (this.#closing !== null) return;
    this.#settle(error);
    this.#closing = this.#close();
    if (this.listenerCount('error') > 0) this.emit('error', error);
  }

  #chosenPort(group: number): number {
    for (const address of this.#listeners.values())
      if ('port' in address && address.group === group) return address.port;
    return 0;
  }

  /** Figures of every thread, in thread order. */
  async #askAll(): Promise<ThreadStats[]> {
    const asked = Array.from(
      { length: this.threads + 1 },
      (_, thread) =>
        new Promise<ThreadStats | null>((resolve) => {
          this.#core.home.ask(thread, { kind: 'stats' }, (answer) => resolve(answer.stats));
        }),
    );
    this.#core.reactor.nudge();
    return (await Promise.all(asked)).filter((stats) => stats !== null);
  }
}

/** Whether nothing has moved since the last look: the same records sent, and as many received. */
function isQuiet(before: string, threads: ThreadStats[]): boolean {
  if (before === '') return false;
  const last = JSON.parse(before) as ThreadStats[];
  return threads.every((thread, i) => thread.submitted === last[i]?.submitted);
}
