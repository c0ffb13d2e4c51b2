/**
 * Runs the shards of a server and starts those again that die. A death ends every connection that could wait for an
 * answer of the dead shard; all others go on. Source: design rules, section 7.
 */
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { type Logger, LogLevel } from '../base/logger.ts';
import { resetThread } from '../ring/layout.ts';
import { RingReader } from '../ring/ring.ts';
import { RecordKind } from '../session/far/records.ts';
import type { NativeChoice, ThreadConfig } from '../shard/assemble.ts';
import { loseThread } from '../shard/lose-thread.ts';
import type { FromShard, ShardTask, ToShard } from '../shard/messages.ts';
import { createShardHost, type ShardHost } from '../shard/pool.ts';
import type { ThreadCore } from '../shard/thread-core.ts';
import { JoinedRings, portsOf, Wiring } from '../shard/wiring.ts';

/** So many deaths within this time mean that starting again does not help. */
const DEATHS_MAX = 3;
const DEATHS_WINDOW_MS = 60_000;
/** A shard that has not ended by itself so long after `stop` is killed. */
const STOP_MS = 2_500;

export interface SupervisorOptions {
  readonly shardCount: number;
  readonly native: NativeChoice;
  readonly log: Logger;
  /** Configuration of thread `thread`. */
  configOf(thread: number): ThreadConfig;
  /** Shards cannot be kept alive: the server must end. */
  onFatal(error: Error): void;
}

export class Supervisor {
  readonly rings: JoinedRings;
  readonly #options: SupervisorOptions;
  readonly #wiring: Wiring;
  readonly #host: ShardHost;
  /** Control ports by thread. */
  readonly #ports = new Map<number, MessagePort>();
  readonly #readies = new Map<number, () => void>();
  readonly #parted = new Map<number, Map<number, () => void>>();
  #deathTimes: number[] = [];
  #acceptor: ThreadCore | null = null;
  #isStopping = false;

  constructor(options: SupervisorOptions) {
    this.#options = options;
    const { functions, kind } = options.native;
    this.#wiring = new Wiring(options.shardCount + 1, functions, kind === 'addon');
    this.rings = new JoinedRings(this.#wiring.wiresOf(0).wires, functions);
    this.#host = createShardHost({
      file: new URL('../shard/thread.js', import.meta.url),
      count: options.shardCount,
      onDeath: (shard, error) => this.#died(shard + 1, error),
      onFatal: (error) => options.onFatal(error),
    });
  }

  /** Starts all shards; resolves when each runs. `acceptor` is the main thread's core. */
  async start(acceptor: ThreadCore): Promise<void> {
    this.#acceptor = acceptor;
    this.rings.watch(acceptor.reactor);
    const threads = Array.from({ length: this.#options.shardCount }, (_, i) => i + 1);
    await Promise.all(threads.map((thread) => this.#startShard(thread)));
  }

  /** Tells every shard to keep log lines up to `level`. */
  setLogLevel(level: number): void {
    for (const port of this.#ports.values()) port.postMessage({ type: 'logLevel', level });
  }

  /** Ends all shards: what they owe is sent, late ones are killed. */
  async stop(): Promise<void> {
    if (this.#isStopping) return;
    this.#isStopping = true;
    for (const port of this.#ports.values()) tell(port, { type: 'stop' });
    const killer = setTimeout(() => {
      for (const thread of this.#ports.keys()) this.#host.kill(thread - 1);
    }, STOP_MS);
    await this.#host.stop();
    clearTimeout(killer);
    this.rings.close();
    this.#wiring.close();
    for (const port of this.#ports.values()) port.close();
  }

  #startShard(thread: number): Promise<void> {
    const { configOf, native, log } = this.#options;
    const { wires, transfer } = this.#wiring.wiresOf(thread);
    const { port1, port2 } = new MessageChannel();
    this.#ports.get(thread)?.close();
    this.#ports.set(thread, port1);
    port1.on('message', (message: FromShard) => this.#onMessage(thread, message));
    const task: ShardTask = {
      config: configOf(thread),
      wires,
      isNative: native.kind === 'addon',
      logLevel: log.level,
      port: port2,
    };
    return new Promise((resolve) => {
      this.#readies.set(thread, resolve);
      this.#host.start(thread - 1, task, [...transfer, port2]);
    });
  }

  #onMessage(thread: number, message: FromShard): void {
    if (message.type === 'log') this.#options.log.log(message.level, message.text);
    else if (message.type === 'ready') this.#readies.get(thread)?.();
    else this.#parted.get(message.thread)?.get(thread)?.();
  }

  #died(thread: number, error: Error): void {
    this.#ports.get(thread)?.close();
    this.#ports.delete(thread);
    if (this.#isStopping) return;
    const { log } = this.#options;
    log.log(LogLevel.CRITICAL, `shard ${thread} has died, its jobs are lost: ${error.message}`);
    const now = performance.now();
    this.#deathTimes = this.#deathTimes.filter((time) => now - time < DEATHS_WINDOW_MS);
    this.#deathTimes.push(now);
    if (this.#deathTimes.length >= DEATHS_MAX) {
      this.#options.onFatal(
        new Error(`${DEATHS_MAX} shards died within a minute`, { cause: error }),
      );
      return;
    }
    this.#replace(thread).catch((failure: unknown) => this.#options.onFatal(failure as Error));
  }

  /** Everyone drops the dead thread; then its rings begin anew and it is started again. */
  async #replace(thread: number): Promise<void> {
    const acceptor = this.#acceptor as ThreadCore;
    this.rings.part(thread);
    this.#closeUntaken(thread);
    loseThread(acceptor.home, thread);
    acceptor.reactor.nudge();
    const others = [...this.#ports].filter(([other]) => other !== thread);
    await Promise.all(others.map(([other, port]) => this.#partFrom(other, port, thread)));
    if (this.#isStopping) return;
    resetThread(this.#wiring.set, thread);
    this.#wiring.renew(thread);
    await this.#startShard(thread);
    this.rings.join(thread, this.#wiring.takeEnds(0, thread));
    for (const [other, port] of others) {
      const ends = this.#wiring.takeEnds(other, thread);
      port.postMessage({ type: 'join', thread, ends }, portsOf(ends));
    }
    this.#options.log.log(LogLevel.NOTICE, `shard ${thread} runs again`);
  }

  #partFrom(other: number, port: MessagePort, thread: number): Promise<void> {
    return new Promise((resolve) => {
      const waiting = this.#parted.get(thread) ?? new Map<number, () => void>();
      this.#parted.set(thread, waiting);
      waiting.set(other, resolve);
      // A shard that dies meanwhile will not answer: its own replacement waits for nothing of it.
      port.once('close', resolve);
      tell(port, { type: 'part', thread });
    });
  }

  /** Descriptors that were on their way to the dead thread are closed, or their peers would wait for ever. */
  #closeUntaken(thread: number): void {
    const reader = new RingReader(this.#wiring.set, 0, thread, { receive: null, ring: () => {} });
    reader.drain(Number.POSITIVE_INFINITY, (record) => {
      if (record.kind === RecordKind.MOVE) this.#options.native.functions.closeDescriptor(record.a);
    });
  }
}

function tell(port: MessagePort, message: ToShard): void {
  port.postMessage(message);
}
