/**
 * Runs the shards of a server and restarts those that die. A death ends every connection that could be waiting for the
 * dead shard; all others continue. Source: docs/design.md, section 7.
 */
import { MessageChannel, type MessagePort, receiveMessageOnPort } from 'node:worker_threads';
import { type Logger, LogLevel } from '../base/logger.ts';
import { shortageOf } from '../native/shortage.ts';
import { RingReader } from '../ring/ring.ts';
import { descriptorIn } from '../session/cross-thread/records.ts';
import { type NativeChoice, portsOfStore, type ThreadConfig } from '../shard/assemble.ts';
import type { FromShard, ShardTask, ToShard } from '../shard/messages.ts';
import { createShardHost, type ShardHost } from '../shard/pool.ts';
import { portsOf, type RingDepth, RingEndpoints, RingMesh } from '../shard/ring-mesh.ts';
import type { ThreadCore } from '../shard/thread-core.ts';
import type { TokenHash } from '../shard/token-table.ts';
import type { TlsMaterial } from '../transport/tls/material.ts';

/** After so many deaths within DEATHS_WINDOW_MS the server ends instead of starting the shard again. */
const DEATHS_MAX = 3;
const DEATHS_WINDOW_MS = 60_000;
/**
 * A shard that lacks descriptors is started again after this pause. During the start of the server this is tried only
 * so often.
 */
const SHORTAGE_PAUSE_MS = 1_000;
const SHORTAGES_AT_START_MAX = 5;

export interface SupervisorOptions {
  readonly shardCount: number;
  readonly native: NativeChoice;
  readonly log: Logger;
  /** Configuration of thread `thread`. */
  configOf(thread: number): ThreadConfig;
  /** A thread that was started runs. */
  started(thread: number): void;
  /** Where the jobs of a dead shard are kept; null: nowhere. */
  readonly keptIn: string | null;
  /** A shard that has not ended so long after `stop` is killed. */
  readonly stopMs: number;
  /** Called when shards cannot be kept alive: the server must end. */
  onFatal(error: Error): void;
}

export class Supervisor {
  readonly rings: RingEndpoints;
  readonly #options: SupervisorOptions;
  readonly #mesh: RingMesh;
  readonly #host: ShardHost;
  /** Control ports by thread. */
  readonly #ports = new Map<number, MessagePort>();
  /** Functions to call when a thread runs, or has died before that. */
  readonly #readies = new Map<number, (refusal: Error | null) => void>();
  /** Why a thread could not start: its store is unusable. */
  readonly #refusals = new Map<number, Error>();
  /** Functions to call when a thread has dropped its links to the dead one. */
  readonly #parted = new Map<number, () => void>();
  /**
   * The deaths that are being handled, one after the other: handling two at once would connect new threads to dead
   * ones.
   */
  #replacing: Promise<void> = Promise.resolve();
  #deathTimes: number[] = [];
  #acceptor: ThreadCore | null = null;
  /** True until peers are served: in this time an unusable store ends the start. */
  #isStarting = false;
  #isStopping = false;
  #shortagesAtStart = 0;
  #endPause = (): void => {};
  /** Jobs that shards could not store when they ended. */
  lostJobs = 0;

