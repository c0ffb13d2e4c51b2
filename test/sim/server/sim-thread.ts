/** One thread of a simulated server: the real core over a memory reactor, the world's clock and a timer that it fires. */
import { onLine } from '../../../src/admin/commands.ts';
import { Control } from '../../../src/protocol/batch.ts';
import { ThreadCore } from '../../../src/shard/thread-core.ts';
import { Journal } from '../../../src/store/journal/journal.ts';
import type { Store, StoreHost } from '../../../src/store/store.ts';
import type { MemoryFiles } from '../../support/memory-files.ts';
import { MemoryReactor } from '../../support/memory-reactor.ts';
import { Random } from '../../support/random.ts';
import type { Plan } from '../plan.ts';
import { ensure } from '../transcript.ts';
import type { StoreWatch } from '../watch/store-watch.ts';
import { SimRings } from './rings.ts';
import type { World } from './world.ts';

export const HANDLE_PREFIX = 'H:sim';
export const HANDLE_BOOT = 1234;
/** Frames wait so long for a shard with a store. */
export const RESTART_WAIT_MS = 5000;
const TIMER_MS_MAX = 2 ** 31 - 1;
const FACTS = { version: '2.0.0+sim', pid: 1, verbose: () => 'ERROR', isAllowed: () => true };

export class SimThread {
  readonly index: number;
  readonly core: ThreadCore;
  readonly reactor: MemoryReactor;
  readonly rings: SimRings;
  /** Disk of its journal; outlives the thread. */
  readonly files: MemoryFiles;
  /** Outlives the thread too. */
  readonly storeWatch: StoreWatch;
  /** A turn was asked for. */
  isDue = true;
  readonly #plan: Plan;
  timer: { readonly atMs: number; readonly wake: () => void } | null = null;

  constructor(world: World, index: number, files: MemoryFiles, storeWatch: StoreWatch) {
    const { plan, hub, transcript } = world;
    this.index = index;
    this.files = files;
    this.storeWatch = storeWatch;
    this.#plan = plan;
    this.rings = new SimRings(hub, index);
    let reactor: MemoryReactor | null = null;
    this.core = new ThreadCore(coreOptions(plan, index, world), {
      clock: { nowMs: () => world.nowMs, wallMs: () => world.wallMs },
      log: {
        level: 7,
        log: (_level, text) => transcript.add(() => `thread ${index} logs: ${text}`),
      },
      memory: { discard: null },
      makeReactor: (onTurn) => {
        reactor = new MemoryReactor(
          {
            hashSeed: plan.hashSeed,
            packetBytesMax: 1 << 28,
            outputPauseBytes: plan.outputPauseBytes,
            outputBytesMax: plan.outputBytesMax,
            keepalive: null,
            onTurn,
            onListenError: () => {},
          },
          { registry: world.registry, onDue: () => this.#due() },
        );
        return reactor;
      },
      setTimer: (atMs, wake) => {
        ensure(atMs - world.nowMs < TIMER_MS_MAX + 1, () => `timer of thread ${index} is too long`);
        this.timer = { atMs, wake };
      },
      onLine: (table, session, line) => onLine(table, session, line, FACTS),
      rings: this.rings,
      ...(index === 0 && { runPolicyCommand: (command, done) => world.command(command, done) }),
      makeStore: plan.hasStore ? (host) => storeWatch.watch(this.#makeStore(host, plan)) : null,
    });
    this.reactor = reactor as unknown as MemoryReactor;
    if (plan.shardCount > 0) this.rings.watch(this.reactor);
  }

  /** Reads back what its store has kept; throws when that cannot be read. */
  restore(): void {
    let failure: unknown = null;
    this.core.restore().catch((error: unknown) => {
      failure = error;
    });
    this.files.run();
    ensure(failure === null, () => `thread ${this.index} cannot read its store: ${failure}`);
    this.storeWatch.checkRead();
  }

  /** What a restart would give back now. */
  get kept(): number {
    this.files.kill();
    const host = { wake: () => {}, log: () => {}, nowMs: () => 0 };
    let count = 0;
    this.#makeStore(host, this.#plan).replay(
      () => {
        count++;
      },
      (error) => ensure(error === null, () => `thread ${this.index}: ${error?.message}`),
    );
    this.files.run();
    return count;
  }

  #makeStore(host: StoreHost, plan: Plan): Store {
    const options = {
      files: this.files,
      folder: 'journal',
      shard: this.index,
      salt: plan.seed >>> 0,
    };
    return new Journal(
      {
        ...options,
        relaxedMs: plan.isRelaxed ? 20 : null,
        segmentBytes: 4096,
        defer: (step) => step(),
      },
      host,
    );
  }

  /** A reactor may say so while it is made. */
  #due(): void {
    this.isDue = true;
  }

  /** KiB of blobs that are alive. */
  get blobKib(): number {
    return this.reactor.control[Control.BLOB_KIB] as number;
  }
}

function coreOptions(plan: Plan, thread: number, { memoryWords, deadWords }: World) {
  const random = new Random(plan.seed ^ (thread << 24));
  return {
    sessions: {
      thread,
      shardCount: plan.shardCount,
      hashSeed: plan.hashSeed,
      exceptions: plan.exceptions,
      connectionsMax: 0,
      packetBytesMax: 1 << 28,
      outputPauseBytes: plan.outputPauseBytes,
      outputBytesMax: plan.outputBytesMax,
      restartWaitMs: plan.hasStore ? RESTART_WAIT_MS : 0,
      movesConnections: thread === 0 && plan.movesConnections,
    },
    broker: {
      jobRetries: plan.jobRetries,
      functionsMax: 1000,
      wakesPerJob: plan.wakesPerJob,
      wakeupDelayMs: plan.wakeupDelayMs,
      fewFunctionsMax: plan.fewFunctionsMax,
      isPriorityGlobal: plan.isPriorityGlobal,
      isRotating: plan.isRotating,
      isRelaxed: plan.isRelaxed,
      deadMemory: {
        limitBytes: plan.deadBytesMax,
        ownerCount: Math.max(1, plan.shardCount),
        words: deadWords,
      },
      random: () => random.next() / 2 ** 32,
    },
    handlePrefix: HANDLE_PREFIX,
    boot: HANDLE_BOOT,
    slowTurnMs: 100,
    unservedWarningMs: 60_000,
    memoryBytesMax: plan.memoryBytesMax,
    memoryWords,
  };
}
