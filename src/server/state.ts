/** The data that a server keeps over restarts. It is made with the server; `open` reserves it for this server alone. */
import type { StoreConfig } from '../shard/assemble.ts';

export interface ServerState {
  readonly hashSeed: number;
  readonly boot: number;
  /** Where jobs are kept when a thread dies: `journal` or `database`; null: nowhere. */
  readonly keptIn: string | null;
  /** Store of one thread for one run of the thread; null when its jobs are in memory or it owns no functions. */
  storeOf(thread: number): StoreConfig | null;
  /**
   * Call before a store of this state gets its first job with runs; jobs without runs need no call. For a journal the
   * state directory is then no longer readable for versions that know no runs, also after a restart. Repeated calls
   * have no effect. Throws when the directory cannot be written; then nothing has changed.
   */
  upgrade(): void;
  /** Takes the state directory; rejects when another server uses it, or it is unusable. */
  open(): Promise<void>;
  close(): Promise<void>;
}
