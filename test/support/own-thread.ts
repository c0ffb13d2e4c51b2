/**
 * One thread of the server on memory sockets and a clock that is moved by hand: ThreadCore with everything real but the
 * system. Rule: nothing happens by itself; `run` runs turns until none is due. After every turn the books are checked.
 */
import { onLine } from '../../src/admin/commands.ts';
import { accountWords } from '../../src/base/account.ts';
import { LogLevel } from '../../src/base/logger.ts';
import type { Broker } from '../../src/broker/broker.ts';
import { firstFor } from '../../src/broker/first-job.ts';
import { Waking } from '../../src/broker/peer.ts';
import type { BrokerOptions } from '../../src/broker/state.ts';
import type { PolicyRule } from '../../src/policy/rule.ts';
import { Control } from '../../src/protocol/batch.ts';
import { PolicyBook } from '../../src/server/policies/policy-book.ts';
import type { SessionTable } from '../../src/session/session-table.ts';
import type { SessionTableOptions } from '../../src/session/session-table-options.ts';
import type { ThreadRings } from '../../src/shard/publishing.ts';
import { ThreadCore } from '../../src/shard/thread-core.ts';
import type { Store, StoreHost } from '../../src/store/store.ts';
import { BOOT, HANDLE_PREFIX } from './handles.ts';
import { keptBytes } from './kept-bytes.ts';
import { MemoryReactor } from './memory-reactor.ts';
import { MemoryRegistry } from './memory-socket.ts';

export const HASH_SEED = 4711;
const OUTPUT_PAUSE_BYTES = 1 << 22;
const OUTPUT_BYTES_MAX = 1 << 28;
/** setTimeout fires at once beyond this. */
const TIMER_MS_MAX = 2 ** 31 - 1;
const NO_RINGS: ThreadRings = {
  writers: [null],
  readers: [null],
  epoch: 0,
  levelOf: () => 0,
  publishLevel: () => {},
  connectionTotal: () => 0,
  publishCounts: () => {},
};

export type OwnThreadOptions = Partial<
  Omit<BrokerOptions, 'thread' | 'hashSeed' | 'account' | 'log'> &
    Omit<SessionTableOptions, 'hashSeed'> & {
      readonly memoryBytesMax: number;
      /** Shared by threads that share that memory. */
      readonly memoryWords: Int32Array;
      readonly rings: ThreadRings;
      readonly isAllowed: (address: string) => boolean;
      /** Shared by threads that hand connections to each other. */
      readonly registry: MemoryRegistry;
      /** Bytes to a dialogue's peer that count as sent before it takes them. Default: all. */
      readonly windowBytes: number;
      readonly makeStore: (host: StoreHost) => Store;
      /** First number of the boots of this run, in its handles. */
      readonly boot: number;
      /** Policies of options; text commands change them in memory. */
      readonly policies: readonly PolicyRule[];
    }
>;

export class OwnThread {
  readonly core: ThreadCore;
  readonly reactor: MemoryReactor;
  /** WARNING and graver, oldest first. */
  readonly warnings: string[] = [];
  /** Turns so far. */
  turns = 0;
  nowMs = 1000;
  wallMs = 1_700_000_000_000;
  readonly #options: OwnThreadOptions;
  readonly #book: PolicyBook;
  /** Commands about policies, which run after their turn. */
  #commands: (() => void)[] = [];
  #isDue = true;
  #timer: { readonly atMs: number; readonly wake: () => void } | null = null;

