/** What a server keeps over restarts besides jobs: made with the server, taken for this server alone by `open`. */
import type { StoreConfig } from '../shard/assemble.ts';

export interface ServerState {
  readonly hashSeed: number;
  readonly boot: number;
  /** Where jobs are when a thread dies: `journal` or `database`; null: nowhere. */
  readonly keptIn: string | null;
  /** Store of one thread, for one life of it; null where it keeps jobs in memory, or owns none. */
  storeOf(thread: number): StoreConfig | null;
  /** Takes the state directory; rejects when it is used, or cannot be. */
  open(): Promise<void>;
  close(): Promise<void>;
}
