/**
 * What the pool really runs in a thread: loads the shard's file and runs its default export. It makes two failures
 * visible that piscina hides: a file that cannot load is told apart from a death, and a rejection becomes an uncaught
 * error, because a thread whose task merely rejects is kept, with its sockets and timers (dependencies: piscina 5.3).
 */

/** Stages in `EntryTask.stage[0]`. */
export const STAGE_QUEUED = 0;
export const STAGE_RUNNING = 1;

export interface EntryTask {
  /** URL of a module whose default export is `(data) => Promise<void>`. */
  readonly file: string;
  readonly data: unknown;
  /** One shared word: how far this task came. */
  readonly stage: Int32Array;
}

/** Why the file could not be loaded; null when the shard ended in good order. */
export type EntryResult = string | null;

/** Runs one shard until it stops softly. */
export default async function runEntry(task: EntryTask): Promise<EntryResult> {
  Atomics.store(task.stage, 0, STAGE_RUNNING);
  let main: unknown;
  try {
    const loaded: { default?: unknown } = await import(task.file);
    main = loaded.default;
  } catch (error) {
    return error instanceof Error ? (error.stack ?? error.message) : String(error);
  }
  if (typeof main !== 'function') return 'its default export is not a function';
  try {
    await main(task.data);
    return null;
  } catch (error) {
    process.nextTick(() => {
      throw error;
    });
    return new Promise(() => {});
  }
}
