/** Shared state of committer, compactor and recovery of one journal. */
import type { FileSystem } from '../file-system.ts';
import type { StoreHost } from '../store.ts';
import type { PendingCommits } from './pending-commits.ts';
import type { Segments } from './segments.ts';
import type { Slots } from './slots.ts';

export interface JournalParts {
  readonly files: FileSystem;
  readonly folder: string;
  /** Seed of the checksums. */
  readonly salt: number;
  readonly host: StoreHost;
  readonly slots: Slots;
  readonly segments: Segments;
  readonly pending: PendingCommits;
}