  constructor(options: SupervisorOptions) {
    this.#options = options;
    const { functions, kind } = options.native;
    this.#mesh = new RingMesh(options.shardCount + 1, functions, kind === 'addon');
    this.rings = new RingEndpoints(this.#mesh.wiresOf(0).wires, functions);
    this.#host = createShardHost({
      file: new URL('../shard/thread.js', import.meta.url),
      count: options.shardCount,
      onDeath: (shard, error) => this.#died(shard + 1, error),
      onFatal: (error) => options.onFatal(error),
    });
  }

  /**
   * Starts all shards; resolves when each runs, or has been told to stop. Rejects when a store is unusable. `acceptor`
   * is the main thread's core.
   */
  async start(acceptor: ThreadCore): Promise<void> {
    this.#acceptor = acceptor;
    this.rings.watch(acceptor.reactor);
    const threads = Array.from({ length: this.#options.shardCount }, (_, i) => i + 1);
    this.#isStarting = true;
    await Promise.all(threads.map((thread) => this.#startShard(thread)));
    // A shard that died meanwhile is being restarted, and may die again.
    for (let last = null; last !== this.#replacing; ) {
      last = this.#replacing;
      await last;
    }
    this.#isStarting = false;
    for (const thread of threads) this.#options.started(thread);
  }

  /** Sets the log level of every shard. */
  setLogLevel(level: number): void {
    for (const port of this.#ports.values()) tell(port, { type: 'logLevel', level });
  }

  /** Changes the certificates of every shard. */
  renewTls(material: TlsMaterial): void {
    for (const port of this.#ports.values()) tell(port, { type: 'renewTls', material });
  }

  /** Changes the tokens of every shard. */
  renewTokens(tokens: readonly TokenHash[]): void {
    for (const port of this.#ports.values()) tell(port, { type: 'renewTokens', tokens });
  }

  /** Whether all shards run. */
  get isWhole(): boolean {
    return this.#ports.size === this.#options.shardCount;
  }

  /** Bytes that wait between threads. */
  ringDepths(): RingDepth[] {
    return this.#mesh.depths();
  }

  /**
   * Ends all shards: they send their pending replies; shards that take too long are killed. Their records to the
   * acceptor can still be read.
   */
  async stop(): Promise<void> {
    this.#isStopping = true;
    this.#endPause();
    for (const settle of this.#readies.values()) settle(null);
    for (const settle of this.#parted.values()) settle();
    for (const port of this.#ports.values()) tell(port, { type: 'stop' });
    const killer = setTimeout(() => {
      for (const thread of this.#ports.keys()) this.#host.kill(thread - 1);
    }, this.#options.stopMs);
    await this.#host.stop();
    clearTimeout(killer);
    for (const thread of [...this.#ports.keys()]) this.#closePort(thread);
  }

  /** Releases the rings. Call after `stop`, when the acceptor no longer writes to them. */
  close(): void {
    for (let thread = 1; thread <= this.#options.shardCount; thread++) {
      this.#closeUntaken(thread);
      this.#acceptor?.table.forgetThread(thread);
    }
    this.rings.close();
    this.#mesh.close();
  }

  #startShard(thread: number): Promise<void> {
    const { configOf, native, log } = this.#options;
    const { wires, transfer } = this.#mesh.wiresOf(thread);
    const { port1, port2 } = new MessageChannel();
    this.#ports.set(thread, port1);
    port1.on('message', (message: FromShard) => this.#onMessage(thread, message));
    const config = configOf(thread);
    const task: ShardTask = {
      config,
      wires,
      isNative: native.kind === 'addon',
      logLevel: log.level,
      port: port2,
    };
    this.#refusals.delete(thread);
    return new Promise((resolve, reject) => {
      this.#readies.set(thread, (refusal) => (refusal === null ? resolve() : reject(refusal)));
      this.#host.start(thread - 1, task, [...transfer, port2, ...portsOfStore(config.store)]);
    });
  }

  #onMessage(thread: number, message: FromShard): void {
    if (message.type === 'log')
      this.#options.log.log(message.level, message.text, { ...message.context, thread });
    else if (message.type === 'ready') this.#readies.get(thread)?.(null);
    else if (message.type === 'lost') this.lostJobs += message.jobs;
    else if (message.type === 'refused') this.#refusals.set(thread, new Error(message.reason));
    else this.#parted.get(thread)?.();
  }

  #died(thread: number, error: Error): void {
    this.#closePort(thread);
    const refusal = this.#refusals.get(thread) ?? null;
    this.#readies.get(thread)?.(this.#isStarting ? refusal : null);
    this.#parted.get(thread)?.();
    if (this.#isStopping || (this.#isStarting && refusal !== null)) return;
    const { keptIn, log, onFatal } = this.#options;
    const jobs = this.#mesh.jobsOf(thread);
    const fate =
      keptIn !== null
        ? `of its ${jobs} jobs those in its ${keptIn} will be there again`
        : `${jobs} ${jobs === 1 ? 'job is' : 'jobs are'} lost with it`;
    const shortage = shortageOf(error);
    if (shortage !== null) {
      this.#runShort(thread, shortage, jobs === 0 ? '' : `, ${fate}`);
      return;
    }
    log.log(LogLevel.CRITICAL, `shard ${thread} has died, ${fate}: ${error.message}`);
    const now = performance.now();
    this.#deathTimes = this.#deathTimes.filter((time) => now - time < DEATHS_WINDOW_MS);
    this.#deathTimes.push(now);
    if (this.#deathTimes.length >= DEATHS_MAX) {
      const reason = `${DEATHS_MAX} shards died within a minute, the last one of: ${error.message}`;
      onFatal(new Error(reason, { cause: error }));
      return;
    }
    this.#replaceNext(thread, 0);
  }

  /**
   * Handles a shard that lacks descriptors. This does not count as a death, because peers may use all descriptors; when
   * they leave, the shard can start.
   */
  #runShort(thread: number, shortage: string, fate: string): void {
    const { log, onFatal } = this.#options;
    const what = `shard ${thread} cannot run without descriptors (${shortage})${fate}`;
    if (this.#isStarting && ++this.#shortagesAtStart > SHORTAGES_AT_START_MAX) {
      onFatal(new Error(`${what}, a higher limit is needed: ulimit -n, or --file-descriptors`));
      return;
    }
    log.log(LogLevel.ERROR, `${what}, it is tried again in ${SHORTAGE_PAUSE_MS / 1000} s`);
    this.#replaceNext(thread, SHORTAGE_PAUSE_MS);
  }

  #replaceNext(thread: number, pauseMs: number): void {
    this.#replacing = this.#replacing
      .then(() => this.#replace(thread, pauseMs))
      .catch((failure: unknown) => this.#options.onFatal(failure as Error));
  }

  /** Handles the last log lines in the control port of a thread, then closes the port. */
  #closePort(thread: number): void {
    const port = this.#ports.get(thread);
    if (port === undefined) return;
    this.#ports.delete(thread);
    for (let last = receiveMessageOnPort(port); last; last = receiveMessageOnPort(port))
      this.#onMessage(thread, last.message);
    port.close();
  }

  /** All threads drop the dead one; then its rings are reset and it is started again. */
  async #replace(thread: number, pauseMs: number): Promise<void> {
    if (this.#isStopping) return;
    const acceptor = this.#acceptor as ThreadCore;
    this.#closeUntaken(thread);
    this.rings.part(thread);
    acceptor.lose(thread);
    const others = [...this.#ports];
    await Promise.all(others.map(([other, port]) => this.#partFrom(other, port, thread)));
    if (pauseMs > 0) await this.#pause(pauseMs);
    if (this.#isStopping) return;
    this.#mesh.renew(thread);
    await this.#startShard(thread);
    // Stopped, or dead again: then another replacement follows this one.
    if (this.#isStopping || !this.#ports.has(thread)) return;
    this.rings.join(thread, this.#mesh.takeEnds(0, thread));
    acceptor.regain(thread);
    // Before others can send it anything.
    this.#options.started(thread);
    for (const [other, port] of this.#ports) {
      if (other === thread) continue;
      const ends = this.#mesh.takeEnds(other, thread);
      port.postMessage({ type: 'join', thread, ends }, portsOf(ends));
    }
    this.#options.log.log(LogLevel.NOTICE, `shard ${thread} runs again`);
  }

  /** Resolves after the pause, or at once when the server ends. */
  #pause(pauseMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, pauseMs);
      this.#endPause = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  /** Resolves when `other` has dropped `thread`, or has died itself. */
  #partFrom(other: number, port: MessagePort, thread: number): Promise<void> {
    return new Promise((resolve) => {
      this.#parted.set(other, resolve);
      tell(port, { type: 'part', thread });
    });
  }

  /**
   * Closes descriptors that were on their way to a thread that has ended; otherwise their peers would wait for ever.
   */
  #closeUntaken(thread: number): void {
    const { set } = this.#mesh;
    const writer = this.rings.writers[thread];
    const reader = new RingReader(set, 0, thread, { receive: null, ring: () => {} });
    do {
      reader.drain(Number.POSITIVE_INFINITY, (record) => {
        const fd = descriptorIn(record);
        if (fd >= 0) this.#options.native.functions.closeDescriptor(fd);
      });
      // Records that did not fit before follow now.
      writer?.publish();
    } while (!reader.isEmpty);
  }
}

function tell(port: MessagePort, message: ToShard): void {
  port.postMessage(message);
}
