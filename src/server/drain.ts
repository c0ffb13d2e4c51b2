/**
 * Ends the server after the last job. Without a store it waits for every job without limit; with one, background jobs
 * stay in the store and the other jobs get a time limit. Every ten seconds it logs what it is waiting for.
 */
import { type Logger, LogLevel } from '../base/logger.ts';
import { Listing } from '../broker/query.ts';
import { ownerThreads } from '../protocol/shard-of.ts';
import type { ThreadQuery, ThreadResult, ThreadStats } from '../session/thread-queries.ts';
import type { ThreadCore } from '../shard/thread-core.ts';
import { LastJob } from './last-job.ts';

/** Pause between two checks whether the last job has ended. */
const LOOK_MS = 20;
const REPORT_MS = 10_000;
/** Functions named in a report. */
const NAMES_MAX = 5;

export interface Draining {
  readonly core: ThreadCore;
  readonly shardCount: number;
  /** Where background jobs are kept; null in memory. */
  readonly keptIn: string | null;
  /** Time limit for running and foreground jobs, with a store. */
  readonly timeoutMs: number;
  readonly log: Logger;
  /** Figures by thread; null for one that is not running. */
  askAll(): Promise<(ThreadStats | null)[]>;
  /** Whether `close` has been called without `graceful` since the drain began. */
  isOver(): boolean;
}

/** Resolves when the server may close. */
export async function untilDrained(draining: Draining): Promise<void> {
  const { core, keptIn, log, timeoutMs, shardCount } = draining;
  const startMs = performance.now();
  const lastJob = new LastJob(shardCount);
  if (keptIn !== null) {
    await inSteps(core, shardCount, (cursor) => ({ kind: 'drain', cursor }));
    const others = `the server waits for the other jobs, for at most ${timeoutMs / 1000} s`;
    log.log(LogLevel.NOTICE, `background jobs stay in the ${keptIn}, ${others}`);
  }
  let reportMs = startMs + REPORT_MS;
  while (!draining.isOver()) {
    if (lastJob.look((await draining.askAll()).filter((stats) => stats !== null))) return;
    const nowMs = performance.now();
    if (keptIn !== null && nowMs - startMs >= timeoutMs) {
      const what = await waitedFor(core, shardCount);
      log.log(LogLevel.WARNING, `end after ${timeoutMs / 1000} s without waiting for ${what}`);
      await inSteps(core, shardCount, (cursor) => ({ kind: 'fail', cursor }));
      return;
    }
    if (nowMs >= reportMs) {
      reportMs += REPORT_MS;
      log.log(LogLevel.WARNING, `the server still waits for ${await waitedFor(core, shardCount)}`);
    }
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}

/** Sends a query to every owner of functions, again and again until all steps of the query are done. */
async function inSteps(
  core: ThreadCore,
  shardCount: number,
  query: (cursor: number) => ThreadQuery,
  each: (result: ThreadResult) => void = () => {},
): Promise<void> {
  for (const thread of ownerThreads(shardCount)) {
    let cursor = 0;
    do {
      const result = await new Promise<ThreadResult>((resolve) => {
        core.table.ask(thread, query(cursor), resolve);
        core.reactor.requestTurn();
      });
      each(result);
      cursor = result.cursor;
    } while (cursor !== 0);
  }
}

/** `3 jobs: 1 runs; 2 wait, of f (no worker), g`. Skips functions without jobs. */
async function waitedFor(core: ThreadCore, shardCount: number): Promise<string> {
  let running = 0;
  let waiting = 0;
  const names: string[] = [];
  const ask = (cursor: number): ThreadQuery => ({ kind: 'list', listing: Listing.awaited, cursor });
  await inSteps(core, shardCount, ask, ({ bytes }) => {
    for (const row of Buffer.from(bytes).toString().split('\n')) {
      const [name = '', queued, assigned, workers] = row.split('\t');
      running += Number(assigned ?? 0);
      waiting += Number(queued ?? 0);
      if (Number(queued ?? 0) > 0) names.push(workers === '0' ? `${name} (no worker)` : name);
    }
  });
  const more = names.length > NAMES_MAX ? ' and others' : '';
  const of = names.length === 0 ? '' : `, of ${names.slice(0, NAMES_MAX).join(', ')}${more}`;
  return `${running + waiting} jobs: ${running} running, ${waiting} queued${of}`;
}
