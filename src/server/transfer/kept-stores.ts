/**
 * The stores of a server, opened without a server to read or add jobs. Rule: only one process at a time uses a state
 * directory, here and with a server.
 */
import type { Logger } from '../../base/logger.ts';
import { openStore } from '../../shard/assemble.ts';
import { readManifest } from '../../store/manifest.ts';
import type { Store, StoreHost } from '../../store/store.ts';
import type { StoredJob } from '../../store/stored-job.ts';
import { createState } from '../create-state.ts';
import type { ResolvedOptions } from '../options.ts';
import type { ServerState } from '../state.ts';
import { stateDirOf } from '../state-dir.ts';

const IDLE_MS = 5;

/** The options with the journal's own number of shards, so that opening does not redistribute its jobs. */
export function optionsAsKept(options: ResolvedOptions): ResolvedOptions {
  if (options.queueType === 'builtin')
    throw new Error('-q builtin keeps no jobs: say with -q, and its options, where they are kept');
  const synced = { ...options, durability: 'synced' } as const;
  // Databases have no shards.
  if (options.queueType !== 'journal') return { ...synced, threads: 0 };
  const found = readManifest(folderOf(options));
  return found === null ? synced : { ...synced, threads: found.shards };
}

export function folderOf(options: ResolvedOptions): string {
  return stateDirOf(options);
}

/** All stores of one state. They are open, and each can be read once. */
export class KeptStores {
  readonly stores: readonly Store[];
  readonly #state: ServerState;
  #woken: () => void = () => {};

  private constructor(state: ServerState, shards: readonly number[], log: Logger) {
    this.#state = state;
    const host: StoreHost = {
      wake: () => this.#woken(),
      log: (level, text) => log.log(level, text),
      nowMs: () => performance.now(),
    };
    this.stores = shards.flatMap((shard) => {
      const config = state.storeOf(shard);
      return config === null ? [] : [openStore(config, host)];
    });
  }

  /** Rejects when a server uses the state directory, or the database is unusable. */
  static async open(options: ResolvedOptions, log: Logger): Promise<KeptStores> {
    const state = createState(options, log, () => {}, false);
    await state.open();
    const shards = Array.from({ length: options.threads + 1 }, (_, shard) => shard);
    return new KeptStores(state, shards, log);
  }

  /** Reads one store after the other; `expect` is called before each with its number of jobs. */
  async read(
    take: (job: StoredJob, order: number, store: Store, reference: number) => void,
    expect: (store: Store) => void = () => {},
  ): Promise<void> {
    for (const store of this.stores) {
      expect(store);
      await new Promise<void>((resolve, reject) =>
        store.replay(
          (job, reference, order) => take(job, order, store, reference),
          (error) => (error === null ? resolve() : reject(error)),
        ),
      );
    }
  }

  /** Resolves when `store` has results, or after a moment. */
  idle(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, IDLE_MS);
      this.#woken = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  async close(): Promise<void> {
    for (const store of this.stores) await new Promise<void>((resolve) => store.close(resolve));
    await this.#state.close();
  }
}
