/** Chooses the state of a server: a journal's directory, a database, or none. */
import type { Logger } from '../base/logger.ts';
import { databaseSettingsOf, waitsForDatabase } from '../store/options.ts';
import { DatabaseState } from './database-state.ts';
import { newHashSeed, nextBoot } from './identity.ts';
import { JournalState } from './journal-state.ts';
import type { ResolvedOptions } from './options.ts';
import type { ServerState } from './state.ts';

/**
 * Throws when this version cannot read the state directory. `onFailure`: jobs can no longer be kept, so the server
 * must end. `waits`: the server starts even when the database is unreachable.
 */
export function createState(
  options: ResolvedOptions,
  log: Logger,
  onFailure: (error: Error) => void,
  waits = waitsForDatabase(options),
): ServerState {
  if (options.queueType === 'journal') return new JournalState(options, log);
  const settings = databaseSettingsOf(options);
  if (settings === null) return new NoState();
  return new DatabaseState(options, settings, log, onFailure, waits);
}

/** Jobs are in memory only: each run starts without them. */
class NoState implements ServerState {
  readonly hashSeed = newHashSeed();
  readonly boot = nextBoot();
  readonly keptIn = null;

  storeOf(): null {
    return null;
  }

  upgrade(): void {}

  async open(): Promise<void> {}

  async close(): Promise<void> {}
}