  constructor(options: OwnThreadOptions = {}) {
    this.#options = options;
    let reactor: MemoryReactor | null = null;
    this.core = new ThreadCore(coreOptions(options), {
      clock: { nowMs: () => this.nowMs, wallMs: () => this.wallMs },
      log: {
        level: LogLevel.WARNING,
        log: (level, text) => {
          if (level <= LogLevel.WARNING) this.warnings.push(text);
        },
      },
      memory: { discard: null },
      makeReactor: (onTurn) => {
        reactor = this.#makeReactor(onTurn);
        return reactor;
      },
      setTimer: (atMs, wake) => {
        if (atMs - this.nowMs > TIMER_MS_MAX) throw new Error(`timer in ${atMs - this.nowMs} ms`);
        this.#timer = { atMs, wake };
      },
      onLine: (table, session, line) =>
        onLine(table, session, line, {
          version: '2.0.0+test',
          pid: 4242,
          verbose: () => 'ERROR',
          isAllowed: options.isAllowed ?? (() => true),
        }),
      rings: options.rings ?? NO_RINGS,
      runPolicyCommand: (command, done) => this.#commands.push(() => this.#book.run(command, done)),
      makeStore: options.makeStore ?? null,
    });
    this.reactor = reactor as unknown as MemoryReactor;
    this.#book = new PolicyBook({
      policies: options.policies ?? [],
      aliases: [],
      folder: null,
      isLocked: false,
      queueType: 'builtin',
      upgradeStore: () => {},
      log: { level: LogLevel.ERROR, log: () => {} },
      now: () => this.wallMs,
      apply: (settings, done) => this.core.changeGate(settings, done),
      ownerOf: () => 0,
    });
    this.core.setGates(this.#book.gatesOf(0));
    this.#book.started(0);
  }

  get table(): SessionTable {
    return this.core.table;
  }

  get broker(): Broker {
    return this.core.broker as Broker;
  }

  /** Runs turns until nothing is due; the clock stands still. */
  run(): void {
    for (let turns = 0; this.#isDue; turns++) {
      if (turns === 100_000) throw new Error('the thread never comes to rest');
      this.turn();
      this.#ringTimer();
    }
  }

  /** Runs exactly one turn. */
  turn(): void {
    this.#isDue = false;
    this.reactor.runTurn();
    this.turns++;
    for (const run of this.#commands.splice(0)) run();
  }

  /** Lets time pass, waking the thread whenever its timer is due. */
  advance(ms: number): void {
    const endMs = this.nowMs + ms;
    this.run();
    while (this.#timer !== null && this.#timer.atMs <= endMs) {
      this.#move(Math.max(this.#timer.atMs, this.nowMs) - this.nowMs);
      this.run();
    }
    this.#move(endMs - this.nowMs);
    this.run();
  }

  /** Sets the wall clock by `ms` and runs. */
  stepWall(ms: number): void {
    this.wallMs += ms;
    this.run();
  }

  /** KiB of blobs alive. */
  get blobKib(): number {
    return this.reactor.control[Control.BLOB_KIB] as number;
  }

  #move(ms: number): void {
    this.nowMs += ms;
    this.wallMs += ms;
    this.#ringTimer();
  }

  #ringTimer(): void {
    const timer = this.#timer;
    if (timer === null || timer.atMs > this.nowMs) return;
    this.#timer = null;
    timer.wake();
  }

  #makeReactor(onTurn: (rowCount: number) => void): MemoryReactor {
    return new MemoryReactor(
      {
        hashSeed: HASH_SEED,
        packetBytesMax: this.#options.packetBytesMax ?? 1 << 26,
        outputPauseBytes: this.#options.outputPauseBytes ?? OUTPUT_PAUSE_BYTES,
        outputBytesMax: this.#options.outputBytesMax ?? OUTPUT_BYTES_MAX,
        keepalive: null,
        onTurn: (rowCount) => {
          onTurn(rowCount);
          checkBooks(this);
        },
        onListenError: () => {},
      },
      { onDue: () => this.#due(), registry: this.#options.registry ?? new MemoryRegistry() },
    );
  }

  /** A reactor may say so while it is made. */
  #due(): void {
    this.#isDue = true;
  }
}

