/**
 * Shards that die in the middle of their work. The threads of this process are seen through Node's own `worker` event
 * and terminated, which ends them at any point, as a crash would; which shard it was is read from the log.
 */
import type { Worker } from 'node:worker_threads';
import { numbersOf } from '../handles.ts';
import type { WireConnection } from '../wire.ts';
import type { TestLog } from './servers.ts';

const threads = new Set<Worker>();
process.on('worker', (thread) => {
  threads.add(thread);
  thread.once('exit', () => threads.delete(thread));
});

/** Ends the newest thread of this process at once. */
export function endNewestThread(): void {
  const newest = [...threads].at(-1);
  if (newest === undefined) throw new Error('this process has no thread');
  void newest.terminate();
}

const DEATH = /^shard (\d+) has died/;

/** Ends the oldest thread of this process at once: a shard, even when another thread was started after the shards. */
export function endOldestThread(): void {
  const [oldest] = threads;
  if (oldest === undefined) throw new Error('this process has no thread');
  void oldest.terminate();
}

/** Ends a shard, resolves to its number when its death is in the log. */
export async function killShard(log: TestLog, end = endNewestThread): Promise<number> {
  const before = deaths(log).length;
  end();
  await log.until(DEATH, before + 1);
  return deaths(log).at(-1) as number;
}

/** Shards that have died, in order. */
export function deaths(log: TestLog): number[] {
  return log.lines.flatMap((line) => {
    const shard = DEATH.exec(line)?.[1];
    return shard === undefined ? [] : [Number(shard)];
  });
}

/** Resolves when all shards that have died run again. */
export async function untilMended(log: TestLog): Promise<void> {
  await log.until(/^shard \d+ runs again$/, deaths(log).length);
}

/** The shard in a handle. */
export function shardOf(handle: Buffer): number {
  return numbersOf(handle.toString()).shard;
}

/**
 * A function name of each shard, by shard (index 0 is empty). `asker` submits a job, which is cancelled at once, to
 * find the owner of a name, so its connection lives in the shard of the first name.
 */
export async function namesByShard(asker: WireConnection, threadCount: number): Promise<string[]> {
  const names: string[] = [''];
  for (let i = 0; names.filter((name) => name !== undefined).length <= threadCount; i++) {
    const { payload } = await asker.ask('JOB_CREATED', 'SUBMIT_JOB_BG', `fn-${i}`, '', 'probe');
    await asker.command(`cancel job ${payload}`);
    names[shardOf(payload)] ??= `fn-${i}`;
  }
  return names;
}
