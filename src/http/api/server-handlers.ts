/** The server as a whole: what it can do, its threads, stores, options and log level. */
import type { ThreadStats } from '../../session/thread-queries.ts';
import { type Caller, hasServerRight, rightsView } from './caller.ts';
import { cursorText, readCursor } from './cursors.ts';
import { type FiguresSource, totalsOf } from './figures.ts';
import type { HandlersOf } from './handler.ts';
import { openApiOf } from './openapi.ts';
import { ApiProblem } from './problems.ts';
import { Reply } from './router.ts';
import { ROUTES, type RouteName } from './routes.ts';
import type { Totals } from './schemas.ts';
import type { ApiSource } from './source.ts';

type Names =
  | 'server'
  | 'shards'
  | 'stores'
  | 'options'
  | 'logLevel'
  | 'setLogLevel'
  | 'audit'
  | 'openapi';

/** What a dashboard asks for before it shows a part: the names of the routes. */
const CAPABILITIES = Object.keys(ROUTES) as RouteName[];

export function serverHandlers(source: ApiSource, figures: FiguresSource): HandlersOf<Names> {
  const startedMs = Date.now();
  let openApi: string | null = null;
  return {
    server: async ({ caller }) => ({
      version: source.version,
      core: source.core,
      threads: source.shardCount,
      nowMs: Date.now(),
      startedMs,
      notReady: source.notReady(),
      capabilities: [...CAPABILITIES],
      caller: caller.name,
      rights: rightsView(caller),
      ...(await totalsFor(source, figures, caller)),
    }),
    shards: async () => {
      const threads = await statsOf(source);
      const incidents: Record<string, number> = {};
      for (const stats of threads)
        for (const [reason, count] of Object.entries(stats?.incidents ?? {}))
          incidents[reason] = (incidents[reason] ?? 0) + count;
      const { memoryLimitBytes } = source;
      return { shards: threads.map(shardRow), memoryLimitBytes, incidents };
    },
    stores: async () => {
      const threads = await statsOf(source);
      return {
        stores: threads.flatMap((stats) =>
          stats?.store == null ? [] : [{ thread: stats.thread, ...stats.store }],
        ),
      };
    },
    options: () => ({ options: source.options().map((row) => ({ ...row })) }),
    logLevel: () => ({ level: source.logLevel() as 'INFO' }),
    setLogLevel: ({ body: { level }, noted }) => {
      Object.assign(noted, { target: 'log level', before: source.logLevel(), after: level });
      // A logger of the program may have no level.
      if (!source.setLogLevel(level))
        throw new ApiProblem('invalid', 'the level cannot be changed');
      return { level: source.logLevel() as 'INFO' };
    },
    audit: ({ query: { limit, cursor } }) => {
      const before =
        cursor === undefined ? Number.POSITIVE_INFINITY : readCursor('audit', cursor).position;
      const entries = source.audit.page(before, limit);
      const last = entries.at(-1)?.serial;
      const isFull = entries.length === limit && last !== undefined;
      const place = { thread: 0, position: last ?? 0, starts: -1 };
      return { entries, next: isFull ? cursorText('audit', place) : null };
    },
    openapi: () => {
      openApi ??= JSON.stringify(openApiOf(source.version));
      return new Reply(openApi);
    },
  };
}

/** Totals, for a caller that may view all functions, while all threads answer. */
async function totalsFor(
  source: ApiSource,
  figures: FiguresSource,
  caller: Caller,
): Promise<{ totals?: Totals }> {
  if (!hasServerRight(caller, 'view') || source.notReady() === 'starting') return {};
  const collected = await inTime(figures.fresh());
  return collected === null ? {} : { totals: totalsOf(collected) };
}

/** How long all threads together may take to answer. */
const STATS_MS = 5_000;

async function statsOf(source: ApiSource): Promise<readonly (ThreadStats | null)[]> {
  const threads = await inTime(source.askAll());
  if (threads === null) throw new ApiProblem('shardDown', 'a thread does not answer');
  return threads;
}

/** Null: it took too long. */
async function inTime<T>(asked: Promise<T>): Promise<T | null> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<null>((resolve) => {
    timer = setTimeout(() => resolve(null), STATS_MS).unref();
  });
  const answer = await Promise.race([asked, late]);
  clearTimeout(timer);
  return answer;
}

const NOTHING = {
  ...{ connections: 0, functions: 0, jobs: 0, submitted: 0, coalesced: 0, refused: 0 },
  ...{ assigned: 0, completed: 0, failed: 0, requeued: 0, deadDropped: 0, queueBytes: 0 },
  ...{ memoryBytes: 0, recordsSent: 0, recordsReceived: 0, turnBuckets: [] as number[], turnUs: 0 },
};

function shardRow(stats: ThreadStats | null, thread: number) {
  if (stats === null) return { thread, isRunning: false, ...NOTHING };
  const { connections, functions, jobs, submitted, coalesced, refused, assigned } = stats;
  const { completed, failed, requeued, queueBytes, memoryBytes } = stats;
  const { recordsSent, recordsReceived, turns } = stats;
  const deadDropped = Object.values(stats.deadDropped).reduce((sum, count) => sum + count, 0);
  return {
    ...{ thread, isRunning: true, connections, functions, jobs, submitted, coalesced, refused },
    ...{ assigned, completed, failed, requeued, queueBytes, memoryBytes },
    deadDropped,
    ...{ recordsSent, recordsReceived, turnBuckets: [...turns.buckets], turnUs: turns.sumUs },
  };
}
