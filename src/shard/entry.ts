/**
 * Runs in a thread of the pool: loads the shard's file and calls its default export. It makes two failures visible that
 * piscina 5.3 hides. A file that cannot load is distinguished from a death. A rejection becomes an uncaught error;
 * otherwise piscina would keep the thread, with its sockets and timers.
 */
import { orShortage } from '../native/shortage.ts';

/** Stages in `EntryTask.stage[0]`. */
export const STAGE_QUEUED = 0;
export const STAGE_RUNNING = 1;
/** The shard's file has been loaded. */
export const STAGE_LOADED = 2;

export interface EntryTask {
  /** URL of a module whose default export is `(data) => Promise<void>`. */
  readonly file: string;
  readonly data: unknown;
  /** One shared word: the stage that this task has reached. */
  readonly stage: Int32Array;
}

/** Why the file cannot be loaded; null when the shard ended in good order. */
export type EntryResult = string | null;

/** Runs one shard until it stops softly. */
export default async function runEntry(task: EntryTask): Promise<EntryResult> {
  Atomics.store(task.stage, 0, STAGE_RUNNING);
  let main: unknown;
  try {
    const loaded: { default?: unknown } = await import(task.file);
    main = loaded.default;
  } catch (error) {
    // Without descriptors it may load later: that counts as a death.
    const failure = orShortage(error, `load ${task.file}`);
    if (failure !== error) return die(failure);
    return error instanceof Error ? (error.stack ?? error.message) : String(error);
  }
  if (typeof main !== 'function') return 'its default export is not a function';
  Atomics.store(task.stage, 0, STAGE_LOADED);
  try {
    await main(task.data);
    return null;
  } catch (error) {
    return die(error);
  }
}

/** Ends the thread with an uncaught error. */
function die(error: unknown): Promise<never> {
  process.nextTick(() => {
    throw error;
  });
  return new Promise(() => {});
}