function coreOptions(options: OwnThreadOptions) {
  const {
    rings: _rings,
    isAllowed: _isAllowed,
    registry: _registry,
    windowBytes: _windowBytes,
    makeStore: _makeStore,
    policies: _policies,
    memoryBytesMax = 0,
    memoryWords = accountWords(33),
    ...rest
  } = options;
  const both = {
    thread: 0,
    shardCount: 0,
    exceptions: false,
    connectionsMax: 0,
    packetBytesMax: 1 << 26,
    outputPauseBytes: OUTPUT_PAUSE_BYTES,
    outputBytesMax: OUTPUT_BYTES_MAX,
    movesConnections: false,
    jobRetries: -1,
    functionsMax: 1_000_000,
    wakesPerJob: 1,
    wakeupDelayMs: 100,
    isPriorityGlobal: true,
    isRotating: true,
    isRelaxed: false,
    ...rest,
  };
  return {
    sessions: { ...both, hashSeed: HASH_SEED },
    broker: both,
    handlePrefix: HANDLE_PREFIX,
    boot: options.boot ?? BOOT,
    slowTurnMs: 1e9,
    unservedWarningMs: 0,
    memoryBytesMax,
    memoryWords,
  };
}

/** Counts everything again and compares; the wake-up rule must hold for every function. */
export function checkBooks(thread: OwnThread): void {
  const { broker, table } = thread.core;
  if (table.connectionCount !== sessionCount(table))
    throw new Error(
      `${table.connectionCount} connections counted, ${sessionCount(table)} are there`,
    );
  // Work that goes on over turns is counted after its last one.
  if (broker?.isBehind) return;
  const { account } = table;
  account.refresh();
  if (account.held !== keptBytes(table))
    throw new Error(`${account.held} bytes counted, ${keptBytes(table)} are kept`);
  if (broker === null) return;
  const zero = {
    woken: 0,
    sleeping: 0,
    manyFunctionWoken: 0,
    manyFunctionSleeping: 0,
    registrations: 0,
  };
  const counts = new Map<number, typeof zero>();
  for (const peer of peersOf(broker)) {
    const isWoken = peer.waking === Waking.woken ? 1 : 0;
    const isSleeping = peer.waking === Waking.sleeping ? 1 : 0;
    for (const ability of peer.abilities?.values() ?? []) {
      const count = counts.get(ability.fn.index) ?? { ...zero };
      counts.set(ability.fn.index, count);
      count.registrations += ability.registrations;
      count[peer.isManyFunction ? 'manyFunctionWoken' : 'woken'] += isWoken;
      count[peer.isManyFunction ? 'manyFunctionSleeping' : 'sleeping'] += isSleeping;
    }
  }
  for (let index = 1; index < broker.functions.indexEnd; index++) {
    const fn = broker.functions.at(index);
    if (fn === null) continue;
    const count = counts.get(index) ?? zero;
    const told = `woken ${fn.woken} sleeping ${fn.sleeping} registrations ${fn.registrations}`;
    const found = `woken ${count.woken} sleeping ${count.sleeping} registrations ${count.registrations}`;
    if (told !== found) throw new Error(`function ${index}: ${told}, counted anew ${found}`);
    const wanted = fn.open * broker.options.wakesPerJob;
    const woken = count.woken + count.manyFunctionWoken;
    const sleeping = peersOf(broker).filter(
      (peer) =>
        peer.waking === Waking.sleeping &&
        peer.ability(index) !== undefined &&
        (fn.owed === 0 || firstFor(broker.jobs, peer, fn) !== 0),
    ).length;
    if (woken < Math.min(wanted, woken + sleeping))
      throw new Error(`function ${index}: ${fn.open} open, ${woken} woken, ${sleeping} asleep`);
  }
}

function sessionCount(table: SessionTable): number {
  let count = 0;
  for (let slot = 0; slot < table.slotEnd; slot++) if (table.atSlot(slot) !== null) count++;
  return count;
}

/** Every peer of the broker, of this thread and of others. */
export function peersOf(broker: Broker) {
  const peers = [];
  for (let index = 1, left = broker.peers.count; left > 0; index++) {
    const peer = broker.peers.at(index);
    if (peer === null || peer === undefined) continue;
    peers.push(peer);
    left--;
  }
  return peers;
}
